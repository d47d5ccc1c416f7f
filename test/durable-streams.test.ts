import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { makeToken } from '@streamstack/test-support/credentials'
import { testServer } from '@streamstack/test-support/test-server'

const text = { 'content-type': 'text/plain' }
const open = { access: 'open', log: 'memory', long_poll_timeout: '200ms' }
const secret = 'a secret of this test that is long enough for HS256'

function streams(settings: object, more: object = {}): { 'streamstack.yaml': object } {
  return { 'streamstack.yaml': { streams: settings, ...more } }
}

describe('who may use streams', () => {
  test('with default settings, no caller without a token', async () => {
    await using server = await testServer(streams({ log: 'memory' }, { auth: { jwt: { secret } } }))
    for (const method of ['GET', 'PUT', 'POST', 'DELETE', 'HEAD']) {
      const { status, headers } = await server.call('/v1/stream/secret', { method, headers: text })
      expect([method, status]).toEqual([method, 401])
      expect(headers['x-content-type-options']).toBe('nosniff')
    }
    const { status } = await server.call('/v1/stream/__ds/subscriptions/s', { method: 'PUT', body: {} })
    expect(status).toBe(401)
  })

  test('a server that cannot check tokens admits no caller', async () => {
    await using server = await testServer(streams({ log: 'memory' }))
    expect((await server.call('/v1/stream/a', { method: 'PUT', headers: text })).status).toBe(503)
    expect((await server.call('/v1/stream/a')).status).toBe(503)
  })

  test('reading and writing are two scopes', async () => {
    await using server = await testServer(streams({ log: 'memory' }, { auth: { jwt: { secret } } }))
    const token = async (scope: string): Promise<{ authorization: string }> => ({
      authorization: `Bearer ${await makeToken({ secret, sub: 'u', expiresSeconds: 60, claims: { scope } })}`,
    })
    const [read, write, other] = [await token('streams:read'), await token('streams:write'), await token('streams')]
    const put = (headers: object) => server.call('/v1/stream/a', { method: 'PUT', headers: { ...text, ...headers } })
    expect((await put(read)).status).toBe(403)
    expect((await put(other)).status).toBe(403)
    expect((await put(write)).status).toBe(201)
    expect((await server.call('/v1/stream/a', { headers: write })).status).toBe(403)
    expect((await server.call('/v1/stream/a', { headers: read })).status).toBe(200)
  })

  test('an open server is refused on any other address than this machine', async () => {
    await expect(testServer(streams(open), { host: '0.0.0.0' })).rejects.toThrow('streams.access')
  })

  test('an open server lets in no page of a foreign origin, and no foreign name', async () => {
    await using server = await testServer(streams(open))
    const foreign = { ...text, origin: 'https://evil.example' }
    expect((await server.call('/v1/stream/a', { method: 'PUT', headers: foreign })).status).toBe(403)
    expect(
      (await server.call('/v1/stream/a', { method: 'PUT', headers: { ...text, host: 'evil.example' } })).status,
    ).toBe(403)
    expect(
      (await server.call('/v1/stream/a', { method: 'PUT', headers: { ...text, origin: server.url } })).status,
    ).toBe(201)
  })
})

describe('cursors', () => {
  test('of another stream, beyond the end, or garbage are refused, never answered with the wrong chunks', async () => {
    await using server = await testServer(streams(open))
    const put = (name: string) => server.call(`/v1/stream/${name}`, { method: 'PUT', headers: text, body: 'x' })
    const other = String((await put('other')).headers['stream-next-offset'])
    const own = String((await put('own')).headers['stream-next-offset'])
    const beyond = own.replace(/^\d{16}/, '0000000000000009')
    for (const offset of [other, beyond, '-2', 'NaN', '1e3', '..', '%00', `${own}x`]) {
      for (const live of ['', '&live=long-poll', '&live=sse']) {
        const { status } = await server.call(`/v1/stream/own?offset=${offset}${live}`)
        expect([offset, live, status]).toEqual([offset, live, 400])
      }
    }
    expect((await server.call(`/v1/stream/own?offset=${own}`)).status).toBe(200)
  })

  test('below what is kept get 410 and the first offset that can be read', async () => {
    await using server = await testServer(streams({ ...open, max_bytes: '100kb' }))
    await server.call('/v1/stream/a', { method: 'PUT', headers: text })
    for (let count = 0; count < 40; count++) {
      await server.call('/v1/stream/a', { method: 'POST', headers: text, body: 'x'.repeat(10_000) })
    }
    for (const live of ['', '&live=long-poll', '&live=sse']) {
      const { status, text: body, headers } = await server.call(`/v1/stream/a?offset=-1${live}`)
      expect([live, status]).toEqual([live, 410])
      const { first_offset: first } = JSON.parse(body) as { first_offset: string }
      expect(headers['stream-first-offset']).toBe(first)
      expect((await server.call(`/v1/stream/a?offset=${first}`)).text).toMatch(/^x{60000,}$/)
    }
  })
})

