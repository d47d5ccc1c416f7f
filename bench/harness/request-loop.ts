import { type Socket, connect } from 'node:net'

const HEAD_END = Buffer.from('\r\n\r\n')

/** What to send next; null: nothing more. */
export type NextRequest = () => Buffer | null

/**
 * Sends requests over so many keep-alive connections, on each the next one when the last was answered, until there is none; gives how long each
 * took, in milliseconds.
 */
export async function sendAll(
  port: number,
  connections: number,
  next: (connection: number) => NextRequest,
): Promise<number[]> {
  const loops = Array.from({ length: connections }, (_, index) => new RequestLoop(port, next(index)))
  await Promise.all(loops.map(({ opened }) => opened))
  return (await Promise.all(loops.map((loop) => loop.run()))).flat()
}

/**
 * One keep-alive connection. It knows no more of HTTP than a status of 2xx and the end of a head without a body, so that it costs less than any
 * server.
 */
class RequestLoop {
  readonly #socket: Socket
  readonly #next: NextRequest
  readonly #durationsMs: number[] = []
  readonly #over = Promise.withResolvers<readonly number[]>()
  readonly opened: Promise<void>
  #sentAtMs = 0
  #head = ''

  constructor(port: number, next: NextRequest) {
    this.#next = next
    const socket = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: {
        buffer: Buffer.allocUnsafe(4_096),
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
    // The waiter for the connection or for the end gets the error.
    this.opened.catch(() => undefined)
    this.#over.promise.catch(() => undefined)
    socket.on('error', (error) => this.#over.reject(error))
    socket.on('close', () => this.#over.reject(new Error('the connection was closed before the answer was complete')))
  }

  run(): Promise<readonly number[]> {
    this.#send()
    return this.#over.promise
  }

  #send(): void {
    const request = this.#next()
    if (request === null) {
      this.#over.resolve(this.#durationsMs)
      this.#socket.destroy()
      return
    }
    this.#sentAtMs = performance.now()
    this.#socket.write(request)
  }

  #take(buffer: Buffer, length: number): void {
    // Most answers come in one piece and are not looked at any closer.
    if (this.#head !== '' || !isWhole(buffer, length)) {
      this.#head += buffer.toString('latin1', 0, length)
      const end = this.#head.indexOf('\r\n\r\n')
      const isFit = this.#head.startsWith('HTTP/1.1 2'.slice(0, this.#head.length))
      if (!isFit || (end !== -1 && end + 4 < this.#head.length)) {
        this.#over.reject(new Error(`an answer that is not 2xx without a body: ${this.#head}`))
        this.#socket.destroy()
        return
      }
      if (end === -1) return
      this.#head = ''
    }
    this.#durationsMs.push(performance.now() - this.#sentAtMs)
    this.#send()
  }
}

function isWhole(buffer: Buffer, length: number): boolean {
  // `HTTP/1.1 2…`
  return length > 16 && buffer[9] === 0x32 && buffer.compare(HEAD_END, 0, 4, length - 4, length) === 0
}

/** A request to a stream with these bytes as its body. */
export function streamRequest(method: 'PUT' | 'POST', path: string, contentType: string, body: Buffer): Buffer {
  const head = `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: ${contentType}\r\nContent-Length: ${body.length}\r\n\r\n`
  return Buffer.concat([Buffer.from(head), body])
}
