import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { call } from '@streamstack/test-support/http-client'
import { type TempWorkspace, tempWorkspace } from '@streamstack/test-support/temp-workspace'
import { endpoint, send } from '@streamstack/test-support/test-server'
import { Engine } from '../engine/index.ts'
import { type StreamstackServer, startServer } from './index.ts'

const silent = (): void => undefined
const log = { debug: silent, info: silent, warn: silent, error: silent }

let workspace: TempWorkspace
let engine: Engine
let server: StreamstackServer

beforeEach(async () => {
  workspace = await tempWorkspace({
    'endpoints/kept.json': endpoint('/kept', [send('a'), send('b')], { settings: { delivery: 'durable' } }),
  })
  engine = await Engine.open({ dir: workspace.dir, log, dataFolder: join(workspace.dir, 'data') })
  server = await startServer({ engine, host: '127.0.0.1', port: 0 })
})

afterEach(async () => {
  await server.close()
  await engine.close()
  await workspace[Symbol.asyncDispose]()
})

async function health(): Promise<unknown> {
  const answers = await Promise.all(['/readyz', '/healthz'].map(async (path) => call(server.url, path)))
  return answers.map(({ status, text }) => [status, JSON.parse(text)])
}

test('a server that stops is healthy and not ready', async () => {
  expect(await health()).toEqual([
    [200, { status: 'ready' }],
    [200, { status: 'ok' }],
  ])
  engine.isDraining = true
  expect(await health()).toEqual([
    [503, { status: 'stopping' }],
    [200, { status: 'ok' }],
  ])
})

test('a server whose storage takes nothing any more is not ready', async () => {
  expect((await call(server.url, '/kept')).status).toBe(200)
  expect(await health()).toEqual([
    [200, { status: 'ready' }],
    [200, { status: 'ok' }],
  ])
  const other = new DatabaseSync(join(workspace.dir, 'data', 'streams.sqlite'), { timeout: 5_000 })
  other.exec("CREATE TRIGGER fail BEFORE INSERT ON journal BEGIN SELECT RAISE(ABORT, 'the disk is on fire'); END")
  await call(server.url, '/kept')
  other.exec('DROP TRIGGER fail')
  other.close()
  expect(await health()).toEqual([
    [503, { status: 'storage_failed' }],
    [200, { status: 'ok' }],
  ])
})

test('chunks of a durable run are timed from their way into it, the disk included', async () => {
  const calledMs = performance.now()
  expect((await call(server.url, '/kept?format=ndjson')).status).toBe(200)
  const tookMs = performance.now() - calledMs
  const { chunks, chunk, firstChunk } = engine.observation.metrics
  expect(chunks.total).toBe(2)
  expect(firstChunk.percentiles().count).toBe(1)
  expect(chunk.percentiles().count).toBe(2)
  expect(chunk.percentiles().p50).toBeGreaterThan(0)
  // Percentiles are exact to a 64th.
  expect(chunk.percentiles().p99).toBeLessThanOrEqual(tookMs * (1 + 1 / 32))
})
