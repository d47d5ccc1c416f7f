import { once } from 'node:events'
import type { IncomingHttpHeaders } from 'node:http'
import { createServer } from 'node:net'
import zlib from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import type { StreamstackError, Value } from '@streamstack/protocol'
import { startUpstream } from './fixtures/test-upstream.ts'
import type { TestHandler } from './fixtures/test-upstream.ts'
import { createOutbound } from './index.ts'
import type { OutboundAnswer, OutboundRequest, OutboundSettings } from './index.ts'

const opened: { close(): Promise<void> }[] = []

afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
})

interface CallSettings extends Partial<OutboundSettings> {
  path?: string
}

/** One call to a server that answers with the handler. */
async function call(
  handler: TestHandler,
  request: Partial<OutboundRequest> = {},
  { path = '/', ...settings }: CallSettings = {},
): Promise<OutboundAnswer> {
  const upstream = await startUpstream(handler)
  const outbound = createOutbound({ allow: [upstream.host], firstByteTimeoutMs: 5000, ...settings })
  opened.push(outbound, upstream)
  return outbound.request({ url: upstream.origin + path, signal: new AbortController().signal, ...request })
}

async function failureOf(promise: Promise<unknown>): Promise<StreamstackError> {
  return promise.then(
    () => Promise.reject(new Error('expected a failure')),
    (error: StreamstackError) => error,
  )
}

interface Sent {
  method: string | undefined
  url: string | undefined
  headers: IncomingHttpHeaders
  body: string
}

/** What a server gets. */
async function sentBy(request: Partial<OutboundRequest>, path = '/'): Promise<Sent> {
  const { promise, resolve } = Promise.withResolvers<Sent>()
  const handler: TestHandler = (incoming, response) => {
    let body = ''
    incoming.setEncoding('utf8')
    incoming.on('data', (text: string) => (body += text))
    incoming.on('end', () => {
      resolve({ method: incoming.method, url: incoming.url, headers: incoming.headers, body })
      response.end()
    })
  }
  await call(handler, request, { path })
  return promise
}

function answer(body: string | Buffer, headers: Record<string, string> = {}, status = 200): TestHandler {
  return (_request, response) => {
    response.writeHead(status, headers).end(body)
  }
}

const slowRedirect: TestHandler = (_request, response) =>
  void setTimeout(() => response.writeHead(302, { location: '/' }).end(), 40)

