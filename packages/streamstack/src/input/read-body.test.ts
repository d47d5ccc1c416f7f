import { Agent, createServer, request as httpRequest } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import { connect, constants, createServer as createHttp2Server } from 'node:http2'
import { type Server, connect as connectSocket } from 'node:net'
import { PassThrough, Readable } from 'node:stream'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { StreamstackError } from '@streamstack/protocol'
import { afterEach, describe, expect, test } from 'vitest'
import { activeMemory } from '../stream/index.ts'
import { readBody } from './index.ts'
import type { BodyRequest } from './index.ts'

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

function requestOf(pieces: Iterable<Buffer>, headers: IncomingHttpHeaders = {}): BodyRequest {
  return Object.assign(Readable.from(pieces, { objectMode: false }), { headers })
}

/** A body without an end, and how many bytes of it were read. */
function endless(
  pieceBytes: number,
  headers: IncomingHttpHeaders = {},
): { request: BodyRequest & Readable; sent: () => number } {
  let sent = 0
  const stream = new Readable({
    highWaterMark: pieceBytes,
    read() {
      sent += pieceBytes
      this.push(Buffer.alloc(pieceBytes))
    },
  })
  return { request: Object.assign(stream, { headers }), sent: () => sent }
}

/** Leaves no memory for what is active. */
function withoutRoom(): Disposable {
  const used = activeMemory.bytesMax
  activeMemory.hold(used)
  return { [Symbol.dispose]: () => activeMemory.hold(-used) }
}

async function failure(promise: Promise<unknown>): Promise<StreamstackError> {
  const thrown = await promise.then(
    () => 'nothing was thrown',
    (error: unknown) => error,
  )
  if (!(thrown instanceof StreamstackError)) throw new Error(`expected a StreamstackError, got ${String(thrown)}`)
  return thrown
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      if (typeof address === 'object' && address !== null) resolve(address.port)
    })
  })
}

describe('the bound', () => {
  test('a body of exactly the limit is read, one more byte is not', async () => {
    const pieces = [Buffer.alloc(6, 'a'), Buffer.alloc(4, 'b')]
    expect((await readBody(requestOf(pieces), 10)).toString()).toBe('aaaaaabbbb')
    expect(await failure(readBody(requestOf(pieces), 9))).toMatchObject({ code: 'body_too_large', status: 413 })
  })

  test('a Content-Length above the limit is refused before anything is read', async () => {
    const { request, sent } = endless(1, { 'content-length': '11' })
    expect((await failure(readBody(request, 10))).message).toMatch(/larger than the 10 bytes.*server\.body_limit/)
    expect(sent()).toBe(0)
  })

  test('an endless body is refused as soon as it passes the limit, and reading stops', async () => {
    const { request, sent } = endless(1_024)
    const error = await failure(readBody(request, 10_000))
    expect(error.code).toBe('body_too_large')
    await new Promise((resolve) => setImmediate(resolve))
    expect(sent()).toBeLessThan(20_000)
    request.destroy(new Error('the caller closes the connection'))
  })

  test('a body for which there is no room does not block the next request on its connection', async () => {
    const server = createServer((request, response) => {
      readBody(request, 1_000_000).then(
        (body) => response.end(`${body.length}`),
        ({ status }: StreamstackError) => response.writeHead(status).end(),
      )
    })
    const port = await listen(server)
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    closers.push(() => {
      agent.destroy()
      server.close()
    })
    const post = (body: string): Promise<[status: number | undefined, text: string, isReused: boolean]> =>
      new Promise((resolve, reject) => {
        const outgoing = httpRequest({ host: '127.0.0.1', port, method: 'POST', agent }, (answer) => {
          let text = ''
          answer.on('data', (piece: Buffer) => (text += piece.toString()))
          answer.on('end', () => resolve([answer.statusCode, text, outgoing.reusedSocket]))
        })
        outgoing.on('error', reject)
        outgoing.end(body)
      })
    {
      using _ = withoutRoom()
      expect(await post('x'.repeat(900_000))).toEqual([503, '', false])
      expect(await post('small')).toEqual([200, '5', true])
    }
    expect(await post('x'.repeat(900_000))).toEqual([200, '900000', true])
  })

  test('a body for which there is no room is read no further than the limit', async () => {
    const { request, sent } = endless(1_024)
    using _ = withoutRoom()
    expect((await failure(readBody(request, 50_000))).code).toBe('unavailable')
    await expect.poll(() => request.destroyed).toBe(true)
    expect(sent()).toBeLessThan(60_000)
  })

  test('no body is an empty body', async () => {
    expect(await readBody(requestOf([]), 10)).toHaveLength(0)
    expect(await readBody(requestOf([], { 'content-encoding': 'gzip' }), 10)).toHaveLength(0)
  })
})

