import { type Socket, connect } from 'node:net'
import { numbered } from './sse-listener.ts'

/** One connection that appends numbered payloads, and notes when each was sent and when it was answered, in ms of `performance.now()`. */
export class NumberedAppends {
  readonly sentAtMs: number[] = []
  readonly answeredAtMs: number[] = []
  readonly #socket: Socket
  readonly #path: string
  readonly #contentType: string
  readonly #bytes: number
  #answers = ''

  constructor(port: number, path: string, contentType: string, bytes: number) {
    this.#path = path
    this.#contentType = contentType
    this.#bytes = bytes
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.#socket.on('data', (data) => this.#take(data.toString('latin1')))
  }

  get next(): number {
    return this.sentAtMs.length
  }

  append(): void {
    const body = numbered(this.next, this.#bytes)
    const head = `POST ${this.#path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: ${this.#contentType}\r\nContent-Length: ${body.length}\r\n\r\n`
    const request = Buffer.concat([Buffer.from(head), body])
    this.sentAtMs.push(performance.now())
    this.#socket.write(request)
  }

  close(): void {
    this.#socket.destroy()
  }

  #take(text: string): void {
    this.#answers += text
    for (let end = this.#answers.indexOf('\r\n\r\n'); end !== -1; end = this.#answers.indexOf('\r\n\r\n')) {
      if (!this.#answers.startsWith('HTTP/1.1 2')) throw new Error(`not the answer of an append: ${this.#answers}`)
      this.#answers = this.#answers.slice(end + 4)
      this.answeredAtMs.push(performance.now())
    }
  }
}