describe('what is sent', () => {
  test('is a GET without a body by default, and names no runtime', async () => {
    const sent = await sentBy({})
    expect(sent).toMatchObject({ method: 'GET', body: '' })
    expect(sent.headers['user-agent']).toBe('streamstack')
    expect(sent.headers).not.toHaveProperty('content-type')
  })

  test.each<{ body: Value; headers?: Record<string, string>; text: string; type: string }>([
    { body: { a: [1, 'ü'] }, text: '{"a":[1,"ü"]}', type: 'application/json' },
    { body: [1], text: '[1]', type: 'application/json' },
    { body: 5, text: '5', type: 'application/json' },
    { body: false, text: 'false', type: 'application/json' },
    { body: 'plain ü', text: 'plain ü', type: 'text/plain; charset=utf-8' },
    { body: '<a/>', headers: { 'Content-Type': 'application/xml' }, text: '<a/>', type: 'application/xml' },
    {
      body: { a: 1 },
      headers: { 'content-type': 'application/vnd.x+json' },
      text: '{"a":1}',
      type: 'application/vnd.x+json',
    },
    {
      body: { grant_type: 'client_credentials', scope: ['a', 'b'], none: null, deep: { x: 1 } },
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      text: 'grant_type=client_credentials&scope=a&scope=b&deep=%7B%22x%22%3A1%7D',
      type: 'application/x-www-form-urlencoded',
    },
  ])('$body as $type', async ({ body, headers, text, type }) => {
    const sent = await sentBy({ body, headers })
    expect(sent.method).toBe('POST')
    expect(sent.body).toBe(text)
    expect(sent.headers['content-type']).toBe(type)
  })

  test('adds the query to that of the URL', async () => {
    const query = { q: 'a b&c', list: [1, 2], none: null, flag: true, deep: { x: 1 } }
    const { url } = await sentBy({ query }, '/p?first=1#fragment')
    expect(url).toBe('/p?first=1&q=a+b%26c&list=1&list=2&flag=true&deep=%7B%22x%22%3A1%7D')
  })

  test('drops headers that belong to the connection and keeps the rest', async () => {
    const headers = {
      Connection: 'close, x-api-key',
      'Keep-Alive': 'timeout=1',
      'Content-Length': '999',
      'Transfer-Encoding': 'chunked',
      TE: 'trailers',
      Trailer: 'x',
      Upgrade: 'websocket',
      Expect: '100-continue',
      'Proxy-Connection': 'close',
      'X-Api-Key': 'key',
    }
    const sent = await sentBy({ headers, body: 'abc' })
    expect(sent.body).toBe('abc')
    expect(sent.headers['content-length']).toBe('3')
    expect(sent.headers['connection']).toBe('keep-alive')
    expect(sent.headers['x-api-key']).toBe('key')
    for (const name of ['keep-alive', 'transfer-encoding', 'te', 'trailer', 'upgrade', 'expect', 'proxy-connection']) {
      expect(sent.headers).not.toHaveProperty(name)
    }
  })

  test.each<[string, Partial<OutboundRequest>]>([
    ['a line feed in a value', { headers: { 'X-Key': 'secret\nHost: evil' } }],
    ['a carriage return in a value', { headers: { 'X-Key': 'secret\rHost: evil' } }],
    ['a line break at the end of a value', { headers: { Authorization: 'Bearer secret\r\n' } }],
    ['a NUL in a value', { headers: { 'X-Key': 'secret\0' } }],
    ['a character beyond Latin-1', { headers: { 'X-Key': 'secret 日' } }],
    ['a line break in a name', { headers: { 'X-Key\r\nHost': 'secret' } }],
    ['a space in a name', { headers: { 'X Key': 'secret' } }],
    ['an empty name', { headers: { '': 'secret' } }],
    ['the header Host', { headers: { hOsT: 'secret' } }],
    ['a method with a line break', { method: 'GET / HTTP/1.1\r\nX: secret' }],
    ['the method CONNECT', { method: 'connect' }],
    ['the method TRACE', { method: 'TRACE' }],
    ['a relative URL', { url: '/secret' }],
    ['an empty URL', { url: '' }],
  ])('never holds %s', async (_name, request) => {
    let asked = 0
    const failure = await failureOf(call(() => void asked++, request))
    expect(failure.code).toBe('step_failed')
    expect(failure.message).not.toContain('secret')
    expect(failure.message).not.toMatch(/[\r\n]/)
    expect(asked).toBe(0)
  })
})

describe('what comes back', () => {
  test.each<{ body: string | Buffer; type: string; value: Value; encoding: string }>([
    { body: '{"a":1}', type: 'application/json', value: { a: 1 }, encoding: 'json' },
    { body: '\uFEFF[1]', type: 'application/json; charset=utf-8', value: [1], encoding: 'json' },
    { body: '{"a":1}', type: 'application/vnd.api+json', value: { a: 1 }, encoding: 'json' },
    { body: ' ', type: 'application/json', value: null, encoding: 'json' },
    { body: '{"a":1}', type: 'text/plain', value: '{"a":1}', encoding: 'text' },
    { body: 'grün', type: '', value: 'grün', encoding: 'text' },
    { body: '', type: 'text/plain', value: '', encoding: 'text' },
    { body: Buffer.from('gr\xfcn', 'latin1'), type: 'text/plain; charset=latin1', value: 'grün', encoding: 'text' },
    { body: Buffer.from([0x89, 0x50, 0xff, 0xfe]), type: 'image/png', value: 'iVD//g==', encoding: 'base64' },
  ])('$type $body', async ({ body, type, value, encoding }) => {
    const got = await call(answer(body, type === '' ? {} : { 'content-type': type, 'x-a': 'b' }))
    expect(got.status).toBe(200)
    expect(got.body).toEqual(value)
    expect(got.encoding).toBe(encoding)
    if (type !== '') expect(got.headers).toMatchObject({ 'x-a': 'b', 'content-type': type })
  })

  test.each([
    { method: 'HEAD', status: 200 },
    { method: 'GET', status: 204 },
  ])('$method with $status has no body', async ({ method, status }) => {
    const got = await call(answer('', { 'content-type': 'application/json' }, status), { method })
    expect(got).toMatchObject({ status, body: null })
  })

  test('JSON keeps whole numbers beyond 2^53 digit by digit', async () => {
    const answer = await call((_request, response) => {
      response.setHeader('content-type', 'application/json')
      response.end('{"id":9007199254740993,"list":[-18446744073709551616,1]}')
    })
    expect(answer.body).toEqual({ id: '9007199254740993', list: ['-18446744073709551616', 1] })
  })

  test('a header that came twice is one text', async () => {
    const got = await call((_request, response) => {
      response.setHeader('set-cookie', ['a=1', 'b=2'])
      response.end()
    })
    expect(got.headers['set-cookie']).toBe('a=1, b=2')
  })

  const coded: [string, Buffer][] = [
    ['gzip', zlib.gzipSync('{"text":"grün"}')],
    ['x-gzip', zlib.gzipSync('{"text":"grün"}')],
    ['deflate', zlib.deflateSync('{"text":"grün"}')],
    ['deflate', zlib.deflateRawSync('{"text":"grün"}')],
    ['br', zlib.brotliCompressSync('{"text":"grün"}')],
    ['zstd', zlib.zstdCompressSync('{"text":"grün"}')],
    ['gzip, br', zlib.brotliCompressSync(zlib.gzipSync('{"text":"grün"}'))],
    ['identity', Buffer.from('{"text":"grün"}')],
  ]
  test.each(coded)('compressed as %s is read', async (coding, body) => {
    const got = await call(answer(body, { 'content-type': 'application/json', 'content-encoding': coding }))
    expect(got.body).toEqual({ text: 'grün' })
  })

  test.each(['gzip', 'br', 'deflate', 'gzip, gzip, gzip, gzip, gzip', 'rot13'])(
    'a body that is not what its Content-Encoding %s says is a failure',
    async (coding) => {
      const failure = await failureOf(call(answer('plain secret', { 'content-encoding': coding })))
      expect(failure.code).toBe('upstream_failed')
      expect(failure.message).not.toContain('secret')
    },
  )

  test('JSON that is none is a failure that does not show it', async () => {
    const failure = await failureOf(call(answer('{"secret', { 'content-type': 'application/json' })))
    expect(failure.code).toBe('upstream_failed')
    expect(failure.message).not.toContain('secret')
  })
})

