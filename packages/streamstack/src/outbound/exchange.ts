import type { IncomingHttpHeaders } from 'node:http'
import type { Transform } from 'node:stream'
import { StreamstackError } from '@streamstack/protocol'
import type { Dispatcher } from 'undici'
import { ByteSource } from './byte-source.ts'
import { contentDecoders } from '../coding/index.ts'
import { transportFailure } from './failure.ts'
import { answerHeaders } from './headers.ts'
import type { PreparedRequest } from './prepare-request.ts'

/**
 * Destroys the connections of runs that ended. One for all of them: Node formats the stack of each error that destroys a socket, which
 * costs 0.4 ms, and hundreds of callers may leave at once.
 */
const LEFT = new Error('The run that read this answer has ended.')

/** The head of an answer, and its body to be read. */
export interface Upstream {
  status: number
  headers: Record<string, string>
  body: ByteSource
}

/**
 * One request on the wire and its answer: a handler that undici calls. It owns the body's flow directly, without a
 * Node stream between, so that bytes which came before a broken connection are still read (a destroyed stream drops
 * them) and a slow reader stops the socket after a known number of bytes.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly answer: Promise<Upstream>
  /** Called once, when a connection takes the request. */
  onConnected: (() => void) | undefined
  readonly #host: string
  readonly #hasBody: boolean
  readonly #body: ByteSource
  readonly #resolve: (upstream: Upstream) => void
  readonly #reject: (reason: unknown) => void
  #controller: Dispatcher.DispatchController | undefined
  #decoders: Transform[] = []
  #answered = false
  #over = false
  #abortReason: Error | undefined

  constructor(request: PreparedRequest, idleTimeoutMs: number) {
    const { promise, resolve, reject } = Promise.withResolvers<Upstream>()
    this.answer = promise
    // A request that is cancelled before its caller awaits it must not end the process as an unhandled rejection.
    promise.catch(() => undefined)
    this.#resolve = resolve
    this.#reject = reject
    this.#host = request.url.host
    this.#hasBody = request.method !== 'HEAD'
    this.#body = new ByteSource({
      host: this.#host,
      idleTimeoutMs,
      supply: { resume: () => this.#resume(), abort: (reason) => this.#close(reason) },
    })
  }

  /** Leaves: the answer or its body fails with this very reason, and the socket closes at once. */
  cancel(reason: unknown): void {
    if (this.#answered) {
      this.#body.abort(reason)
      return
    }
    this.#close(reason)
    this.#reject(reason)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    this.onConnected?.()
    if (this.#abortReason !== undefined) controller.abort(this.#abortReason)
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, raw: IncomingHttpHeaders): void {
    // 100 Continue and 103 Early Hints come before the answer.
    if (status < 200 || this.#over) return
    const headers = answerHeaders(raw)
    const encoded = this.#hasBody && status !== 204 && status !== 304
    try {
      this.#decode(encoded ? contentDecoders(headers['content-encoding'] ?? '', this.#host) : [])
    } catch (error) {
      this.cancel(error)
      return
    }
    this.#answered = true
    this.#resolve({ status, headers, body: this.#body })
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#over) return
    const [first] = this.#decoders
    const room = first === undefined ? this.#body.push(chunk) : first.write(chunk)
    if (!room) controller.pause()
  }

  onResponseEnd(): void {
    if (this.#over) return
    this.#over = true
    const [first] = this.#decoders
    if (first === undefined) this.#body.end()
    else first.end()
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#over) return
    this.#over = true
    const failure = transportFailure(error, this.#host, this.#answered)
    if (this.#answered) this.#body.fail(failure)
    else this.#reject(failure)
    for (const decoder of this.#decoders) decoder.destroy()
  }

  #decode(decoders: Transform[]): void {
    this.#decoders = decoders
    const [first] = decoders
    const last = decoders.at(-1)
    if (first === undefined || last === undefined) return
    for (const [index, decoder] of decoders.entries()) {
      decoder.on('error', (cause) => {
        const message = `${this.#host} sent a body that does not fit its Content-Encoding, or broke off.`
        this.#body.fail(new StreamstackError('upstream_failed', message, { cause }))
        this.#close(cause)
      })
      const following = decoders[index + 1]
      if (following !== undefined) decoder.pipe(following)
    }
    first.on('drain', () => this.#controller?.resume())
    last.on('data', (chunk: Buffer) => {
      if (!this.#body.push(chunk)) last.pause()
    })
    last.on('end', () => this.#body.end())
  }

  #resume(): void {
    const last = this.#decoders.at(-1)
    if (last !== undefined) last.resume()
    else this.#controller?.resume()
  }

  #close(reason: unknown): void {
    for (const decoder of this.#decoders) decoder.destroy()
    if (this.#over) return
    this.#over = true
    // A request that still waits for its connection has no controller yet; `onRequestStart` then ends it.
    this.#abortReason = reason instanceof Error ? reason : LEFT
    this.#controller?.abort(this.#abortReason)
  }
}
