import { type Socket, connect } from 'node:net'

/** Begins each payload; the number follows. Stands nowhere else in what servers send. */
const MARK = 0x40
const DIGITS = 8

/** A payload of so many bytes that carries its number. */
export function numbered(number: number, bytes: number): Buffer {
  const payload = Buffer.alloc(bytes, ' The quick brown fox jumps over the lazy dog.')
  payload.write(`@${String(number).padStart(DIGITS, '0')}`, 'latin1')
  return payload
}

/** All listeners read into one buffer: what is read is looked at before the next read. */
const shared = Buffer.allocUnsafe(65_536)

/**
 * One reader of a live stream, as cheap as it can be: it looks for the numbers of payloads and checks that none is missing, doubled or out of
 * order.
 */
export class SseListener {
  readonly #socket: Socket
  readonly #onNumber: (number: number) => void
  /** Settles when the first bytes came. */
  readonly listening: Promise<void>
  #hasBegun: (() => void) | null = null
  #expected: number
  #isOver = false
  #rests = false
  /** The begin of a number whose end is still to come. */
  #cut = ''

  /** `first`: the number that must come first. */
  constructor(port: number, path: string, first: number, onNumber: (number: number) => void) {
    this.#expected = first
    this.#onNumber = onNumber
    const socket = connect({
      port,
      host: '127.0.0.1',
      onread: {
        buffer: shared,
        callback: (length) => {
          this.#take(length)
          return !this.#rests
        },
      },
    })
    this.#socket = socket
    this.listening = new Promise((resolve, reject) => {
      this.#hasBegun = resolve
      socket.on('error', reject)
      socket.on('close', () => reject(new Error('the connection was closed')))
    })
    this.listening.catch(() => undefined)
    socket.on('close', () => {
      if (!this.#isOver) throw new Error(`a listener was cut off after ${this.#expected} payloads`)
    })
    socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n`)
  }

  /** Reads nothing more. */
  rest(): void {
    this.#rests = true
    this.#socket.pause()
  }

  close(): void {
    this.#isOver = true
    this.#socket.destroy()
  }

  #take(length: number): void {
    if (this.#hasBegun !== null) {
      this.#begin(length)
      return
    }
    // Ends the search: behind it lies what was read before.
    if (length < shared.length) shared[length] = MARK
    let at = 0
    if (this.#cut !== '') {
      const rest = shared.toString('latin1', 0, Math.min(length, 1 + DIGITS - this.#cut.length))
      this.#cut += rest
      at = rest.length
      if (this.#cut.length <= DIGITS) return
      this.#number(Number(this.#cut.slice(1)))
      this.#cut = ''
    }
    for (at = shared.indexOf(MARK, at); at !== -1 && at < length; at = shared.indexOf(MARK, at)) {
      if (at + 1 + DIGITS > length) {
        this.#cut = shared.toString('latin1', at, length)
        return
      }
      let number = 0
      for (let digit = 1; digit <= DIGITS; digit++) number = number * 10 + (shared[at + digit] ?? 0) - 48
      this.#number(number)
      at += 1 + DIGITS
    }
  }

  #begin(length: number): void {
    const text = shared.toString('latin1', 0, length)
    if (!text.startsWith('HTTP/1.1 200')) throw new Error(`not the answer of a live read: ${text}`)
    // The first event says that the reader has its place.
    if (!text.includes('upToDate')) return
    this.#hasBegun?.()
    this.#hasBegun = null
  }

  #number(number: number): void {
    if (number !== this.#expected) throw new Error(`payload ${number} came for ${this.#expected}`)
    this.#expected = number + 1
    this.#onNumber(number)
  }
}
