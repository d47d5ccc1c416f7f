import { afterEach, describe, expect, test } from 'vitest'
import { streamStoreContract } from '../testing/stream-store-contract.ts'
import { appendText, createText, textAfter } from '../testing/text-streams.ts'
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

describe('with answers that come some turns late', () => {
  streamStoreContract((options) => open(options, 100_000_000, waitingStorage))

  test('streams that were let go of are looked up once for all that ask for them together', async () => {
    const store = open({}, 100_000_000, waitingStorage)
    const names = Array.from({ length: 5_000 }, (_, index) => `idle/${index}`)
    await Promise.all(names.map(async (name) => store.create(name, createText({ data: Buffer.from('a') }))))
    const texts = Array.from({ length: 10 }, (_, index) => `${index}`)
    const opened = Promise.all([store.open('idle/0'), store.open('idle/0')])
    const appended = texts.map(async (text) => store.append('idle/0', appendText(text)))
    const [one, other] = await opened
    await Promise.all(appended)
    expect(one).toBe(other)
    expect(await textAfter(store, one)).toBe(`a${texts.join('')}`)
  })
})

describe('the bound of all streams together', () => {
  test('refuses what goes beyond it, keeps what it has, and takes more when something is deleted', async () => {
    const store = open({}, 1_000)
    const { stream } = await store.create('a', createText({ data: Buffer.from('x'.repeat(900)) }))
    await store.create('b', createText())
    expect(() => store.append('b', appendText('y'.repeat(101)))).toThrow(
      expect.objectContaining({ code: 'storage_full', status: 507 }),
    )
    expect(await textAfter(store, stream)).toHaveLength(900)
    await store.delete('a')
    await store.append('b', appendText('y'.repeat(900)))
    expect(await textAfter(store, await store.open('b'))).toHaveLength(900)
  })
})
