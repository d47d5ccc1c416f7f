import { type AddressInfo, type Socket, createServer } from 'node:net'
import { gzipSync } from 'node:zlib'
import { StreamstackError, type Value } from '@streamstack/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ItemFormat, type Outbound, createOutbound } from './index.ts'

/** What the next connection is answered with, and how it ends after so many bytes. */
interface Script {
  bytes: Buffer
  cutAt: number
  end: 'fin' | 'rst' | 'stay'
}

let script: Script = { bytes: Buffer.alloc(0), cutAt: 0, end: 'fin' }
const sockets = new Set<Socket>()
const server = createServer((socket) => {
  sockets.add(socket)
  socket.on('error', () => undefined)
  socket.on('close', () => sockets.delete(socket))
  socket.on('data', () => play(socket, script))
})

function play(socket: Socket, { bytes, cutAt, end }: Script): void {
  const sent = bytes.subarray(0, cutAt)
  const finish = (): void => {
    if (end === 'fin') socket.end()
    // A reset drops what was not read yet, on either side, so the bytes get a turn to arrive.
    else if (end === 'rst') setImmediate(() => setImmediate(() => socket.resetAndDestroy()))
  }
  if (sent.length === 0) finish()
  else socket.write(sent, finish)
}

let outbound: Outbound
let origin = ''

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  origin = `127.0.0.1:${(server.address() as AddressInfo).port}`
  outbound = createOutbound({ allow: [origin], firstByteTimeoutMs: 5_000, idleTimeoutMs: 5_000 })
})

afterAll(async () => {
  await outbound.close()
  for (const socket of sockets) socket.destroy()
  server.close()
})

interface Reading {
  items: Value[]
  error: StreamstackError | null
}

async function streamed(played: Partial<Script> & { bytes: Buffer }, format: ItemFormat = 'lines'): Promise<Reading> {
  script = { cutAt: played.bytes.length, end: 'fin', ...played }
  const items: Value[] = []
  try {
    const source = await outbound.stream({ url: `http://${origin}/`, signal: new AbortController().signal }, format)
    for (let item = await source.next(); item !== undefined; item = await source.next()) items.push(item)
    return { items, error: null }
  } catch (error) {
    if (error instanceof StreamstackError) return { items, error }
    throw error
  }
}

async function whole(
  played: Partial<Script> & { bytes: Buffer },
): Promise<{ body: Value; error: StreamstackError | null }> {
  script = { cutAt: played.bytes.length, end: 'fin', ...played }
  try {
    const { body } = await outbound.request({ url: `http://${origin}/`, signal: new AbortController().signal })
    return { body, error: null }
  } catch (error) {
    if (error instanceof StreamstackError) return { body: null, error }
    throw error
  }
}

const LINES = ['one', 'two', 'three']
const TEXT = `${LINES.join('\n')}\n`
const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n'

