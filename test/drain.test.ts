import { readFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { connect } from 'node:http2'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { serve } from 'streamstack'
import { type Gate, closedGate } from '@streamstack/test-support/gate'
import {
  type Answer,
  type OpenCall,
  call,
  contents,
  ndjsonLines,
  openCall,
  problem,
} from '@streamstack/test-support/http-client'
import { serverProcess } from '@streamstack/test-support/server-process'
import { sseEvents } from '@streamstack/test-support/sse-events'
import { standingRun } from '@streamstack/test-support/standing-run'
import { type TempWorkspace, tempWorkspace } from '@streamstack/test-support/temp-workspace'
import { endpoint, send } from '@streamstack/test-support/test-server'
import { openWebSocket } from '@streamstack/test-support/websocket-client'

const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/tls/${name}.pem`, import.meta.url))

const sleep = (duration: number): object => ({ function: 'Sleep', duration })
const durable = { delivery: 'durable' }

function files(grace: string): Record<string, unknown> {
  return {
    'streamstack.yaml': { log: { level: 'silent' }, server: { stop_grace: grace }, streams: { access: 'open' } },
    'endpoints/long.json': endpoint(
      '/long',
      [
        {
          function: 'Try/Catch Block',
          try_block: [send('begun'), sleep(3_600_000)],
          catch_block: [send('caught')],
          finally_block: [send('cleaned up')],
        },
      ],
      { settings: durable },
    ),
  }
}

async function workspaceWith(grace: string): Promise<TempWorkspace> {
  return tempWorkspace(files(grace))
}

/** With a run that ends when its test says so. */
function filesWith(gate: Gate, server: object): Record<string, unknown> {
  return {
    ...files('20s'),
    'streamstack.yaml': {
      log: { level: 'silent' },
      server: { stop_grace: '20s', ...server },
      streams: { access: 'open' },
      outbound: { allow: [gate.host] },
    },
    'endpoints/brief.json': endpoint('/brief', [send('one'), gate.step, send('two')], { settings: durable }),
  }
}

/** Whether the server is on its way to its end, as load balancers see it. */
async function stopping(url: string): Promise<void> {
  await expect.poll(async () => (await call(url, '/readyz')).status, { interval: 5 }).toBe(503)
}

describe('SIGTERM', () => {
  test('lets runs come to their end and their readers read, while new calls are told to come back', async () => {
    await using gate = await closedGate()
    await using workspace = await tempWorkspace(filesWith(gate, {}))
    await using server = await serverProcess(workspace.dir)
    const open = await openCall(server.url, '/brief?format=ndjson')
    await open.until('one')
    const ended = server.end('SIGTERM')
    await stopping(server.url)
    const refused = await call(server.url, '/brief')
    expect([refused.status, problem(refused)['code']]).toEqual([503, 'unavailable'])
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    expect(refused.headers.connection).toBe('close')
    for (const path of ['/v1/stream/news?offset=-1&live=sse', '/v1/stream/system/activity']) {
      expect((await call(server.url, path)).status).toBe(503)
    }
    // To an EventSource a status would be final: it is told to come back, and nothing that it could take for an event.
    for (const path of ['/brief?idempotency_key=new', '/v1/stream/system/activity', '/v1/channels/any']) {
      const headers = { Accept: 'text/event-stream', 'Cache-Control': 'no-cache' }
      const sentAway = await call(server.url, path, { headers })
      expect([sentAway.status, sentAway.ending]).toEqual([200, 'clean'])
      expect(sentAway.headers['content-type']).toMatch(/^text\/event-stream/)
      expect(sentAway.text).toMatch(/^retry: [123]\d{3}\n: [^\n]+\n\n$/)
      const keyed = { ...headers, 'Idempotency-Key': 'other' }
      expect((await call(server.url, path, { headers: keyed })).status).toBe(503)
    }
    expect((await call(server.url, '/healthz')).status).toBe(200)
    // A client that lost the connection resumes the run, which goes on.
    const again = await openCall(server.url, `${open.headers['stream-url'] as string}?format=ndjson`)
    gate.open()
    for (const { text, ending } of [await open.ended, await again.ended]) {
      expect(contents(text)).toEqual(['one', 'two'])
      expect(ndjsonLines(text).at(-1)).toMatchObject({ outcome: 'completed' })
      expect(ending).toBe('clean')
    }
    expect(await ended).toBe(0)
  })

  test('cancels what goes on longer than the grace time: finally blocks run, and the outcome is on disk', async () => {
    await using workspace = await workspaceWith('100ms')
    const { url, answer } = await (async () => {
      await using server = await serverProcess(workspace.dir)
      const open = await openCall(server.url, '/long?format=ndjson')
      await open.until('begun')
      expect(await server.end('SIGTERM')).toBe(0)
      return { url: open.headers['stream-url'] as string, answer: await open.ended }
    })()
    expect(contents(answer.text)).toEqual(['begun', 'cleaned up'])
    expect(ndjsonLines(answer.text).at(-1)).toMatchObject({ outcome: 'cancelled', offset: 2 })
    await using server = await testAgain(workspace)
    expect((await call(server.url, `${url}?format=ndjson`)).text).toBe(answer.text)
  })

  test('a second one ends at once', async () => {
    await using workspace = await workspaceWith('1h')
    await using server = await serverProcess(workspace.dir)
    const open = await openCall(server.url, '/long?format=ndjson')
    await open.until('begun')
    void server.end('SIGTERM')
    await stopping(server.url)
    expect(await server.end('SIGTERM')).toBe(143)
    const { text, ending } = await open.ended
    expect(ending).toBe('broken')
    expect(text).not.toContain('"outcome"')
    // A run that was cut off is not over as if nothing had happened.
    await using again = await testAgain(workspace)
    const answer = await call(again.url, `${open.headers['stream-url'] as string}?format=ndjson`)
    expect(contents(answer.text)).toEqual(['begun'])
    expect(ndjsonLines(answer.text).at(-1)).toMatchObject({ outcome: 'abandoned', error: { code: 'abandoned' } })
    // That is written down, too: its time of retention counts from now.
    using file = new DatabaseSync(join(workspace.dir, '.streamstack/streams.sqlite'), { readOnly: true })
    expect(file.prepare('SELECT count(*) AS open FROM streams WHERE closed = 0').get()).toEqual({ open: 0 })
  })

  test('Ctrl-C waits for nothing: runs are cancelled, and their readers told', async () => {
    await using workspace = await workspaceWith('1h')
    await using server = await serverProcess(workspace.dir)
    const open = await openCall(server.url, '/long?format=ndjson')
    await open.until('begun')
    expect(await server.end('SIGINT')).toBe(0)
    const { text, ending } = await open.ended
    expect(contents(text)).toEqual(['begun', 'cleaned up'])
    expect([ndjsonLines(text).at(-1)?.outcome, ending]).toEqual(['cancelled', 'clean'])
  })
})

function testAgain({ dir }: TempWorkspace): Promise<{ url: string } & AsyncDisposable> {
  return serve({ dir, port: 0 }).then((server) => ({
    url: server.url,
    [Symbol.asyncDispose]: () => server.close(),
  }))
}

describe('readers of streams without an end', () => {
  test('learn that they should reconnect, and never that the stream is over', async () => {
    await using workspace = await workspaceWith('0s')
    const server = await serve({ dir: workspace.dir, port: 0 })
    const open = (path: string): Promise<OpenCall> => openCall(server.url, path)
    await call(server.url, '/v1/stream/news', { method: 'PUT', headers: { 'Content-Type': 'application/json' } })
    await call(server.url, '/v1/stream/news', { headers: { 'Content-Type': 'application/json' }, body: { n: 1 } })
    const named = await open('/v1/stream/news?offset=-1&live=sse')
    await named.until('upToDate')
    const offset = (await call(server.url, '/v1/stream/news')).headers['stream-next-offset'] as string
    const polled = call(server.url, `/v1/stream/news?offset=${offset}&live=long-poll`)
    const events = await open('/v1/stream/system/metrics?format=sse')
    const lines = await open('/v1/stream/system/metrics?format=ndjson')
    await events.until('data:')
    await lines.until('"offset"')
    const socket = await openWebSocket(server.url)
    const closed = server.close({ graceMs: 0 })
    const poll = await polled
    expect([poll.status, poll.headers['stream-next-offset']]).toEqual([204, offset])
    for (const answer of [await named.ended, await events.ended]) {
      expect(answer.text).toMatch(/\nretry: \d+\n: [^\n]+\n\n$/)
      expect(answer.ending).toBe('clean')
      expect(sseEvents(answer.text).map(({ event }) => event)).not.toContain('end')
      expect(answer.text).not.toContain('streamClosed')
    }
    const broken = await lines.ended
    expect(broken.ending).toBe('broken')
    expect(broken.text).not.toContain('"outcome"')
    expect((await socket.closed).code).toBe(1012)
    await closed
  })
})

describe('connections of a server that stops', () => {
  test('are closed at once when they are idle, and after their answer when they are not', async () => {
    await using gate = await closedGate()
    await using workspace = await tempWorkspace(filesWith(gate, {}))
    const server = await serve({ dir: workspace.dir, port: 0 })
    const agent = new Agent({ keepAlive: true, maxSockets: 4 })
    const get = (path: string): Promise<{ text: string; gone: Promise<void> }> =>
      new Promise((resolve, reject) => {
        const sent = request(new URL(path, server.url), { agent }, (response) => {
          let text = ''
          const { socket } = response
          const gone = new Promise<void>((done) => socket.once('close', () => done()))
          response.setEncoding('utf8').on('data', (data: string) => (text += data))
          response.on('end', () => resolve({ text, gone }))
        })
        sent.on('error', reject)
        sent.end()
      })
    const running = get('/brief?format=ndjson')
    const idle = await get('/healthz')
    let isRead = false
    void running.then(() => (isRead = true))
    const closed = server.close({ graceMs: 20_000 })
    await idle.gone
    expect(isRead).toBe(false)
    gate.open()
    const { text, gone } = await running
    expect(contents(text)).toEqual(['one', 'two'])
    await gone
    await closed
    agent.destroy()
  })

  test('of HTTP/2 are told to bring nothing more, and finish what they carry', async () => {
    await using gate = await closedGate()
    await using workspace = await tempWorkspace(
      filesWith(gate, { tls: { cert: fixture('cert'), key: fixture('key') } }),
    )
    const server = await serve({ dir: workspace.dir, port: 0 })
    const session = connect(server.url, { ca: await readFile(fixture('cert')) })
    const goaway = new Promise<number>((resolve) => session.once('goaway', (code) => resolve(code)))
    const ended = new Promise<void>((resolve) => session.once('close', () => resolve()))
    const stream = session.request({ ':path': '/brief?format=ndjson' })
    let text = ''
    const began = new Promise<void>((resolve) => stream.once('data', () => resolve()))
    const over = new Promise<number>((resolve) => stream.once('close', () => resolve(stream.rstCode ?? 0)))
    stream.setEncoding('utf8').on('data', (data: string) => (text += data))
    await began
    const closed = server.close({ graceMs: 20_000 })
    expect(await goaway).toBe(0)
    gate.open()
    expect(await over).toBe(0)
    expect(contents(text)).toEqual(['one', 'two'])
    await ended
    await closed
  })

  test('whose reader stands still hold up no longer than the grace time', async () => {
    await using workspace = await tempWorkspace({
      ...files('0s'),
      'endpoints/endless.json': endpoint('/endless', [
        { function: 'For', count: 9_000_000, inner_functions: [send('x'.repeat(1_000))] },
      ]),
    })
    const server = await serve({ dir: workspace.dir, port: 0 })
    const open = await openCall(server.url, '/endless?format=ndjson')
    open.pause()
    await standingRun(server.url, String(open.headers['stream-run']))
    await server.close({ graceMs: 200 })
    open.resume()
    const { text, ending }: Answer = await open.ended
    expect(ending).toBe('broken')
    expect(text).not.toContain('"outcome"')
  })
})

describe('a data folder', () => {
  test('is for one server, also of a workspace that keeps nothing; it is free again after a crash', async () => {
    await using workspace = await tempWorkspace({
      'streamstack.yaml': { log: { level: 'silent' } },
      'endpoints/a.json': endpoint('/a', [send('a')]),
    })
    const first = await serverProcess(workspace.dir)
    const refusal = /^Another server \(process \d+\) uses the data folder \.streamstack\. Stop it first/
    await expect(serverProcess(workspace.dir)).rejects.toThrow('uses the data folder .streamstack')
    await expect(serve({ dir: workspace.dir, port: 0 })).rejects.toThrow(refusal)
    expect((await call(first.url, '/a?format=text')).text).toBe('a')
    expect(await first.end('SIGKILL')).toBe(null)
    await using second = await testAgain(workspace)
    expect((await call(second.url, '/a?format=text')).text).toBe('a')
    await expect(serve({ dir: workspace.dir, port: 0 })).rejects.toThrow(refusal)
    await using beside = await serve({ dir: workspace.dir, port: 0, data: join(workspace.dir, 'other') }).then(
      (server) => ({ url: server.url, [Symbol.asyncDispose]: () => server.close() }),
    )
    expect((await call(beside.url, '/a?format=text')).text).toBe('a')
  })
})
