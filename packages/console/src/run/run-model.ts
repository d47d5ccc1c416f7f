import { type RunStream, StreamError } from '@streamstack/client'
import { type Endpoint, clientOf, watchedFetch } from '../api.ts'
import { ChunkStore } from './chunk-store.ts'
import { StepTrace } from './step-trace.ts'

export type RunState =
  | 'idle'
  | 'connecting'
  | 'streaming'
  | 'reconnecting'
  | 'completed'
  | 'failed'
  | 'cancelled'
  | 'abandoned'
  | 'stopped'

export interface RunOptions {
  readonly inputs: Readonly<Record<string, unknown>>
  readonly format: 'ndjson' | 'sse' | 'lines' | 'text' | 'json'
  /** '': without one. */
  readonly token: string
  /** Bytes that are shown as they come, at most. */
  readonly rawMax?: number
}

const RAW_CHARACTERS_MAX = 400_000

/** One call of an endpoint, with all that the page shows of it. Tells its listener when something has changed, once a frame at most. */
export class RunModel {
  readonly endpoint: Endpoint
  readonly chunks = new ChunkStore()
  readonly trace = new StepTrace()
  state: RunState = 'idle'
  run: string | null = null
  error: { readonly code: string; readonly message: string } | null = null
  /** Milliseconds of `performance.now()`. */
  startedMs = 0
  endedMs: number | null = null
  /** Number of times that the connection was resumed. */
  resumed = 0
  raw = ''
  isRawCut = false
  readonly #changed: () => void
  #frame = 0
  #stream: RunStream | null = null
  #watched: ReturnType<typeof watchedFetch> | null = null
  #traceAbort: AbortController | null = null

  constructor(endpoint: Endpoint, changed: () => void) {
    this.endpoint = endpoint
    this.#changed = changed
  }

  get isOpen(): boolean {
    return this.state === 'connecting' || this.state === 'streaming' || this.state === 'reconnecting'
  }

  get elapsedMs(): number {
    if (this.startedMs === 0) return 0
    return (this.endedMs ?? performance.now()) - this.startedMs
  }

  start({ inputs, format, token }: RunOptions): void {
    this.state = 'connecting'
    this.startedMs = performance.now()
    this.#watched = watchedFetch((text) => this.#takeRaw(text))
    const client = clientOf(token, this.#watched)
    const { method, path } = this.endpoint
    const stream = client.call(`${method} ${path}`, inputs, {
      format,
      kinds: 'all',
      headers: { 'Stream-Trace': 'true' },
    })
    this.#stream = stream
    stream.on('status', ({ status }) => {
      if (stream.run !== null && this.run === null) {
        this.run = stream.run
        this.#readTrace(stream.run, token)
      }
      if (status === 'reconnecting') this.state = 'reconnecting'
      else if (status === 'open') {
        if (this.state === 'reconnecting') this.resumed++
        this.state = 'streaming'
      }
      this.#soon()
    })
    stream.on('chunk', (chunk) => {
      this.chunks.add(chunk, performance.now() - this.startedMs)
      this.#soon()
    })
    stream.on('end', ({ outcome, error }) => {
      this.endedMs = performance.now()
      this.run ??= stream.run
      this.state = outcome ?? (error?.code === 'left' || error?.code === 'aborted' ? 'stopped' : 'failed')
      if (error instanceof StreamError && this.state !== 'stopped')
        this.error = { code: error.code, message: error.message }
      this.trace.end()
      this.#soon()
    })
    this.#soon()
  }

  /** Ends the run; what was sent is kept. */
  stop(): void {
    void this.#stream?.cancel()
  }

  /** Breaks the connection; the client resumes after the last chunk. */
  drop(): void {
    this.#watched?.drop()
  }

  /** The page turns to something else. */
  leave(): void {
    if (this.isOpen) this.stop()
    this.#traceAbort?.abort()
    cancelAnimationFrame(this.#frame)
  }

  #readTrace(run: string, token: string): void {
    this.#traceAbort = new AbortController()
    const reading = clientOf(token).read(`/v1/stream/runs/${run}/trace`, { signal: this.#traceAbort.signal })
    reading.on('chunk', ({ content }) => {
      this.trace.take(content)
      this.#soon()
    })
  }

  #takeRaw(text: string): void {
    const room = RAW_CHARACTERS_MAX - this.raw.length
    if (room <= 0) this.isRawCut = true
    else this.raw += text.slice(0, room)
  }

  #soon(): void {
    if (this.#frame !== 0) return
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0
      this.#changed()
    })
  }
}
