import type { Duplex } from 'node:stream'
import type { NamedStreamMessage, ServerMessage } from '@streamstack/protocol'
import { type OpenEntry, OpenList } from '../../stream/index.ts'
import { textFrame } from './text-frame.ts'

/** Something that writes when it is its turn. */
interface Writer {
  /** Writes one batch, and asks for another turn if there is more. Must not throw. */
  turn(): void
}

/** Turns in a row before other connections get theirs: a reader that may see few of very many messages never fills its socket, which would stop it. */
const TURNS_AT_ONCE = 32

/** What a log hands out at once, about. */
const BATCH_BYTES = 32_768

/**
 * What goes out on one connection. Readers write in turns, one batch each, as long as less than the bound waits in the socket; beyond it they stay where
 * they are, in the logs of their streams. So what waits is the bound and one batch, and a stream that pours does not starve the others.
 *
 * Frames are written to the socket as they are: one write for a batch, where the `ws` package would make two for each chunk. Both write whole frames, at
 * once, so that they never mix.
 */
export class Outbox {
  /** Since when the socket has not taken all, on the monotonic clock; null: it has. */
  blockedSinceMs: number | null = null
  readonly #socket: Duplex
  readonly #queueBytesMax: number
  readonly #onDrain: () => void
  readonly #waiting = new OpenList<Writer>()
  #isPumping = false
  /** It goes on in the next turn of the event loop, whatever comes before. */
  #isResting = false
  #isClosed = false
  /** Logs that answer later will write so much. */
  #promisedBytes = 0

  constructor(socket: Duplex, queueBytesMax: number, onDrain: () => void) {
    this.#socket = socket
    this.#queueBytesMax = queueBytesMax
    this.#onDrain = onDrain
    socket.on('drain', () => {
      this.blockedSinceMs = null
      this.pump()
      this.#onDrain()
    })
  }

  /** Answers have a bound of their own, as much again: what a slow connection is told of its streams must not wait for it to read less. */
  get isFull(): boolean {
    return this.#socket.writableLength >= 2 * this.#queueBytesMax
  }

  send(message: ServerMessage | NamedStreamMessage): void {
    this.write(textFrame(JSON.stringify(message)))
  }

  /** Frames that are whole. */
  write(frames: Buffer): void {
    if (this.#isClosed || frames.length === 0) return
    if (!this.#socket.write(frames)) this.blockedSinceMs ??= performance.now()
  }

  /** Puts a writer at the end of the line for turns, which `pump` gives. Null: the connection is over. */
  line(writer: Writer): OpenEntry<Writer> | null {
    return this.#isClosed ? null : this.#waiting.add(writer)
  }

  /** Waits for a log, which counts as if its batch was here; then `write`, in the order in which logs answer. */
  async whenRead<T>(batch: Promise<T>, write: (batch: T) => void, refuse: (error: unknown) => void): Promise<void> {
    this.#promisedBytes += BATCH_BYTES
    try {
      write(await batch)
    } catch (error) {
      refuse(error)
    } finally {
      this.#promisedBytes -= BATCH_BYTES
      this.pump()
    }
  }

  close(): void {
    this.#isClosed = true
    for (const place of this.#waiting.entries()) place.remove()
  }

  /** Gives the turns that there is room for. A turn may wake readers, which then get theirs in this loop. */
  pump(): void {
    if (this.#isPumping || this.#isResting || this.#waiting.size === 0) return
    this.#isPumping = true
    let turns = 0
    // What several write goes out in one call.
    this.#socket.cork()
    try {
      for (let place = this.#waiting.first; place !== null; place = this.#waiting.first) {
        if (this.#mustWait()) break
        if (turns++ === TURNS_AT_ONCE) {
          this.#goOnLater()
          break
        }
        // A writer that asks again goes to the end of the line, which this loop reaches.
        place.remove()
        place.member.turn()
      }
    } finally {
      this.#isPumping = false
      this.#socket.uncork()
    }
  }

  #goOnLater(): void {
    this.#isResting = true
    setImmediate(() => {
      this.#isResting = false
      this.pump()
    })
  }

  #mustWait(): boolean {
    const { writableNeedDrain, writableLength } = this.#socket
    // Without one of these nothing would tell when to go on.
    if (!writableNeedDrain && this.#promisedBytes === 0) return false
    return writableLength + this.#promisedBytes >= this.#queueBytesMax
  }
}

/** By these one writer asks for its turns. */
export class OutboxTurns {
  readonly #outbox: Outbox
  #place: OpenEntry<Writer> | null = null

  constructor(outbox: Outbox) {
    this.#outbox = outbox
  }

  /** Asks for a turn. It may come at once. */
  ready(writer: Writer): void {
    if (this.#place?.isIn !== true) this.#place = this.#outbox.line(writer)
    this.#outbox.pump()
  }

  leave(): void {
    this.#place?.remove()
  }

  /** As `whenRead` of the outbox. */
  whenRead<T>(read: Promise<T>, write: (result: T) => void, refuse: (error: unknown) => void): Promise<void> {
    return this.#outbox.whenRead(read, write, refuse)
  }
}