describe('what goes wrong', () => {
  test.each([
    { status: 400, recoverable: false },
    { status: 401, recoverable: false },
    { status: 404, recoverable: false },
    { status: 408, recoverable: true },
    { status: 425, recoverable: true },
    { status: 429, recoverable: true },
    { status: 500, recoverable: true },
    { status: 503, recoverable: true },
    { status: 304, recoverable: false },
  ])('status $status', async ({ status, recoverable }) => {
    const handler = answer(status === 304 ? '' : '{"secret":1}', { 'retry-after': '2' }, status)
    const failure = await failureOf(call(handler, {}, { path: '/?key=secret' }))
    expect(failure).toMatchObject({
      code: 'upstream_status',
      recoverable,
      retryAfterMs: 2000,
      details: { upstream_status: status },
    })
    expect(failure.message).not.toContain('secret')
    const got = await call(handler, { acceptAnyStatus: true })
    expect(got.status).toBe(status)
  })

  test.each<[Record<string, string>, number | undefined]>([
    [{ 'retry-after': '0' }, 0],
    [{ 'retry-after': '1.5' }, 1_500],
    [{ 'retry-after': ' 20 ' }, 20_000],
    [{ 'retry-after': '99999999999999999999' }, 365 * 86_400_000],
    [{ 'retry-after': 'Sun, 06 Nov 1994 08:49:37 GMT' }, 0],
    [{ 'retry-after': 'Sunday, 06-Nov-94 08:49:37 GMT' }, 0],
    [{ 'retry-after': 'Sun Nov  6 08:49:37 1994' }, 0],
    [{ 'retry-after': 'Fri, 31 Dec 9999 23:59:59 GMT' }, 365 * 86_400_000],
    [{ 'retry-after': '20', 'retry-after-ms': '250.2' }, 251],
    [{ 'retry-after': '20', 'retry-after-ms': 'soon' }, 20_000],
    ...['', 'soon', 'soon 5', '-5', '5s', '1e3', 'Infinity', 'Sun, 99 Foo 2026 99:99:99 GMT'].map(
      (text): [Record<string, string>, undefined] => [{ 'retry-after': text }, undefined],
    ),
  ])('Retry-After: %j is %j ms', async (headers, expected) => {
    expect((await failureOf(call(answer('', headers, 503)))).retryAfterMs).toBe(expected)
  })

  test('Retry-After may be a date', async () => {
    const date = new Date(Date.now() + 60_000).toUTCString()
    const dated = await failureOf(call(answer('', { 'retry-after': date }, 503)))
    expect(dated.retryAfterMs).toBeGreaterThan(30_000)
    expect(dated.retryAfterMs).toBeLessThanOrEqual(60_000)
  })

  test('an error answer that never ends is not waited for', async () => {
    const failure = await failureOf(call((_request, response) => void response.writeHead(500).write('half')))
    expect(failure.code).toBe('upstream_status')
  })

  test('an answer that is too large, told by its bytes after decompression', async () => {
    const bomb = zlib.gzipSync(Buffer.alloc(50_000_000))
    expect(bomb.length).toBeLessThan(100_000)
    const limits = { maxBytes: 1_000_000 }
    const failure = await failureOf(call(answer(bomb, { 'content-encoding': 'gzip' }), {}, limits))
    expect(failure.code).toBe('upstream_too_large')
    expect((await failureOf(call(answer('12345'), { maxBytes: 4 }))).code).toBe('upstream_too_large')
    expect((await call(answer('1234'), { maxBytes: 4 })).body).toBe('1234')
  })

  test('no answer in time', async () => {
    const { promise: closed, resolve } = Promise.withResolvers<unknown>()
    const failure = await failureOf(call((request) => void request.on('close', resolve), { firstByteTimeoutMs: 60 }))
    expect(failure).toMatchObject({ code: 'upstream_timeout', recoverable: true })
    expect(failure.message).toContain('60 ms')
    await closed
  })

  test('a limit beyond what timers can count is no limit of zero', async () => {
    const got = await call(answer('here'), { firstByteTimeoutMs: Infinity, idleTimeoutMs: 2 ** 40 })
    expect(got.body).toBe('here')
  })

  test('a chain of redirects counts as one wait', async () => {
    expect((await failureOf(call(slowRedirect, { firstByteTimeoutMs: 100 }))).code).toBe('upstream_timeout')
  })

  test('silence in the middle of an answer', async () => {
    const failure = await failureOf(call((_request, response) => void response.write('half'), { idleTimeoutMs: 60 }))
    expect(failure.code).toBe('upstream_timeout')
  })

  test('a name server that never answers', async () => {
    const outbound = createOutbound({ allow: [], firstByteTimeoutMs: 60, lookup: () => new Promise(() => undefined) })
    opened.push(outbound)
    const request = { url: 'http://slow.example/', signal: new AbortController().signal }
    expect((await failureOf(outbound.request(request))).code).toBe('upstream_timeout')
  })

  test('nobody listens', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    server.close()
    await once(server, 'close')
    const outbound = createOutbound({ allow: ['127.0.0.1'], firstByteTimeoutMs: 5000 })
    opened.push(outbound)
    const request = { url: `http://127.0.0.1:${port}/?key=secret`, signal: new AbortController().signal }
    const failure = await failureOf(outbound.request(request))
    expect(failure).toMatchObject({ code: 'upstream_failed', recoverable: true })
    expect(failure.message).toBe(`127.0.0.1:${port} refused the connection.`)
  })

  test.each([
    ['closes without a word', ''],
    ['does not speak HTTP', 'SSH-2.0-OpenSSH_9.7\r\n'],
    ['sends half a head', 'HTTP/1.1 200 OK\r\nContent-'],
    ['sends less than it promised', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf'],
    ['ends a chunked body early', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
  ])('an upstream that %s', async (_name, bytes) => {
    const failure = await failureOf(call((request) => void request.socket.end(bytes)))
    expect(failure).toMatchObject({ code: 'upstream_failed', recoverable: true })
  })

  test('TLS asked of a server that has none', async () => {
    const upstream = await startUpstream(slowRedirect)
    const outbound = createOutbound({ allow: [upstream.host], firstByteTimeoutMs: 5000 })
    opened.push(outbound, upstream)
    const request = { url: `https://${upstream.host}/`, signal: new AbortController().signal }
    expect((await failureOf(outbound.request(request))).code).toBe('upstream_failed')
  })

  test('a signal that fires while the answer is read', async () => {
    const controller = new AbortController()
    const reason = new Error('cancelled')
    const { promise: closed, resolve } = Promise.withResolvers<unknown>()
    const handler: TestHandler = (_request, response) => {
      response.on('close', resolve)
      response.write('half')
      setTimeout(() => controller.abort(reason), 20)
    }
    await expect(call(handler, { signal: controller.signal })).rejects.toBe(reason)
    await closed
  })
})
