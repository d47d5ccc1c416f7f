import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

export interface LingeringBounds {
  /** Connections that linger at once; further ones are closed at once. */
  readonly connections: number
  /** What is read of one after its answer. */
  readonly bytes: number
  readonly durationMs: number
  /** How long its client may send nothing. */
  readonly idleMs: number
}

const BOUNDS: LingeringBounds = { connections: 100, bytes: 67_108_864, durationMs: 10_000, idleMs: 2_000 }

/** How often the bounds are looked at. */
const LOOK_MS = 50

/**
 * Connections that are closed in two steps because their client still sends a body (RFC 9112 §9.6): the server ends its side behind the answer, then
 * reads on and drops what it reads. If it closed at once, the system would answer the rest of the body with a reset, and a client drops an
 * answer that it has not read by then.
 */
export class Lingering {
  readonly #bounds: LingeringBounds
  #count = 0

  constructor(bounds: LingeringBounds = BOUNDS) {
    this.#bounds = bounds
  }

  /** Makes the connection of an HTTP/1.1 answer linger when Node closes it behind the answer: with `Connection: close`. */
  closeLate({ req: request }: ServerResponse): void {
    const { socket } = request
    const close = socket.destroySoon.bind(socket)
    socket.destroySoon = () => {
      if (request.complete || socket.destroyed || this.#count >= this.#bounds.connections) close()
      else this.#linger(request, socket)
    }
  }

  #linger(request: IncomingMessage, socket: Socket): void {
    const { bytes, durationMs, idleMs } = this.#bounds
    const before = socket.bytesRead
    let read = before
    // Counted by looks, not by the clock: after one that comes late, what has come meanwhile is not read yet.
    let looks = 0
    let idleLooks = 0
    const timer = setInterval(() => {
      looks++
      idleLooks = socket.bytesRead > read ? 0 : idleLooks + 1
      read = socket.bytesRead
      const isOver = idleLooks * LOOK_MS >= idleMs || looks * LOOK_MS >= durationMs || read - before >= bytes
      if (isOver || request.complete) socket.destroy()
    }, LOOK_MS).unref()
    this.#count++
    socket.once('close', () => {
      clearInterval(timer)
      this.#count--
    })
    socket.end()
    request.resume()
  }
}

/** The lingering connections of this process. */
export const lingering = new Lingering()
