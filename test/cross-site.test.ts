import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { type CallOptions, problem } from '@streamstack/test-support/http-client'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'

const files = {
  'endpoints/save.json': endpoint('/save', [send('saved')], { method: 'POST' }),
  'endpoints/list.json': endpoint('/list', [send('listed')]),
  'channels/news.yaml': { publish: true, subscribe: true, history: { count: 10 } },
}

const served = (server: object = {}, mode?: 'dev' | 'serve'): Promise<TestServer> =>
  testServer({ ...files, 'streamstack.yaml': { log: { level: 'silent' }, server } }, mode === undefined ? {} : { mode })

const hostOf = ({ url }: TestServer): string => new URL(url).host

describe('a foreign page', () => {
  const own = (server: TestServer): string => `http://${hostOf(server)}`
  const foreign = 'https://evil.example'

  test.each<[string, (server: TestServer) => Record<string, string>, number]>([
    ['no Origin, as programs send', () => ({}), 200],
    ['a page of this host', (server) => ({ Origin: own(server) }), 200],
    [
      'a page of this host behind a proxy that replaces Host',
      () => ({ Origin: foreign, 'Sec-Fetch-Site': 'same-origin' }),
      200,
    ],
    ['a listed page', () => ({ Origin: 'https://app.example' }), 200],
    ['a call that a person typed', () => ({ 'Sec-Fetch-Site': 'none' }), 200],
    ['another page', () => ({ Origin: foreign }), 403],
    ['another page of the same site', () => ({ Origin: 'https://other.example', 'Sec-Fetch-Site': 'same-site' }), 403],
    ['a sandboxed frame', () => ({ Origin: 'null' }), 403],
    ['a page that hides its origin', () => ({ 'Sec-Fetch-Site': 'cross-site' }), 403],
    ['a page with the same host and another port', () => ({ Origin: 'http://127.0.0.1:1' }), 403],
    ['a page whose origin begins like a listed one', () => ({ Origin: 'https://app.example.evil.example' }), 403],
  ])('%s', async (_, headersFor, status) => {
    await using server = await served({ cors: { origins: ['https://app.example'] } })
    const headers = { 'Content-Type': 'text/plain', ...headersFor(server) }
    const calls: [string, CallOptions][] = [
      ['/save', { method: 'POST', headers, body: '{}' }],
      ['/v1/channels/news', { method: 'POST', headers, body: '{"content":1}' }],
    ]
    for (const [path, options] of calls) {
      const answer = await server.call(path, options)
      expect([path, answer.status]).toEqual([path, status === 200 && path !== '/save' ? 201 : status])
      if (status === 403) {
        expect(problem(answer)).toMatchObject({ code: 'forbidden' })
        expect(answer.text).not.toContain('saved')
      }
    }
    const held = await server.call('/v1/channels/news?format=json')
    expect(JSON.parse(held.text)).toMatchObject({ chunks: status === 200 ? [{ content: 1 }] : [] })
    // What changes nothing is answered; that the page may not read it is CORS' matter.
    expect((await server.call('/list', { headers: headersFor(server) })).status).toBe(200)
  })
})

/** A call under another Host, as DNS rebinding makes a browser send it: Origin and Host agree. */
function rebound(server: TestServer, path: string, host: string, method = 'GET'): Promise<number> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(server.url)
    const headers = { Host: host, Origin: `http://${host}` }
    httpRequest({ hostname, port, path, method, headers, agent: false }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0))
    })
      .on('error', reject)
      .end()
  })
}

describe('a host that the server does not answer to', () => {
  const paths = ['/list', '/save', '/v1/channels/news?format=json', '/v1/runs', '/', '/missing', '/v1/ws']

  test.each([
    ['serve with a list', { hosts: ['api.example.com', '*.apps.example:8443'] }, 'serve' as const],
    ['dev', {}, 'dev' as const],
  ])('gets 421 on every path: %s', async (_, settings, mode) => {
    await using server = await served(settings, mode)
    for (const host of [
      'evil.example',
      'api.example.com.evil.example',
      'apps.example:8443',
      'evilapps.example:8443',
      'x.apps.example',
    ]) {
      for (const path of paths) {
        const method = path === '/save' ? 'POST' : 'GET'
        expect([host, path, await rebound(server, path, host, method)]).toEqual([host, path, 421])
      }
    }
    for (const path of ['/healthz', '/readyz']) expect(await rebound(server, path, '10.1.2.3:8080')).toBe(200)
  })

  test('is answered to when it is listed, in any case and with the dot of the root', async () => {
    await using server = await served({ hosts: ['api.example.com', '*.apps.example:8443'] })
    for (const host of ['api.example.com', 'API.example.com:80', 'api.example.com.', 'x.y.apps.example:8443']) {
      expect([host, await rebound(server, '/save', host, 'POST')]).toEqual([host, 200])
    }
    // Steps and health checks call a server by its own address.
    expect((await server.call('/list')).status).toBe(200)
  })

  test('is none in `dev` that names this machine', async () => {
    await using server = await served({}, 'dev')
    for (const host of ['localhost', 'localhost:1234', '127.0.0.1', '[::1]:8080', 'app.localhost']) {
      expect([host, await rebound(server, '/list', host)]).toEqual([host, 200])
    }
  })

  test.each([
    ['*', 'protects nothing'],
    ['https://api.example.com', 'no scheme'],
    ['api example', 'not a host name'],
  ])('cannot be listed as %s', async (host, words) => {
    await expect(served({ hosts: [host] })).rejects.toThrow(words)
  })
})

/** The status line of a raw request. */
function raw(server: TestServer, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(server.url)
    let answer = ''
    const socket = connect(Number(port), hostname, () => socket.write(text))
    socket.on('data', (data) => (answer += data.toString()))
    socket.on('close', () => resolve(answer.split('\r\n', 1)[0] ?? ''))
    socket.on('error', reject)
  })
}

describe('a request', () => {
  test.each([
    ['two hosts', 'GET /list HTTP/1.1\r\nHost: a\r\nhost: b\r\nConnection: close\r\n\r\n', 400],
    ['the same host twice', 'GET /list HTTP/1.1\r\nHost: a\r\nHost: a\r\nConnection: close\r\n\r\n', 400],
    ['no host', 'GET /list HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
    ['a host that holds a path', 'GET /list HTTP/1.1\r\nHost: a/b\r\nConnection: close\r\n\r\n', 400],
    ['a host that holds a user', 'GET /list HTTP/1.1\r\nHost: a@b\r\nConnection: close\r\n\r\n', 400],
    ['a URL of another host', 'GET http://b/list HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 400],
    ['its whole URL', 'GET http://a/list HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 200],
    ['no host, in HTTP/1.0', 'GET /list HTTP/1.0\r\n\r\n', 200],
  ])('with %s', async (_, text, status) => {
    await using server = await served()
    expect(await raw(server, text)).toContain(` ${status} `)
  })
})
