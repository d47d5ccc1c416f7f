import type { Socket } from 'node:net'

const LF = 10
const CR = 13
const DIGIT_0 = 48
const DIGIT_1 = 49
const DIGIT_3 = 51

/** Where the status code of a status line begins: `HTTP/1.1 100`. */
const STATUS_AT = 9

/**
 * Makes up for two things that undici does with answers:
 *
 * - It ends a body without a length cleanly when the connection is reset. Such a body is complete only after a FIN (RFC 9112 §8), so a
 *   reset gets another code.
 * - It destroys the connection at a 100 Continue that was not asked for, although any client must be able to read one (RFC 9110 §15.2). It
 *   reads other interim answers, so a 100 becomes a 103 on its way to the parser.
 */
export function keepHonest(socket: Socket): void {
  // Before the listener of undici, which is added later.
  socket.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'ECONNRESET') error.code = 'UPSTREAM_RESET'
  })
  const head = new AnswerHead()
  const read = socket.read.bind(socket)
  const write = socket.write.bind(socket) as (...parameters: unknown[]) => boolean
  // A request is written at once and whole; what is read after it begins with the head of an answer.
  socket.write = (...parameters: unknown[]) => {
    head.begin()
    return write(...parameters)
  }
  socket.read = (size) => {
    const chunk: unknown = read(size)
    if (chunk instanceof Buffer) head.take(chunk)
    return chunk
  }
}

/** Follows the heads of interim answers and of the final one, byte by byte; what comes after is a body and left alone. */
class AnswerHead {
  #isOver = true
  #isInterim = false
  /** Bytes of the line so far, without its end. */
  #column = 0
  #line = 0
  #statusDigits = 0

  begin(): void {
    if (this.#isOver) this.#restart()
  }

  #restart(): void {
    this.#isOver = false
    this.#isInterim = false
    this.#column = 0
    this.#line = 0
    this.#statusDigits = 0
  }

  take(chunk: Buffer): void {
    if (this.#isOver) return
    for (let i = 0; i < chunk.length && !this.#isOver; i++) this.#takeByte(chunk, i)
  }

  #takeByte(chunk: Buffer, index: number): void {
    const byte = chunk[index] as number
    if (byte === LF) this.#endLine()
    else if (byte !== CR) {
      if (this.#line === 0) this.#takeStatus(chunk, index, byte)
      this.#column += 1
    }
  }

  #takeStatus(chunk: Buffer, index: number, byte: number): void {
    const digit = this.#column - STATUS_AT
    if (digit === 0) this.#isInterim = byte === DIGIT_1
    else if (digit === 1 && byte === DIGIT_0) this.#statusDigits = 1
    else if (digit === 2 && byte === DIGIT_0 && this.#isInterim && this.#statusDigits === 1) chunk[index] = DIGIT_3
  }

  #endLine(): void {
    const isEmpty = this.#column === 0
    this.#column = 0
    // Empty lines before a status line are skipped by the parser.
    if (isEmpty && this.#line === 0) return
    this.#line += 1
    if (!isEmpty) return
    if (this.#isInterim) this.#restart()
    else this.#isOver = true
  }
}
