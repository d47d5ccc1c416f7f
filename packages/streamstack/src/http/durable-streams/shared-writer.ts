import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

const CHUNK_END = Buffer.from('\r\n')

/** Bytes that go to many readers, ready in both forms. */
export interface SharedBytes {
  readonly plain: Buffer
  /** As one chunk of HTTP/1.1's chunked coding (RFC 9112 §7.1). */
  readonly framed: Buffer
}

export function shareBytes(plain: Buffer): SharedBytes {
  const size = Buffer.from(`${plain.length.toString(16)}\r\n`)
  const framed = Buffer.concat([size, plain, CHUNK_END])
  // One copy in memory.
  return { plain: framed.subarray(size.length, size.length + plain.length), framed }
}

/**
 * Writes what many readers get. Node frames every chunk of every response anew, which costs more than sending it; here it is framed once, and
 * goes to the sockets as it is. Only for a response whose head has gone out by its own means; other protocols than HTTP/1.1 frame for themselves.
 */
export class SharedWriter {
  readonly #response: ServerResponse
  readonly #onDrain: () => void
  #socket: Socket | null = null

  constructor(response: ServerResponse, onDrain: () => void) {
    this.#response = response
    this.#onDrain = onDrain
    response.on('drain', onDrain)
  }

  /** False: wait for `onDrain` before the next. */
  write({ plain, framed }: SharedBytes): boolean {
    if (this.#socket !== null) return this.#socket.write(framed)
    const response = this.#response
    const accepted = response.write(plain)
    const { socket } = response
    if (response.chunkedEncoding && socket !== null && response.req.httpVersion === '1.1') {
      this.#socket = socket
      socket.on('drain', this.#onDrain)
    }
    return accepted
  }

  /** Nothing more is to be written here; the response can be ended. */
  release(): void {
    this.#socket?.off('drain', this.#onDrain)
    this.#socket = null
  }
}
