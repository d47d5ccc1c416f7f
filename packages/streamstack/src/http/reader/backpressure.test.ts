import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type OpenCall, openCall } from '@streamstack/test-support/http-client'
import { type TempWorkspace, tempWorkspace } from '@streamstack/test-support/temp-workspace'
import { endpoint, send } from '@streamstack/test-support/test-server'
import { Engine, LiveRun } from '../../engine/index.ts'
import { type StreamstackServer, startServer } from '../index.ts'

const KILOBYTE = 'x'.repeat(1_000)
const WINDOW_BYTES = 512 * 1024
/** Less than what is joined into one write. */
const WRITTEN_BYTES = 15_000
/** More than the system keeps for a connection: on Linux up to 32 MiB at its receiver and 4 MiB at its sender. */
const SOCKET_BYTES_MAX = 48 * 1024 * 1024
const silent = (): void => undefined
const log = { debug: silent, info: silent, warn: silent, error: silent }

let workspace: TempWorkspace
let engine: Engine
let server: StreamstackServer

const many = (count: number, content: unknown) => ({ function: 'For', count, inner_functions: [send(content)] })

beforeEach(async () => {
  workspace = await tempWorkspace({
    'streamstack.yaml': { streams: { window_bytes: WINDOW_BYTES } },
    'endpoints/endless.json': endpoint('/endless', [many(9_000_000, KILOBYTE)]),
    'endpoints/lines.json': endpoint('/lines', [many(9_000_000, KILOBYTE)]),
    // One write for each chunk.
    'endpoints/paced.json': endpoint('/paced', [
      {
        function: 'For',
        count: 9_000_000,
        inner_functions: [send('x'.repeat(15_000)), { function: 'Sleep', duration: 1 }],
      },
    ]),
    'endpoints/long.json': endpoint('/long', [many(40_000, KILOBYTE)], { settings: { on_disconnect: 'continue' } }),
    'channels/trickle.json': { subscribe: true },
    'endpoints/parallel.json': endpoint('/parallel', [
      { function: 'Parallel', branches: Array.from({ length: 8 }, () => [many(40, 'y'.repeat(128 * 1024))]) },
    ]),
  })
  engine = await Engine.open({ dir: workspace.dir, log })
  server = await startServer({ engine, host: '127.0.0.1', port: 0 })
})

afterEach(async () => {
  await server.close()
  await engine.close()
  await workspace[Symbol.asyncDispose]()
})

/** Settles when a value has stopped to change, though time has passed and everything had its turns in it. */
async function stable(value: () => number): Promise<number> {
  let last = -1
  for (let same = 0; same < 3;) {
    const now = value()
    same = now === last ? same + 1 : 0
    last = now
    await new Promise((resolve) => setTimeout(resolve, 40))
    for (let turn = 0; turn < 5; turn++) await setImmediate()
  }
  return last
}

const runOf = ({ headers }: OpenCall) => {
  const live = engine.runs.get(headers['stream-run'] as string)
  if (!(live instanceof LiveRun)) throw new Error('the run is gone')
  return live.execution
}

/** Offsets of the chunks of an NDJSON answer; a last line that was cut off is none. */
function offsetsOf(text: string): number[] {
  return [...text.matchAll(/^\{"offset":(\d+),"type":"chunk".*\n/gm)].map(([, offset]) => Number(offset))
}

function expectNoGap(offsets: readonly number[], after = 0): void {
  expect(offsets.every((offset, i) => offset === after + i + 1)).toBe(true)
}

describe('a reader that does not read', () => {
  test('makes the run wait, and costs a bounded number of bytes', async () => {
    const open = await openCall(server.url, '/endless?format=ndjson')
    open.pause()
    const run = runOf(open)
    const sent = await stable(() => run.chunksSent)
    expect(run.isOver).toBe(false)
    expect(run.stream.log.bytesHeld).toBeLessThanOrEqual(WINDOW_BYTES * 1.25)
    // It goes on as soon as there is room again, and nothing is missing.
    open.resume()
    await open.until(`"offset":${sent + 500},`)
    run.cancel('enough')
    const { text } = await open.ended
    expectNoGap(offsetsOf(text))
    expect(text).toContain('"outcome":"cancelled"')
    expect(text).not.toContain('reader_too_slow')
  })

  test.each(['/lines?format=lines', '/paced?format=lines', '/paced?format=sse'])(
    'is not written to any more once its socket is full: %s',
    async (path) => {
      const open = await openCall(server.url, path)
      open.pause()
      const run = runOf(open)
      await stable(() => run.chunksSent)
      expect([run.stream.isCongested, run.isOver]).toEqual([true, false])
      open.leave()
    },
  )

  test('falls behind a stream of small chunks that are written one by one, too', async () => {
    const reader = await openCall(server.url, '/v1/channels/trickle?format=ndjson')
    reader.pause()
    const content = 'x'.repeat(WRITTEN_BYTES)
    for (let count = 0; count < SOCKET_BYTES_MAX / WRITTEN_BYTES; count++) {
      await engine.channels.serverPublish('trickle', { content, metadata: null, key: null })
      await setImmediate()
    }
    reader.resume()
    // What did not fit into the socket was not kept for it anywhere else.
    const { text, ending } = await reader.ended
    expect(text).toContain('"code":"reader_too_slow"')
    expect(ending).toBe('broken')
  })

  test('does not hold up another reader of the same run, and is never given a false end', async () => {
    const slow = await openCall(server.url, '/long?format=ndjson')
    slow.pause()
    const run = runOf(slow)
    await stable(() => run.chunksSent)
    const { droppedOffset } = run.stream.log
    let most = 0
    const watch = setInterval(() => {
      most = Math.max(most, run.stream.log.bytesHeld)
    }, 1)
    const url = `${slow.headers['stream-url'] as string}?format=ndjson&offset=${droppedOffset}`
    const fast = await (await openCall(server.url, url)).ended
    clearInterval(watch)
    expect(offsetsOf(fast.text)).toHaveLength(40_000 - droppedOffset)
    expectNoGap(offsetsOf(fast.text), droppedOffset)
    expect(fast.text).toContain('"outcome":"completed"')
    expect(most).toBeLessThanOrEqual(WINDOW_BYTES * 1.25)
    slow.resume()
    const { text, ending } = await slow.ended
    const offsets = offsetsOf(text)
    expectNoGap(offsets)
    expect(offsets.length).toBeLessThan(40_000)
    expect(text).toContain('"code":"reader_too_slow"')
    expect(text).not.toContain('"outcome"')
    expect(ending).toBe('broken')
  })

  test('leaves, and the run that waited for it goes on without', async () => {
    const open = await openCall(server.url, '/long?format=ndjson')
    open.pause()
    const run = runOf(open)
    await stable(() => run.chunksSent)
    expect(run.isOver).toBe(false)
    open.leave()
    await new Promise<void>((resolve) => run.stream.onEnd(resolve))
    expect(run.stream.end).toMatchObject({ outcome: 'completed', offset: 40_000 })
  })

  test('loses nothing to branches that send large chunks side by side', async () => {
    const open = await openCall(server.url, '/parallel?format=ndjson')
    open.pause()
    const run = runOf(open)
    await stable(() => run.chunksSent)
    open.resume()
    const { text } = await open.ended
    expect(text).not.toContain('reader_too_slow')
    expectNoGap(offsetsOf(text))
    expect(offsetsOf(text)).toHaveLength(320)
    expect(text).toContain('"outcome":"completed"')
  })
})
