import { readFile } from 'node:fs/promises'
import { Agent as HttpAgent, request as httpRequest } from 'node:http'
import { type ClientHttp2Session, type IncomingHttpHeaders, connect, constants } from 'node:http2'
import { Agent as HttpsAgent, request } from 'node:https'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { contents, ndjsonLines } from '@streamstack/test-support/http-client'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'

const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/tls/${name}.pem`, import.meta.url))
const certificate = await readFile(fixture('cert'))

const secure = (): Promise<TestServer> =>
  testServer({
    'streamstack.yaml': {
      server: { body_limit: '64kb', tls: { cert: fixture('cert'), key: fixture('key') } },
    },
    'endpoints/ok.json': endpoint('/ok', [{ function: 'For', count: 200, inner_functions: [send('{{loop_index}}')] }]),
    'endpoints/half.json': endpoint('/half', [send('good'), { function: 'Throw Error', message: 'broken' }]),
    'endpoints/refused.json': endpoint('/refused', [{ function: 'Throw Error', message: 'no', status: 409 }]),
    'endpoints/open.json': endpoint('/open', [send('open'), { function: 'Sleep', duration: 3_600_000 }]),
    'endpoints/echo.json': endpoint('/echo', [send('{{message}}')], {
      method: 'POST',
      inputs: { message: { type: 'text', required: true } },
    }),
  })

interface Http2Answer {
  headers: IncomingHttpHeaders
  text: string
  /** Code of RST_STREAM; 0: a clean end. */
  code: number
}

function call(session: ClientHttp2Session, path: string, body?: string | Buffer): Promise<Http2Answer> {
  return new Promise((resolve) => {
    const stream = session.request({
      ':path': path,
      ':method': body === undefined ? 'GET' : 'POST',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    })
    let headers: IncomingHttpHeaders = {}
    let text = ''
    stream.on('response', (received) => {
      headers = received
    })
    stream.on('data', (data: Buffer) => {
      text += data.toString()
    })
    stream.on('error', () => undefined)
    stream.on('close', () => resolve({ headers, text, code: stream.rstCode ?? 0 }))
    stream.end(body)
  })
}

function session(server: TestServer): ClientHttp2Session {
  const opened = connect(server.url, { ca: certificate })
  opened.on('error', () => undefined)
  return opened
}

describe('HTTP/2', () => {
  test('begins nothing for streams that are reset as soon as they are opened', async () => {
    await using server = await testServer({
      'streamstack.yaml': { server: { tls: { cert: fixture('cert'), key: fixture('key') } } },
      'tables/hits.json': { columns: { id: { type: 'integer', primary: true } } },
      'endpoints/hit.json': endpoint('/hit', [{ function: 'Add Record', table: 'hits', record: {} }, send('hit')]),
      'endpoints/count.json': endpoint('/count', [{ function: 'Count Records', table: 'hits' }, send('{{count}}')]),
    })
    const client = session(server)
    await call(client, '/hit')
    for (let n = 0; n < 100; n++) {
      const stream = client.request({ ':path': '/hit' })
      stream.on('error', () => undefined)
      stream.close(constants.NGHTTP2_CANCEL)
    }
    expect((await call(client, '/count?format=text')).text).toBe('1')
    client.close()
  })

  test('streams several runs over one connection', async () => {
    await using server = await secure()
    expect(server.url).toMatch(/^https:/)
    const client = session(server)
    const answers = await Promise.all(
      ['ndjson', 'ndjson', 'ndjson'].map((format) => call(client, `/ok?format=${format}`)),
    )
    for (const { headers, text, code } of answers) {
      expect(headers[':status']).toBe(200)
      expect(headers['stream-url']).toMatch(/^\/v1\/stream\/runs\//)
      expect(contents(text)).toEqual(Array.from({ length: 200 }, (_, i) => i))
      expect(code).toBe(0)
    }
    const again = await call(client, `${answers[0]?.headers['stream-url'] as string}?format=ndjson&offset=150`)
    expect(contents(again.text)).toHaveLength(50)
    client.close()
  })

  test.each(['lines', 'text'])('a failure half-way resets the stream: %s', async (format) => {
    await using server = await secure()
    const client = session(server)
    const { headers, text, code } = await call(client, `/half?format=${format}`)
    expect(headers[':status']).toBe(200)
    expect(text).toContain('good')
    expect(code).not.toBe(0)
    // The connection itself goes on.
    expect((await call(client, '/ok?format=ndjson')).code).toBe(0)
    client.close()
  })

  test('formats that tell the outcome end in order', async () => {
    await using server = await secure()
    const client = session(server)
    const { text, code } = await call(client, '/half?format=ndjson')
    expect(ndjsonLines(text).at(-1)).toMatchObject({ outcome: 'failed' })
    expect(code).toBe(0)
    const refused = await call(client, '/refused')
    expect(refused.headers[':status']).toBe(409)
    expect(refused.headers['content-type']).toContain('application/problem+json')
    expect((await call(client, '/nowhere')).headers[':status']).toBe(404)
    client.close()
  })

  test('takes bodies, and refuses those that are too large', async () => {
    await using server = await secure()
    const client = session(server)
    expect((await call(client, '/echo?format=text', '{"message":"hi"}')).text).toBe('hi')
    const refused = client.request({ ':path': '/echo', ':method': 'POST', 'content-type': 'application/json' })
    refused.on('error', () => undefined)
    const status = new Promise((resolve) => refused.once('response', (headers) => resolve(headers[':status'])))
    const ended = new Promise((resolve) => refused.once('end', resolve))
    refused.resume()
    refused.end(Buffer.alloc(1024 * 1024, 0x20))
    expect(await status).toBe(413)
    await ended
    expect((await call(client, '/echo?format=text', '{"message":"again"}')).text).toBe('again')
    client.close()
  })

  test('the server closes although a client stays connected', async () => {
    const server = await secure()
    const client = session(server)
    await call(client, '/ok')
    const open = client.request({ ':path': '/open' })
    open.on('error', () => undefined)
    await new Promise((resolve) => open.once('data', resolve))
    const gone = new Promise((resolve) => client.once('close', resolve))
    await server[Symbol.asyncDispose]()
    await gone
  })

  test('HTTP/1.1 over TLS is served, too', async () => {
    await using server = await secure()
    const text = await new Promise<string>((resolve, reject) => {
      const outgoing = request(
        new URL('/ok?format=ndjson', server.url),
        { ca: certificate, agent: false },
        (response) => {
          expect(response.httpVersion).toBe('1.1')
          let received = ''
          response.on('data', (data: Buffer) => {
            received += data.toString()
          })
          response.on('end', () => resolve(received))
        },
      )
      outgoing.on('error', reject)
      outgoing.end()
    })
    expect(contents(text)).toHaveLength(200)
  })
})

test('a certificate that cannot be read stops the start, and names the setting', async () => {
  const starting = testServer({ 'streamstack.yaml': { server: { tls: { cert: 'none.pem', key: 'none.pem' } } } })
  await expect(starting).rejects.toThrow(/server\.tls\.cert/)
})

describe('the same bounds as without TLS', () => {
  test('an idle HTTP/1.1 connection is kept as long', async () => {
    const keptFor = (url: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const agent = url.startsWith('https') ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true })
        const ask = url.startsWith('https') ? request : httpRequest
        ask(`${url}/ok`, { agent, ca: certificate }, (response) => {
          response.resume().on('end', () => {
            agent.destroy()
            resolve(String(response.headers['keep-alive']))
          })
        })
          .on('error', reject)
          .end()
      })
    await using server = await secure()
    await using plain = await testServer({ 'endpoints/ok.json': endpoint('/ok', [send('ok')]) })
    expect(await keptFor(server.url)).toBe('timeout=65')
    expect(await keptFor(plain.url)).toBe('timeout=65')
  })

  test('a session may have so many streams, and not billions', async () => {
    await using server = await secure()
    const client = session(server)
    const settings = await new Promise<{ maxConcurrentStreams?: number }>((resolve) =>
      client.once('remoteSettings', resolve),
    )
    expect(settings.maxConcurrentStreams).toBe(250)
    client.close()
  })

  test('a session that opens and resets streams is ended', async () => {
    await using server = await secure()
    const client = session(server)
    const closed = new Promise<void>((resolve) => client.once('close', resolve))
    let opened = 0
    for (; !client.closed && !client.destroyed && opened < 1_000; opened++) {
      await new Promise<void>((resolve) => {
        const stream = client.request({ ':path': '/healthz' })
        stream.on('error', () => undefined)
        stream.on('response', () => stream.close(constants.NGHTTP2_CANCEL))
        stream.on('close', resolve)
      })
    }
    await closed
    expect(opened).toBeLessThan(1_000)
    const other = session(server)
    expect((await call(other, '/ok')).code).toBe(0)
    other.close()
  })
})
