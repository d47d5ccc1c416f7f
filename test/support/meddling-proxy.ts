import { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse, createServer, request } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { Transform, type TransformCallback } from 'node:stream'
import { constants, createGzip } from 'node:zlib'

/** What a proxy does to what passes; nothing that is not named. */
export interface Meddling {
  /** Holds an answer back until there are so many bytes; Infinity: until its end. */
  holdBytes?: number
  /** Compresses, and sends on at once or when the compressor has enough. */
  gzip?: 'at once' | 'when full'
  /** Replaces text in answers. */
  rewrite?: readonly [from: string, to: string]
  /** Names of request headers that get lost. */
  dropRequest?: readonly string[]
  /** Names of answer headers that get lost. */
  dropAnswer?: readonly string[]
  /** Answer headers that it adds, beside those of the server. */
  add?: Readonly<Record<string, string>>
  /** Breaks an answer off that is silent for so long. */
  idleMs?: number
  /** Breaks an answer off that takes so long in all. */
  totalMs?: number
  /** Reads on when its client has left. */
  readsOn?: boolean
  /** What becomes of an upgrade: it passes, the header gets lost, or it is turned down. */
  upgrade?: 'passes' | 'lost' | 'refused'
  /** Answers everything itself, or one path. */
  answer?: {
    readonly path?: string
    readonly status: number
    readonly headers?: Readonly<Record<string, string>>
    readonly body?: string
  }
  /** Gives the first answer out again, whatever is asked. */
  caches?: boolean
}

/** A reverse proxy in front of a test server that is as wrong as real ones are when they are set up wrongly. */
export interface MeddlingProxy extends AsyncDisposable {
  readonly url: string
}