describe('compressed bodies', () => {
  const text = Buffer.from('{"message":"hello hello hello"}')
  test.each([
    ['gzip', gzipSync(text)],
    ['x-gzip', gzipSync(text)],
    ['GZIP', gzipSync(text)],
    ['deflate', deflateSync(text)],
    ['deflate', deflateRawSync(text)],
    ['br', brotliCompressSync(text)],
    ['zstd', zstdCompressSync(text)],
    ['identity', text],
  ])('%s is read', async (coding, bytes) => {
    expect(await readBody(requestOf([bytes], { 'content-encoding': coding }), 1000)).toEqual(text)
  })

  test.each([
    ['gzip', gzipSync(Buffer.alloc(5_000_000))],
    ['deflate', deflateSync(Buffer.alloc(5_000_000))],
    ['br', brotliCompressSync(Buffer.alloc(5_000_000))],
    ['zstd', zstdCompressSync(Buffer.alloc(5_000_000))],
  ])('a small %s body that unpacks beyond the limit is refused', async (coding, bytes) => {
    expect(bytes.length).toBeLessThan(10_000)
    const error = await failure(readBody(requestOf([bytes], { 'content-encoding': coding }), 10_000))
    expect(error).toMatchObject({ code: 'body_too_large', details: { limit_bytes: 10_000 } })
  })

  test.each([
    ['gzip', text],
    ['gzip', gzipSync(text).subarray(0, 20)],
    ['br', Buffer.from('no brotli')],
    ['deflate', Buffer.from([0x78, 1, 2, 3])],
  ])('what is not whole %s cannot be read', async (coding, bytes) => {
    const error = await failure(readBody(requestOf([bytes], { 'content-encoding': coding }), 1000))
    expect(error).toMatchObject({ code: 'body_unreadable', status: 400 })
  })

  test.each(['compress', 'gzip, br', 'toString'])(
    'the coding %s is refused with those that are read',
    async (coding) => {
      const error = await failure(readBody(requestOf([text], { 'content-encoding': coding }), 1000))
      expect(error).toMatchObject({ code: 'media_type_unsupported', status: 415 })
      expect(error.message).toContain('gzip, br, zstd, deflate')
    },
  )
})

describe('connections that break', () => {
  test('a request that was destroyed before is refused at once', async () => {
    const request = requestOf([])
    request.destroy()
    expect((await failure(readBody(request, 10))).code).toBe('body_unreadable')
  })

  test('HTTP/1.1: half a body is never taken for a whole one', async () => {
    const outcome = Promise.withResolvers<StreamstackError>()
    const server = createServer((request) => outcome.resolve(failure(readBody(request, 1000))))
    closers.push(() => server.close())
    const port = await listen(server)
    const client = httpRequest({ port, host: '127.0.0.1', method: 'POST', headers: { 'transfer-encoding': 'chunked' } })
    client.on('error', () => undefined)
    client.write('{"half":', () => client.destroy())
    expect(await outcome.promise).toMatchObject({ code: 'body_unreadable' })
  })

  test('HTTP/2: whole bodies are read, and half of one is never taken for it', async () => {
    const inbox = new PassThrough({ objectMode: true })
    const server = createHttp2Server((request, response) => {
      const body = readBody(request, 1000)
      if (request.url === '/whole') void body.then((bytes) => response.end(bytes))
      else {
        const refused = failure(body)
        request.once('data', () => inbox.write({ body: refused }))
      }
    })
    const halves: AsyncIterator<{ body: Promise<unknown> }> = inbox[Symbol.asyncIterator]()
    const port = await listen(server)
    const session = connect(`http://127.0.0.1:${port}`)
    closers.push(
      () => session.destroy(),
      () => server.close(),
    )

    const whole = session.request({ ':method': 'POST', ':path': '/whole' })
    whole.end('{"a":1}')
    expect(await whole.setEncoding('utf8').reduce((text: string, piece: string) => text + piece, '')).toBe('{"a":1}')

    for (let count = 0; count < 20; count += 1) {
      const half = session.request({ ':method': 'POST', ':path': '/half' })
      half.on('error', () => undefined)
      half.write('{"half":')
      const outcome = await halves.next()
      half.close(count % 2 === 0 ? constants.NGHTTP2_CANCEL : constants.NGHTTP2_NO_ERROR)
      expect(await outcome.value?.body).toMatchObject({ code: 'body_unreadable' })
    }
  })
})

test('a body that comes in tens of thousands of pieces over HTTP/1.1 is read to its end, also beside others', async () => {
  const bodies: string[] = []
  const server = createServer((request, response) => {
    void readBody(request, 1_000_000).then((bytes) => {
      bodies.push(bytes.toString())
      response.end()
    })
  })
  const port = await listen(server)
  closers.push(() => server.close())
  const count = 20_000
  const send = (letter: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = connectSocket(port, '127.0.0.1')
      socket.on('error', reject).on('close', () => resolve())
      socket.write('POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n')
      socket.resume().write(`${`1\r\n${letter}\r\n`.repeat(count)}0\r\n\r\n`)
    })
  await Promise.all([send('a'), send('b'), send('c')])
  expect(bodies.toSorted()).toEqual(['a', 'b', 'c'].map((letter) => letter.repeat(count)))
})
