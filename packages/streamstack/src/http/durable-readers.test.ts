import { afterEach, beforeEach, expect, test } from 'vitest'
import { type OpenCall, openCall } from '@streamstack/test-support/http-client'
import { type TempWorkspace, tempWorkspace } from '@streamstack/test-support/temp-workspace'
import { endpoint, send } from '@streamstack/test-support/test-server'
import { Engine, LiveRun } from '../engine/index.ts'
import { type StreamstackServer, startServer } from './index.ts'

const COUNT = 30_000
/** What memory may hold of a run: its newest chunks, one part of them more, and what is on its way to the disk. */
const HELD_BYTES_MAX = 524_288 * 1.25 + 1_048_576 + 2_000

const silent = (): void => undefined
const log = { debug: silent, info: silent, warn: silent, error: silent }

let workspace: TempWorkspace
let engine: Engine
let server: StreamstackServer

beforeEach(async () => {
  workspace = await tempWorkspace({
    'endpoints/long.json': endpoint(
      '/long',
      [{ function: 'For', count: COUNT, inner_functions: [send(`{{loop_index}} ${'x'.repeat(1_000)}`)] }],
      { settings: { delivery: 'durable', on_disconnect: 'continue' } },
    ),
  })
  engine = await Engine.open({ dir: workspace.dir, log })
  server = await startServer({ engine, host: '127.0.0.1', port: 0 })
})

afterEach(async () => {
  await server.close()
  await engine.close()
  await workspace[Symbol.asyncDispose]()
})

const numbersOf = (text: string): number[] => Array.from(text.matchAll(/"content":"(\d+) x/g), ([, n]) => Number(n))
const all = Array.from({ length: COUNT }, (_, n) => n)

function runOf({ headers }: OpenCall): LiveRun {
  const live = engine.runs.get(headers['stream-run'] as string)
  if (!(live instanceof LiveRun)) throw new Error('the run is over')
  return live
}

test('readers of a durable run get all of it at their own pace, from disk when they are behind, and memory holds little', async () => {
  const first = await openCall(server.url, '/long?format=ndjson')
  const { stream } = runOf(first)
  const url = `${first.headers['stream-url'] as string}?format=ndjson`
  let most = 0
  const watch = setInterval(() => (most = Math.max(most, stream.log.bytesHeld)), 1)
  // It falls behind all that memory holds, and no reader ever waits for it.
  const slow = await openCall(server.url, url)
  slow.pause()
  first.leave()
  const many = await Promise.all(Array.from({ length: 5 }, () => openCall(server.url, url)))
  for (const reader of many) {
    const { text, ending } = await reader.ended
    expect(numbersOf(text)).toEqual(all)
    expect([text.includes('"outcome":"completed"'), ending]).toEqual([true, 'clean'])
  }
  clearInterval(watch)
  expect(most).toBeGreaterThan(0)
  expect(most).toBeLessThan(HELD_BYTES_MAX)
  slow.resume()
  const { text } = await slow.ended
  expect(numbersOf(text)).toEqual(all)
  expect(text).not.toContain('reader_too_slow')
  expect(text).toContain('"outcome":"completed"')
  // Nothing of it stays when it is over.
  expect(engine.runs.get(first.headers['stream-run'] as string)).not.toBeInstanceOf(LiveRun)
})

test('a reader whose chunks cannot be read is broken off, and no other is, nor is the run', async () => {
  const first = await openCall(server.url, '/long?format=ndjson')
  const { stream } = runOf(first)
  const url = `${first.headers['stream-url'] as string}?format=ndjson`
  first.pause()
  await expect.poll(() => stream.lastOffset).toBeGreaterThan(100)
  const read = stream.log.read.bind(stream.log)
  let isBroken = true
  stream.log.read = (after) => {
    if (isBroken && after === 0) {
      isBroken = false
      throw new Error('a page of the file is torn')
    }
    return read(after)
  }
  const broken = await (await openCall(server.url, url)).ended
  expect(broken.ending).toBe('broken')
  expect(broken.text).toContain('"code":"internal"')
  expect(broken.text).not.toMatch(/torn|"outcome"/)
  first.resume()
  expect(numbersOf((await first.ended).text)).toEqual(all)
})
