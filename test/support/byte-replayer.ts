import { once } from 'node:events'
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** What an upstream answers, to the byte. */
export interface Script {
  /** Default: 200. */
  readonly status?: number
  /** Default: `text/event-stream`. */
  readonly type?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string | Buffer
  /** Bytes of one write; default: the whole body in one. */
  readonly pieceBytes?: number
  /** Milliseconds between two writes; default: none. */
  readonly paceMs?: number
  /** The second piece waits for it. */
  readonly gate?: Promise<void>
  /** After the body: a proper end (default), a reset of the connection, or silence. */
  readonly end?: 'close' | 'reset' | 'silence'
}

/** A request as the upstream got it. */
export interface Received {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: unknown
  /** Settles when the connection is gone. */
  readonly closed: Promise<void>
}

export interface ByteReplayer extends AsyncDisposable {
  readonly url: string
  /** An entry for `outbound.allow`. */
  readonly host: string
  readonly received: readonly Received[]
  /** Settles when so many requests have come. */
  until(requests: number): Promise<void>
}

/** Serves scripts: a list answers one request after the other, its last one all further ones; a function answers by request. */
export async function byteReplayer(
  scripts: readonly Script[] | ((request: Received) => Script),
): Promise<ByteReplayer> {
  const received: Received[] = []
  let waiters: { requests: number; resolve: () => void }[] = []
  const server = createServer((request, response) => {
    void read(request, response).then(async (one) => {
      received.push(one)
      waiters = waiters.filter(({ requests, resolve }) => {
        if (received.length < requests) return true
        resolve()
        return false
      })
      const script =
        typeof scripts === 'function' ? scripts(one) : scripts[Math.min(received.length, scripts.length) - 1]
      if (script === undefined) throw new Error('the replayer has no script')
      await play(response, script)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url: `http://${host}`,
    host,
    received,
    until: (requests) =>
      received.length >= requests
        ? Promise.resolve()
        : new Promise((resolve) => {
            waiters.push({ requests, resolve })
          }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function read(request: IncomingMessage, response: ServerResponse): Promise<Received> {
  const closed = once(response, 'close').then(() => undefined)
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece as Buffer)
  const text = Buffer.concat(pieces).toString()
  const { method = '', url: path = '', headers } = request
  return { method, path, headers, body: text === '' ? null : (JSON.parse(text) as unknown), closed }
}

async function play(response: ServerResponse, script: Script): Promise<void> {
  const { status = 200, type = 'text/event-stream', headers = {}, pieceBytes, paceMs, gate, end = 'close' } = script
  const body = Buffer.from(script.body)
  response.writeHead(status, { 'content-type': type, ...headers })
  response.flushHeaders()
  const size = pieceBytes ?? Math.max(1, body.length)
  for (let from = 0; from < body.length && !response.destroyed; from += size) {
    response.write(body.subarray(from, from + size))
    if (from === 0) await gate
    if (paceMs !== undefined) await sleep(paceMs)
    // Pieces written in one turn would arrive in one.
    else if (pieceBytes !== undefined) await new Promise(setImmediate)
  }
  // A reset takes along what was not handed to the system yet, and what a reader in this process has not read: it reads once a turn.
  if (end === 'reset') {
    await sleep(5)
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
  }
  if (end === 'close') response.end()
  else if (end === 'reset') response.socket?.resetAndDestroy()
}