export async function meddlingProxy(target: string, meddling: Meddling): Promise<MeddlingProxy> {
  const sockets = new Set<Socket>()
  let cached: Promise<{ head: IncomingMessage; body: Buffer }> | null = null
  const server = createServer((incoming, outgoing) => {
    const { answer, caches } = meddling
    if (answer !== undefined && (answer.path ?? incoming.url) === incoming.url) {
      outgoing.writeHead(answer.status, { ...answer.headers }).end(answer.body)
      return
    }
    if (caches === true) {
      cached ??= fetched(target, incoming)
      void cached.then(({ head, body }) =>
        outgoing.writeHead(200, { 'content-type': head.headers['content-type'] }).end(body),
      )
      return
    }
    pass(target, meddling, incoming, outgoing)
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  if (meddling.upgrade !== 'lost') {
    server.on('upgrade', (incoming, socket) => upgrade(target, meddling, incoming, socket as Socket))
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

function pass(target: string, meddling: Meddling, incoming: IncomingMessage, outgoing: ServerResponse): void {
  const upstream = request(new URL(incoming.url ?? '/', target), {
    method: incoming.method ?? 'GET',
    headers: without(incoming.headers, [...(meddling.dropRequest ?? []), 'upgrade', 'connection']),
    agent: false,
  })
  upstream.on('error', () => outgoing.destroy())
  outgoing.on('error', () => undefined)
  outgoing.on('close', () => {
    if (meddling.readsOn !== true) upstream.destroy()
  })
  upstream.on('response', (response) => {
    const compresses = meddling.gzip !== undefined && incoming.headers['accept-encoding']?.includes('gzip') === true
    const changed = compresses ? { 'content-encoding': 'gzip' } : {}
    outgoing.writeHead(response.statusCode ?? 502, {
      ...without(response.headers, [...(meddling.dropAnswer ?? []), 'connection', 'transfer-encoding']),
      ...changed,
    })
    if (meddling.holdBytes === undefined) outgoing.flushHeaders()
    let body: NodeJS.ReadableStream = response
    for (const step of steps({ ...meddling, gzip: compresses ? meddling.gzip : undefined })) body = body.pipe(step)
    body.on('data', (bytes: Buffer) => outgoing.write(bytes))
    body.on('end', () => outgoing.end())
    response.on('error', () => outgoing.destroy())
    watch(meddling, response, outgoing)
  })
  for (const [name, value] of Object.entries(meddling.add ?? {})) {
    upstream.prependListener('response', (response) => {
      const before = response.headers[name]
      response.headers[name] = before === undefined ? value : `${before.toString()}, ${value}`
    })
  }
  incoming.pipe(upstream)
}

function steps({ holdBytes, gzip, rewrite }: Meddling): readonly Transform[] {
  const list: Transform[] = []
  if (rewrite !== undefined) list.push(new Rewriting(...rewrite))
  if (holdBytes !== undefined) list.push(new Holding(holdBytes))
  if (gzip !== undefined) list.push(createGzip(gzip === 'at once' ? { flush: constants.Z_SYNC_FLUSH } : {}))
  return list
}

function watch({ idleMs, totalMs }: Meddling, response: IncomingMessage, outgoing: ServerResponse): void {
  const cut = (): void => void outgoing.destroy()
  const timers: NodeJS.Timeout[] = []
  if (totalMs !== undefined) timers.push(setTimeout(cut, totalMs))
  if (idleMs !== undefined) {
    const idle = setTimeout(cut, idleMs)
    timers.push(idle)
    response.on('data', () => idle.refresh())
  }
  outgoing.on('close', () => {
    for (const timer of timers) clearTimeout(timer)
  })
}

function upgrade(target: string, { upgrade: what }: Meddling, incoming: IncomingMessage, socket: Socket): void {
  socket.on('error', () => undefined)
  if (what === 'refused') {
    socket.end('HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n')
    return
  }
  const upstream = request(new URL(incoming.url ?? '/', target), { headers: incoming.headers, agent: false })
  const answer = (response: IncomingMessage): void => {
    const lines = Object.entries(response.headers).map(([name, value]) => `${name}: ${value?.toString() ?? ''}`)
    socket.end([`HTTP/1.1 ${response.statusCode} As is`, ...lines, '', ''].join('\r\n'))
    upstream.destroy()
  }
  upstream.on('response', answer)
  upstream.on('upgrade', answer)
  upstream.on('error', () => socket.destroy())
  upstream.end()
}

function fetched(target: string, incoming: IncomingMessage): Promise<{ head: IncomingMessage; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const upstream = request(new URL(incoming.url ?? '/', target), { headers: incoming.headers, agent: false })
    upstream.on('error', reject)
    upstream.on('response', (head) => {
      const body: Buffer[] = []
      head.on('data', (bytes: Buffer) => body.push(bytes))
      head.on('end', () => resolve({ head, body: Buffer.concat(body) }))
    })
    upstream.end()
  })
}

function without(headers: IncomingHttpHeaders, names: readonly string[]): IncomingHttpHeaders {
  const lost = new Set(names.map((name) => name.toLowerCase()))
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !lost.has(name)))
}

/** A buffer that lets nothing through until it is full. */
class Holding extends Transform {
  readonly #bytesMax: number
  #held: Buffer[] = []

  constructor(bytesMax: number) {
    super()
    this.#bytesMax = bytesMax
  }

  override _transform(bytes: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#held.push(bytes)
    const all = Buffer.concat(this.#held)
    const full = Number.isFinite(this.#bytesMax) ? all.length - (all.length % this.#bytesMax) : 0
    if (full > 0) this.push(all.subarray(0, full))
    this.#held = [all.subarray(full)]
    done()
  }

  override _flush(done: TransformCallback): void {
    this.push(Buffer.concat(this.#held))
    done()
  }
}

/** Replaces text within each piece. */
class Rewriting extends Transform {
  readonly #from: string
  readonly #to: string

  constructor(from: string, to: string) {
    super()
    this.#from = from
    this.#to = to
  }

  override _transform(bytes: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    done(null, bytes.toString().replaceAll(this.#from, this.#to))
  }
}
