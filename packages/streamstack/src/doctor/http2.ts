import { type ClientHttp2Session, connect, constants } from 'node:http2'
import { type Call, type Exchange, type Head, plainHeaders } from './exchange.ts'
import { type Target, pathBelow } from './http1.ts'

/** Asks over HTTP/2, all calls on one connection, as browsers do. */
export class Http2Connection {
  readonly #target: Target
  #session: ClientHttp2Session | null = null

  constructor(target: Target) {
    this.#target = target
  }

  call(call: Call): Promise<Exchange> {
    return new Promise((resolve) => {
      const startedMs = performance.now()
      const stream = this.#open().request({
        ':method': call.method ?? 'GET',
        ':path': pathBelow(this.#target.base, call.path),
        ...lowerCase(call.headers ?? {}),
      })
      let head: Head | null = null
      let error: NodeJS.ErrnoException | null = null
      let ending: Exchange['ending'] | null = null
      const stop = (why: 'left' | 'late'): void => {
        ending ??= why
        stream.close(constants.NGHTTP2_CANCEL)
      }
      const timer = setTimeout(() => stop('late'), call.timeoutMs)
      const leave = (): void => stop('left')
      call.signal?.addEventListener('abort', leave, { once: true })
      if (call.signal?.aborted === true) leave()

      stream.on('response', (headers) => {
        head = { status: headers[':status'] ?? 0, headers: plainHeaders(headers) }
        call.onHead?.(head)
      })
      stream.on('data', (bytes: Buffer) => call.onBytes?.(bytes))
      stream.on('end', () => {
        if (stream.rstCode === constants.NGHTTP2_NO_ERROR && !stream.aborted) ending ??= 'clean'
      })
      stream.on('error', (thrown: NodeJS.ErrnoException) => {
        error ??= thrown
      })
      stream.on('close', () => {
        clearTimeout(timer)
        call.signal?.removeEventListener('abort', leave)
        if (stream.rstCode !== constants.NGHTTP2_NO_ERROR && ending === 'clean') ending = 'broken'
        resolve({ head, ending: ending ?? 'broken', error, durationMs: performance.now() - startedMs })
      })
      stream.end()
    })
  }

  close(): void {
    this.#session?.destroy()
  }

  #open(): ClientHttp2Session {
    if (this.#session !== null && !this.#session.closed && !this.#session.destroyed) return this.#session
    const { base, insecure } = this.#target
    this.#session = connect(base.origin, { rejectUnauthorized: !insecure })
    // Each stream has the error as well.
    this.#session.on('error', () => undefined)
    return this.#session
  }
}

function lowerCase(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}
