import { afterEach, describe, expect, test } from 'vitest'
import { appendText, createText, streamStoreContract, textAfter } from '../testing/stream-store-contract.ts'
import { StreamStore, type StreamStoreOptions } from '../stream-store.ts'
import type { StreamStorage } from '../storage.ts'
import { waitingStorage } from '../testing/waiting-storage.ts'
import { MemoryStorage } from './storage.ts'

const stores: StreamStore[] = []

function open(
  options: Partial<StreamStoreOptions> = {},
  bytesMax = 100_000_000,
  wrap: (storage: StreamStorage) => StreamStorage = (storage) => storage,
): StreamStore {
  const onError = (error: unknown): void => expect.unreachable(String(error))
  const store = new StreamStore(wrap(new MemoryStorage(bytesMax)), {
    maxAgeMs: null,
    maxBytes: null,
    onError,
    ...options,
  })
  stores.push(store)
  return store
}

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close()
})

streamStoreContract(open)

describe('with writes that settle some turns late', () => {
  streamStoreContract((options) => open(options, 100_000_000, waitingStorage))
})

describe('the bound of all streams together', () => {
  test('refuses what goes beyond it, keeps what it has, and takes more when something is deleted', async () => {
    const store = open({}, 1_000)
    const { stream } = await store.create('a', createText({ data: Buffer.from('x'.repeat(900)) }))
    await store.create('b', createText())
    expect(() => store.append('b', appendText('y'.repeat(101)))).toThrow(
      expect.objectContaining({ code: 'storage_full', status: 507 }),
    )
    expect(textAfter(store, stream)).toHaveLength(900)
    await store.delete('a')
    await store.append('b', appendText('y'.repeat(900)))
    expect(textAfter(store, store.open('b'))).toHaveLength(900)
  })
})
