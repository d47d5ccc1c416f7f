import { type Socket, connect } from 'node:net'

/** What came back for one request. Times are milliseconds from the moment the request was written. */
export interface Answer {
  status: number
  /** Status line and headers. */
  head: string
  firstByteMs: number
  endMs: number
  bytes: number
}

/** Takes a piece of a body; the buffer is used again afterwards. */
export type PieceHandler = (buffer: Buffer, start: number, end: number) => void

interface Exchange {
  onPiece: PieceHandler
  resolve: (answer: Answer) => void
  reject: (error: Error) => void
  sentAtMs: number
  answer: Answer
}

/** Where the parser stands in an answer: whole by its `Content-Length`, or of `Transfer-Encoding: chunked` (RFC 9112, section 7.1). */
type State = 'head' | 'whole' | 'size' | 'data' | 'dataEnd' | 'trailer'

const CR = 13
const LF = 10

/**
 * One keep-alive HTTP/1.1 connection that asks for one stream after the other. Written on the bare socket, into one buffer, without an object a
 * chunk, so that the client costs less than the fastest server. An answer that is not ended by its last chunk or its length is an error.
 */
export class Connection {
  readonly #socket: Socket
  /** Settles when the connection stands; rejects when it could not be made. */
  readonly opened: Promise<void>
  #exchange: Exchange | null = null
  #state: State = 'head'
  #head = ''
  #sizeLeft = 0
  #lineBytes = 0

  constructor(port: number, bufferBytes = 65_536) {
    const socket = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: {
        buffer: Buffer.allocUnsafe(bufferBytes),
        callback: (length, buffer) => {
          this.#take(buffer as Buffer, length)
          return true
        },
      },
    })
    this.#socket = socket
    this.opened = new Promise((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    // The waiter for the connection or for an answer gets the error.
    this.opened.catch(() => undefined)
    socket.on('error', (error) => this.#fail(error))
    socket.on('close', () => this.#fail(new Error('the connection was closed before the answer was complete')))
  }

  async request(path: string, onPiece: PieceHandler, options: { accept?: string } = {}): Promise<Answer> {
    await this.opened
    return new Promise((resolve, reject) => {
      this.#state = 'head'
      this.#head = ''
      this.#exchange = {
        onPiece,
        resolve,
        reject,
        sentAtMs: performance.now(),
        answer: { status: 0, head: '', firstByteMs: 0, endMs: 0, bytes: 0 },
      }
      this.#socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: ${options.accept ?? '*/*'}\r\n\r\n`)
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #take(buffer: Buffer, length: number): void {
    const exchange = this.#exchange
    if (exchange === null) return this.#fail(new Error('bytes arrived without a request'))
    let at = this.#state === 'head' ? this.#takeHead(exchange, buffer, length) : 0
    while (at < length) {
      if (this.#state === 'data' || this.#state === 'whole') {
        const end = Math.min(length, at + this.#sizeLeft)
        if (exchange.answer.bytes === 0) exchange.answer.firstByteMs = performance.now() - exchange.sentAtMs
        exchange.answer.bytes += end - at
        this.#sizeLeft -= end - at
        exchange.onPiece(buffer, at, end)
        at = end
        if (this.#sizeLeft > 0) continue
        if (this.#state === 'whole') return this.#end(exchange)
        this.#state = 'dataEnd'
        continue
      }
      const byte = buffer[at++] ?? 0
      if (this.#state === 'size') {
        if (byte === LF) this.#state = this.#sizeLeft === 0 ? 'trailer' : 'data'
        else if (byte !== CR) this.#sizeLeft = this.#sizeLeft * 16 + hexDigit(byte)
      } else if (this.#state === 'dataEnd') {
        if (byte === LF) this.#expectSize()
      } else if (byte === LF) {
        if (this.#lineBytes === 0) return this.#end(exchange)
        this.#lineBytes = 0
      } else if (byte !== CR) this.#lineBytes++
    }
  }

  /** Gives the position after the head, or `length` while it is not complete. */
  #takeHead(exchange: Exchange, buffer: Buffer, length: number): number {
    const before = this.#head.length
    this.#head += buffer.toString('latin1', 0, length)
    const end = this.#head.indexOf('\r\n\r\n')
    if (end === -1) return length
    exchange.answer.status = Number(this.#head.slice(9, 12))
    const head = this.#head.slice(0, end)
    exchange.answer.head = head
    const whole = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0)
    if (exchange.answer.status === 200 && whole > 0) {
      this.#state = 'whole'
      this.#sizeLeft = whole
      return end + 4 - before
    }
    if (exchange.answer.status !== 200 || !/\r\ntransfer-encoding: chunked/i.test(head)) {
      this.#fail(new Error(`an answer that is no stream: ${this.#head.slice(0, 1_000)}`))
      return length
    }
    this.#expectSize()
    return end + 4 - before
  }

  #expectSize(): void {
    this.#state = 'size'
    this.#sizeLeft = 0
    this.#lineBytes = 0
  }

  #end({ answer, resolve, sentAtMs }: Exchange): void {
    this.#exchange = null
    answer.endMs = performance.now() - sentAtMs
    resolve(answer)
  }

  #fail(error: Error): void {
    const exchange = this.#exchange
    this.#exchange = null
    exchange?.reject(error)
    this.#socket.destroy()
  }
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48
  const letter = byte | 32
  if (letter >= 97 && letter <= 102) return letter - 87
  throw new Error(`a chunk size with the byte ${byte}`)
}
