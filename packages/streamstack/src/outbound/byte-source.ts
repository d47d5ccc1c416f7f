import { StreamstackError } from '@streamstack/protocol'
import { type LongTimer, startLongTimer } from '../definition/index.ts'

/** At this many bytes the socket is asked to wait. It may still hand over what it has read: 64 KiB, so 192 in all. */
const QUEUE_BYTES_MAX = 128 * 1024

/** What a chunk costs besides its bytes: an upstream that trickles single bytes must not fill the memory either. */
const CHUNK_OVERHEAD_BYTES = 128

/** What a byte source needs from whatever fills it. */
export interface ByteSupply {
  /** There is room again. */
  resume(): void
  /** Stops reading and closes the connection. */
  abort(reason: unknown): void
}

export interface ByteObserver {
  read(bytes: Uint8Array): void
  broken(): void
}

export interface ByteSourceOptions {
  supply: ByteSupply
  idleTimeoutMs: number
  /** Host and port, for messages. */
  host: string
}

/**
 * The body of one answer, read when asked. Bytes that came before a failure stay readable; the failure comes after
 * them, so a reader learns all there was and then that it broke.
 */
export class ByteSource {
  readonly host: string
  readonly #supply: ByteSupply
  readonly #idleTimeoutMs: number
  #chunks: Uint8Array[] = []
  #next = 0
  #queueBytes = 0
  #paused = false
  #ended = false
  #failed = false
  #aborted = false
  #failure: unknown
  #waiter: (() => void) | undefined
  #idleTimer: LongTimer | undefined
  #onClosed: (() => void) | undefined
  /** Sees the bytes that are read, and that the supply broke. */
  observer: ByteObserver | undefined

  constructor({ supply, idleTimeoutMs, host }: ByteSourceOptions) {
    this.#supply = supply
    this.#idleTimeoutMs = idleTimeoutMs
    this.host = host
  }

  /** The body came to its proper end, and all of it was read. */
  get ended(): boolean {
    return this.#ended && this.#next === this.#chunks.length
  }

  /** The body broke, and all that came before was read. */
  get failed(): boolean {
    return this.#failed && this.#next === this.#chunks.length
  }

  /** The consumer has left; nothing more is to be given out. */
  get aborted(): boolean {
    return this.#aborted
  }

  /** Why it broke. */
  get failure(): unknown {
    return this.#failure
  }

  /** Called once when nothing more will come in, for cleaning up. */
  set onClosed(callback: () => void) {
    this.#onClosed = callback
    if (this.#ended || this.#failed) this.#closed()
  }

  /** The next bytes, or undefined when none are here now. */
  read(): Uint8Array | undefined {
    if (this.#next === this.#chunks.length) return undefined
    const chunk = this.#chunks[this.#next++]
    if (chunk === undefined) return undefined
    this.observer?.read(chunk)
    this.#queueBytes -= chunk.byteLength + CHUNK_OVERHEAD_BYTES
    if (this.#next === this.#chunks.length) {
      this.#chunks = []
      this.#next = 0
    } else if (this.#next >= 64) {
      // A queue that never runs empty would otherwise keep every chunk it ever held.
      this.#chunks.splice(0, this.#next)
      this.#next = 0
    }
    if (this.#paused && this.#queueBytes < QUEUE_BYTES_MAX / 2) {
      this.#paused = false
      this.#supply.resume()
    }
    return chunk
  }

  /** Calls back once, when there is something to read or nothing more will come. Silence beyond the limit is a failure. */
  whenReady(callback: () => void): void {
    this.#waiter = callback
    // One timer for the whole body: refreshing costs far less than making one for each wait.
    if (this.#idleTimer === undefined) this.#idleTimer = startLongTimer(() => this.#idle(), this.#idleTimeoutMs)
    else this.#idleTimer.refresh()
  }

  /** Takes bytes in; false asks the supply to wait for `resume`. */
  push(chunk: Uint8Array): boolean {
    if (this.#ended || this.#failed) return true
    if (chunk.byteLength > 0) {
      this.#chunks.push(chunk)
      this.#queueBytes += chunk.byteLength + CHUNK_OVERHEAD_BYTES
      this.#wake()
    }
    this.#paused = this.#queueBytes >= QUEUE_BYTES_MAX
    return !this.#paused
  }

  /** The supply has come to a proper end. */
  end(): void {
    if (this.#ended || this.#failed) return
    this.#ended = true
    this.#closed()
    this.#wake()
  }

  /** The supply broke. */
  fail(reason: unknown): void {
    if (this.#ended || this.#failed) return
    this.#failed = true
    this.#failure = reason
    this.observer?.broken()
    this.#closed()
    this.#wake()
  }

  /** Leaves: what is buffered is dropped, the connection closed at once, and `failure` is the reason. */
  abort(reason: unknown): void {
    this.#chunks = []
    this.#next = 0
    this.#queueBytes = 0
    this.#aborted = true
    const open = !this.#ended && !this.#failed
    this.#ended = false
    this.#failed = true
    this.#failure = reason
    if (open) {
      this.#supply.abort(reason)
      this.#closed()
    }
    this.#wake()
  }

  #idle(): void {
    if (this.#waiter === undefined) return
    const message = `${this.host} was silent for ${this.#idleTimeoutMs} ms in the middle of its answer (idle_timeout).`
    this.abort(new StreamstackError('upstream_timeout', message))
  }

  #wake(): void {
    const waiter = this.#waiter
    this.#waiter = undefined
    waiter?.()
  }

  #closed(): void {
    this.#idleTimer?.clear()
    const callback = this.#onClosed
    this.#onClosed = undefined
    callback?.()
  }
}