describe('live readers', () => {
  test('get tokens with their spaces and lines, one event after another, and the end', async () => {
    await using server = await testServer(streams(open))
    await server.call('/v1/stream/a', { method: 'PUT', headers: text })
    const reader = await server.open('/v1/stream/a?offset=-1&live=sse')
    await reader.until('"upToDate":true')
    const tokens = ['Hello', ' world', '\n ', ' two  spaces', '\r\nevent: control\r\ndata: {}\r\n\r\n']
    for (const token of tokens) await server.call('/v1/stream/a', { method: 'POST', headers: text, body: token })
    await server.call('/v1/stream/a', { method: 'POST', headers: { 'stream-closed': 'true' }, body: '' })
    const { ending, text: events } = await reader.ended
    expect(ending).toBe('clean')
    const data = [...events.matchAll(/event: data\n((?:data:.*\n)+)\n/g)].map(([, lines = '']) =>
      lines
        .slice(0, -1)
        .split('\n')
        .map((line) => line.slice(5).replace(/^ /, ''))
        .join('\n'),
    )
    // Event streams know one kind of line end.
    expect(data.join('')).toBe(tokens.join('').replaceAll('\r\n', '\n'))
    expect(events.match(/streamClosed/g)).toHaveLength(1)
  })

  test('that read nothing cost the others nothing, and lose nothing', async () => {
    await using server = await testServer(streams({ ...open, max_bytes: '64mb' }, { server: { body_limit: '2mb' } }))
    await server.call('/v1/stream/a', { method: 'PUT', headers: text })
    const [slow, fast] = await Promise.all([
      server.open('/v1/stream/a?offset=-1&live=sse'),
      server.open('/v1/stream/a?offset=-1&live=sse'),
    ])
    await slow.until('upToDate')
    slow.pause()
    const block = 'y'.repeat(1_000_000)
    for (let count = 0; count < 12; count++) {
      await server.call('/v1/stream/a', { method: 'POST', headers: text, body: `${count}:${block}` })
    }
    await server.call('/v1/stream/a', { method: 'POST', headers: { 'stream-closed': 'true' }, body: '' })
    const whole = (await fast.ended).text
    slow.resume()
    const late = (await slow.ended).text
    for (const received of [whole, late]) {
      expect(received.match(/\d+:y/g)).toEqual(Array.from({ length: 12 }, (_, count) => `${count}:y`))
    }
  })
})

describe('what was told as kept', () => {
  test('is there after a restart, and so are cursors, producers and subscriptions', async () => {
    const data = await mkdtemp(join(tmpdir(), 'streamstack-data-'))
    const files = streams({ ...open, log: 'sqlite' })
    const producer = { ...text, 'producer-id': 'p', 'producer-epoch': '0', 'producer-seq': '0' }
    let offset: string
    {
      await using server = await testServer(files, { data })
      await server.call('/v1/stream/a', { method: 'PUT', headers: text })
      const { headers } = await server.call('/v1/stream/a', { method: 'POST', headers: producer, body: 'one' })
      offset = String(headers['stream-next-offset'])
      const body = { type: 'pull-wake', pattern: 'a', wake_stream: 'wakes' }
      expect((await server.call('/v1/stream/__ds/subscriptions/s', { method: 'PUT', body })).status).toBe(201)
      await server.call('/v1/stream/a', { method: 'POST', headers: text, body: 'two' })
    }
    {
      await using server = await testServer(files, { data })
      expect((await server.call(`/v1/stream/a?offset=${offset}`)).text).toBe('two')
      expect((await server.call('/v1/stream/a', { method: 'POST', headers: producer, body: 'one' })).status).toBe(204)
      const claim = await server.call('/v1/stream/__ds/subscriptions/s/claim', { body: { worker: 'w' } })
      expect([claim.status, JSON.parse(claim.text).streams[0]]).toMatchObject([200, { path: 'a', has_pending: true }])
    }
    await rm(data, { recursive: true })
  })
})

describe('names', () => {
  test('that could lead elsewhere are no streams, and runs keep their own URLs', async () => {
    await using server = await testServer(streams(open))
    for (const name of ['', 'a//b', '../x', 'a/../b', '%2e%2e/x', 'a%00b', '%zz', 'x'.repeat(600), '__ds/other']) {
      const { status } = await server.call(`/v1/stream/${name}`, { method: 'PUT', headers: text })
      expect([name, status]).toEqual([name, 404])
    }
    expect((await server.call('/v1/stream/runs/x', { method: 'PUT', headers: text })).status).toBe(405)
    expect((await server.call('/v1/stream/a%2Fb', { method: 'PUT', headers: text })).status).toBe(201)
    expect((await server.call('/v1/stream/a/b')).status).toBe(200)
  })
})

test('appends that one connection sends are stored in their order, also behind large ones that wait for their turn', async () => {
  await using server = await testServer(streams(open))
  const json = { 'content-type': 'application/json' }
  expect((await server.call('/v1/stream/order', { method: 'PUT', headers: json })).status).toBe(201)
  const { hostname, port } = new URL(server.url)
  const socket = connect(Number(port), hostname)
  let answers = ''
  socket.on('data', (data) => (answers += data.toString()))
  const bodies = Array.from({ length: 12 }, (_, n) => JSON.stringify([n % 3 === 0 ? [n, 'x'.repeat(70_000)] : [n]]))
  for (const body of bodies) {
    socket.write(
      `POST /v1/stream/order HTTP/1.1\r\nHost: ${hostname}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )
  }
  await vi.waitFor(() => expect(answers.match(/HTTP\/1\.1 204 /g)).toHaveLength(bodies.length))
  socket.destroy()
  const stored = (await (await fetch(`${server.url}/v1/stream/order`)).json()) as [number, string?][]
  expect(stored.map(([n]) => n)).toEqual(bodies.map((_, n) => n))
})
