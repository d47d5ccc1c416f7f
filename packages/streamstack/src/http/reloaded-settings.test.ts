import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { call, openCall } from '@streamstack/test-support/http-client'
import { type TempWorkspace, tempWorkspace } from '@streamstack/test-support/temp-workspace'
import { endpoint, send } from '@streamstack/test-support/test-server'
import { Engine } from '../engine/index.ts'
import { type StreamstackServer, startServer } from './index.ts'

const silent = (): void => undefined

let workspace: TempWorkspace
let engine: Engine
let server: StreamstackServer

const settings = (more: object = {}): object => ({ streams: { access: 'open', log: 'memory' }, ...more })

beforeEach(async () => {
  workspace = await tempWorkspace({
    'streamstack.yaml': settings(),
    'endpoints/a.json': endpoint('/a', [send('a')], { method: 'POST' }),
  })
  engine = await Engine.open({
    dir: workspace.dir,
    log: { debug: silent, info: silent, warn: silent, error: silent },
    dataFolder: join(workspace.dir, 'data'),
  })
  server = await startServer({ engine, host: '127.0.0.1', port: 0 })
})

afterEach(async () => {
  await server.close()
  await engine.close()
  await workspace[Symbol.asyncDispose]()
})

async function change(more: object): Promise<void> {
  await workspace.write('streamstack.yaml', settings(more))
  expect(await engine.reload()).toEqual([])
}

const text = { 'Content-Type': 'text/plain' }

test('the largest body and the time of a long-poll hold for streams by name, too', async () => {
  const path = '/v1/stream/s'
  await call(server.url, path, { method: 'PUT', headers: text })
  const append = (bytes: number): Promise<number> =>
    call(server.url, path, { method: 'POST', headers: text, body: 'x'.repeat(bytes) }).then(({ status }) => status)
  expect(await append(2_000)).toBe(204)
  await change({ server: { body_limit: '1kb' }, streams: { access: 'open', log: 'memory', long_poll_timeout: '50ms' } })
  expect([await append(2_000), await append(500)]).toEqual([413, 204])
  expect((await call(server.url, `${path}?offset=now&live=long-poll`)).status).toBe(204)
})

test('hosts, origins and the detail of errors follow the file', async () => {
  const page = { Origin: 'https://app.example' }
  const status = (): Promise<number> =>
    call(server.url, '/a', { method: 'POST', headers: page }).then((answer) => answer.status)
  expect(await status()).toBe(403)
  await change({ server: { cors: { origins: ['https://app.example'] } } })
  expect(await status()).toBe(200)
  await change({ server: { hosts: ['api.example.com'], cors: { origins: ['https://app.example'] } } })
  const { port } = new URL(server.url)
  // Its own address is always one of its hosts.
  expect(await status()).toBe(200)
  expect((await call(`http://localhost:${port}`, '/a', { method: 'POST' })).status).toBe(421)
})

test('`offset=now` of a system stream keeps the format that was asked for', async () => {
  const path = '/v1/stream/system/activity?offset=now'
  const reader = await openCall(server.url, path, { headers: { Accept: 'text/event-stream' } })
  expect(reader.headers['content-type']).toContain('text/event-stream')
  reader.leave()
  const lines = await openCall(server.url, path, { headers: { Accept: 'application/x-ndjson' } })
  expect(lines.headers['content-type']).toContain('application/x-ndjson')
  lines.leave()
  // Without a wish it is a page of the open protocol.
  expect((await call(server.url, path)).headers['stream-next-offset']).toBeDefined()
})
