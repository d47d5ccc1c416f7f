import type { Duplex } from 'node:stream'
import { arrivals } from '../../stream/index.ts'

/** Bytes of a message that come whatever else is held. */
const UNCOUNTED_BYTES = 16_384

/** Of a frame from a client: two bytes, a mask, and a length that does not fit into the first two. */
const HEAD_BYTES = 6
const SHORT_MAX = 125
const MIDDLE_MAX = 65_535

/** Counts what has come of the next message of a connection, which `ws` keeps until the message is complete. */
export class UnfinishedMessage {
  readonly #giveUp: () => void
  readonly #arrival = arrivals.begin(() => this.#giveUp())
  readonly #socket: Duplex
  readonly #onData = (bytes: Buffer): void => this.#came(bytes.length)
  #bytes = 0
  /** Of the newest read. What stands behind a complete message came in it, or in one that is as large. */
  #readBytes = 0

  /** `giveUp`: closes the connection, because there is no room or the message comes too slowly while there is little. */
  constructor(socket: Duplex, giveUp: () => void) {
    this.#giveUp = giveUp
    this.#socket = socket
    socket.on('data', this.#onData)
  }

  /** A ping or pong has come, with so much data. */
  tookControl(length: number): void {
    this.#set(Math.max(0, this.#bytes - HEAD_BYTES - length))
  }

  /** A message of that many bytes is complete. Heads of its further fragments do not count for longer than until then. */
  tookMessage(length: number): void {
    const head = HEAD_BYTES + (length <= SHORT_MAX ? 0 : length <= MIDDLE_MAX ? 2 : 8)
    this.#set(Math.max(0, Math.min(this.#bytes - head - length, this.#readBytes)))
  }

  end(): void {
    this.#socket.off('data', this.#onData)
    this.#set(0)
  }

  #came(length: number): void {
    this.#readBytes = length
    this.#set(this.#bytes + length)
    if (this.#bytes > UNCOUNTED_BYTES && !this.#arrival.hasRoom()) this.#giveUp()
  }

  #set(bytes: number): void {
    this.#bytes = bytes
    this.#arrival.set(bytes)
  }
}