function chunked(body: Buffer, trailers = ''): Buffer {
  const half = Math.floor(body.length / 2)
  const parts = [body.subarray(0, half), body.subarray(half)].map((part) =>
    Buffer.concat([Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n')]),
  )
  return Buffer.concat([...parts, Buffer.from(`0\r\n${trailers}\r\n`)])
}

function message(head: string, body: string | Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${head}\r\n`), Buffer.from(body)])
}

const gzipped = gzipSync(TEXT)

/** Answers whose end is told by their framing: any cut before the last byte is an incomplete answer. */
const framed: Record<string, Buffer> = {
  'with a length': message(`${HEAD}Content-Length: ${TEXT.length}\r\n`, TEXT),
  chunked: message(`${HEAD}Transfer-Encoding: chunked\r\n`, chunked(Buffer.from(TEXT))),
  'chunked with trailers': message(
    `${HEAD}Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n`,
    chunked(Buffer.from(TEXT), 'X-Sum: 12\r\n'),
  ),
  'gzip with a length': message(`${HEAD}Content-Encoding: gzip\r\nContent-Length: ${gzipped.length}\r\n`, gzipped),
  'gzip, chunked': message(`${HEAD}Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n`, chunked(gzipped)),
  'HTTP/1.0 with a length': message(`HTTP/1.0 200 OK\r\nContent-Length: ${TEXT.length}\r\n`, TEXT),
  'after 100, 102 and 103': message(
    `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${HEAD}Content-Length: ${TEXT.length}\r\n`,
    TEXT,
  ),
}

/** Answers that end with the connection: a FIN is their end, and a reset is not (RFC 9112 §8). */
const unframed: Record<string, Buffer> = {
  'without a length': message(HEAD, TEXT),
  'without a length, to be closed': message(`${HEAD}Connection: close\r\n`, TEXT),
  'HTTP/1.0 without a length': message('HTTP/1.0 200 OK\r\n', TEXT),
  'without a length, after 100': message(`HTTP/1.1 100 Continue\r\n\r\n${HEAD}`, TEXT),
}

function bodyAt(bytes: Buffer): number {
  return bytes.lastIndexOf('\r\n\r\none') + 4
}

describe.each(Object.entries(framed))('an answer %s', (_name, bytes) => {
  test('is complete with its last byte, whatever the connection does then', async () => {
    for (const end of ['fin', 'stay'] as const) {
      const { items, error } = await streamed({ bytes, end })
      expect(error).toBeNull()
      expect(items).toEqual(LINES)
      expect((await whole({ bytes, end })).body).toBe(TEXT)
    }
  })

  test.each(['fin', 'rst'] as const)('cut at every byte by %s never counts as complete', async (end) => {
    for (let cutAt = 0; cutAt < bytes.length; cutAt++) {
      const { items, error } = await streamed({ bytes, cutAt, end })
      expect(error?.code, `cut at ${cutAt}`).toBe('upstream_failed')
      // What came is what was sent, whole lines in their order.
      expect(LINES.slice(0, items.length)).toEqual(items)
      expect((await whole({ bytes, cutAt, end })).error?.code, `cut at ${cutAt}`).toBe('upstream_failed')
    }
  })
})

describe.each(Object.entries(unframed))('an answer %s', (_name, bytes) => {
  test('ends with a FIN, and with a reset it is incomplete wherever it comes', async () => {
    expect(await streamed({ bytes })).toEqual({ items: LINES, error: null })
    expect((await whole({ bytes })).body).toBe(TEXT)
    for (let cutAt = 0; cutAt <= bytes.length; cutAt++) {
      const { items, error } = await streamed({ bytes, cutAt, end: 'rst' })
      expect(error?.code, `reset at ${cutAt}`).toBe('upstream_failed')
      expect(LINES.slice(0, items.length)).toEqual(items)
      expect((await whole({ bytes, cutAt, end: 'rst' })).error?.code, `reset at ${cutAt}`).toBe('upstream_failed')
    }
  })

  test('cut within its head by a FIN is none', async () => {
    for (let cutAt = 0; cutAt < bodyAt(bytes); cutAt++) {
      expect((await streamed({ bytes, cutAt })).error?.code, `cut at ${cutAt}`).toBe('upstream_failed')
    }
  })
})

describe('an interim answer', () => {
  test.each(['100 Continue', '102 Processing', '103 Early Hints', '199 Whatever'])(
    '%s passes, byte by byte',
    async (status) => {
      const interim = `HTTP/1.1 ${status}\r\nX-A: 1\r\n\r\n`.repeat(3)
      const bytes = message(`${interim}${HEAD}Content-Length: ${TEXT.length}\r\n`, TEXT)
      expect(await streamed({ bytes })).toEqual({ items: LINES, error: null })
      expect((await whole({ bytes })).body).toBe(TEXT)
    },
  )

  test('is not looked for in a body', async () => {
    const body = `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n`
    const bytes = message(`HTTP/1.1 100 Continue\r\n\r\n${HEAD}Content-Length: ${body.length}\r\n`, body)
    expect((await whole({ bytes })).body).toBe(body)
    expect((await whole({ bytes: message(HEAD, body) })).body).toBe(body)
  })

  test('an unasked switch of protocols is none', async () => {
    const bytes = Buffer.from('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n')
    expect((await whole({ bytes })).error?.code).toBe('upstream_failed')
  })
})

describe('what is no answer is an error', () => {
  const garbage: Record<string, string> = {
    nothing: '',
    'a word': 'hello\r\n\r\n',
    'another protocol': 'SSH-2.0-OpenSSH_9.6\r\n',
    'bytes of TLS': '\u0015\u0003\u0003\u0000\u0002\u0002\u0028',
    'a status of letters': 'HTTP/1.1 abc OK\r\n\r\n',
    'a head that never ends': `HTTP/1.1 200 OK\r\n${'X-A: b\r\n'.repeat(20_000)}`,
    'two lengths': `${HEAD}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`,
    'a length and chunks': `${HEAD}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`,
    'a chunk size of letters': `${HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n`,
    'a chunk longer than it says': `${HEAD}Transfer-Encoding: chunked\r\n\r\n2\r\nabcdef\r\n0\r\n\r\n`,
    'gzip that is none': `${HEAD}Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain`,
    'an unknown coding': `${HEAD}Content-Encoding: lzma\r\nContent-Length: 5\r\n\r\nplain`,
  }
  test.each(Object.entries(garbage))('%s', async (_name, text) => {
    const bytes = Buffer.from(text, 'latin1')
    for (const end of ['fin', 'rst'] as const) {
      expect((await whole({ bytes, end })).error?.code).toBe('upstream_failed')
      expect((await streamed({ bytes, end })).error?.code).toBe('upstream_failed')
    }
  })
})
