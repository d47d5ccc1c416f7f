import { type ClientRequest, type IncomingMessage, type OutgoingHttpHeaders, request as plainRequest } from 'node:http'
import { request as secureRequest } from 'node:https'
import { setTimeout as pause } from 'node:timers/promises'
import { type Decoded, type Outcome, decoders } from '@streamstack/protocol'
import { cutText } from '../text/cut-text.ts'
import type { Observed, ObservedChunk, ObservedError } from './observed.ts'
import type { StreamedFormat, TestRequest } from './test-case.ts'

const ACCEPT: Readonly<Record<StreamedFormat, string>> = {
  ndjson: 'application/x-ndjson',
  sse: 'text/event-stream',
  lines: 'text/plain',
  text: 'text/plain',
}

/** Whether the last words of a format tell the outcome. */
const TELLS_OUTCOME: Readonly<Record<StreamedFormat, boolean>> = { ndjson: true, sse: true, lines: false, text: false }

const PROBLEM_BYTES_MAX = 1024 * 1024

export interface CallOptions {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly timeoutMs: number
  /** Milliseconds of `performance.now()` that times count from; default: now. */
  readonly startMs?: number
  /** Called for each chunk; true: the connection is broken off there. */
  readonly leaves?: (chunks: number) => boolean
  /** Rate at which the answer is read; null: unlimited. */
  readonly bytesPerSecond?: number | null
}

/** Sends one request and takes down all that comes, with its times. Never rejects: what goes wrong is part of what is observed. */
export async function observeCall(request: TestRequest, options: CallOptions): Promise<Observed> {
  return await new Call(request, options).done
}

class Call {
  readonly done: Promise<Observed>
  readonly #options: CallOptions
  readonly #format: StreamedFormat
  readonly #startMs: number
  readonly #chunks: ObservedChunk[] = []
  readonly #decoder: ReturnType<(typeof decoders)['ndjson']>
  readonly #utf8 = new TextDecoder()
  readonly #request: ClientRequest
  readonly #settle: (observed: Observed) => void
  readonly #timer: NodeJS.Timeout
  #answer: IncomingMessage | null = null
  #problem = ''
  #error: ObservedError | null = null
  #outcome: Outcome | null = null
  #hasEnded = false
  #isOver = false

  constructor(request: TestRequest, options: CallOptions) {
    this.#options = options
    this.#format = request.format
    this.#startMs = options.startMs ?? performance.now()
    this.#decoder = decoders[this.#format]({ metadata: false })
    const settled = Promise.withResolvers<Observed>()
    this.done = settled.promise
    this.#settle = settled.resolve
    const url = new URL(request.path, options.url)
    if (this.#format === 'text') url.searchParams.set('format', 'text')
    const headers: OutgoingHttpHeaders = {
      Accept: ACCEPT[this.#format],
      ...(request.body === null
        ? {}
        : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(request.body) }),
      ...request.headers,
      ...options.headers,
    }
    const send = url.protocol === 'https:' ? secureRequest : plainRequest
    this.#request = send(url, { method: request.method, headers, agent: false }, (answer) => this.#read(answer))
    this.#request.on('error', (error) => this.#finish(error.message))
    this.#request.end(request.body ?? undefined)
    this.#timer = setTimeout(() => this.#finish(null, true), options.timeoutMs)
  }

  #read(answer: IncomingMessage): void {
    this.#answer = answer
    const isStream = (answer.statusCode ?? 0) < 400
    const { bytesPerSecond = null, leaves } = this.#options
    answer.on('data', (bytes: Buffer) => {
      if (this.#isOver) return
      if (!isStream) {
        if (this.#problem.length < PROBLEM_BYTES_MAX) this.#problem += this.#utf8.decode(bytes, { stream: true })
        return
      }
      this.#take(bytes)
      if (leaves?.(this.#chunks.length) === true) return this.#finish('the test broke it off')
      if (bytesPerSecond === null) return
      answer.pause()
      void pause((bytes.length / bytesPerSecond) * 1_000).then(() => answer.resume())
    })
    answer.on('end', () => this.#finish(null))
    answer.on('error', (error) => this.#finish(error.message))
    answer.on('close', () => this.#finish('it closed before the answer was whole'))
  }

  #take(bytes: Buffer): void {
    let items: Decoded[]
    try {
      items = this.#decoder.push(this.#utf8.decode(bytes, { stream: true }))
    } catch (error) {
      return this.#finish(`what came is not ${this.#format}: ${(error as Error).message}`)
    }
    for (const item of items) this.#takeItem(item)
  }

  #takeItem(item: Decoded): void {
    if (item.type === 'chunk') {
      const { offset, kind, content, metadata } = item
      this.#chunks.push({ offset, kind, content, metadata, atMs: performance.now() - this.#startMs })
    } else if (item.type === 'error') {
      this.#error ??= { ...item.error, isInBand: true, afterChunks: this.#chunks.length }
    } else if (item.type === 'end') {
      this.#hasEnded = true
      this.#outcome = item.outcome
      if (item.error !== null) this.#error ??= { ...item.error, isInBand: true, afterChunks: this.#chunks.length }
    }
  }

  /** `broken`: why the connection did not come to its end; null: it did. */
  #finish(broken: string | null, hasTimedOut = false): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#timer)
    const answer = this.#answer
    if (answer !== null && broken === null && !hasTimedOut)
      for (const item of this.#decoder.flush()) this.#takeItem(item)
    const status = answer?.statusCode ?? null
    const isStream = status !== null && status < 400
    if (!isStream && this.#problem !== '') this.#error = problemOf(this.#problem)
    const endsCleanly = !isStream || this.#hasEnded || (broken === null && !TELLS_OUTCOME[this.#format])
    if (isStream && endsCleanly && this.#outcome === null && this.#error === null) this.#outcome = 'completed'
    this.#settle({
      status,
      headers: Object.fromEntries(
        Object.entries(answer?.headers ?? {}).map(([name, value]) => [name, [value].flat().join(', ')]),
      ),
      chunks: this.#chunks,
      error: this.#error,
      outcome: this.#outcome,
      totalMs: performance.now() - this.#startMs,
      broken: endsCleanly && status !== null ? null : (broken ?? 'it ended before the stream'),
      hasTimedOut,
      memoryGrowthBytes: null,
      run: answer?.headers['stream-run']?.toString() ?? null,
    })
    this.#request.destroy()
  }
}

function problemOf(text: string): ObservedError {
  try {
    const {
      code = '',
      detail = '',
      title = '',
    } = JSON.parse(text) as { code?: string; detail?: string; title?: string }
    return { code, message: detail === '' ? title : detail, isInBand: false, afterChunks: 0 }
  } catch {
    return { code: '', message: cutText(text, 200), isInBand: false, afterChunks: 0 }
  }
}
