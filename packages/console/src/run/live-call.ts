import { type RunStream, StreamError } from '@streamstack/client'
import { clientOf, watchedFetch } from '../api.ts'
import type { RunModel } from './run-model.ts'

export interface CallOptions {
  readonly inputs: Readonly<Record<string, unknown>>
  readonly format: 'ndjson' | 'sse' | 'lines' | 'text' | 'json'
  /** '': without one. */
  readonly token: string
  /** Whether the trace tells the variables at each step. */
  readonly recordsVariables: boolean
}

/** A call of an endpoint, whose stream and trace go into a model. */
export class LiveCall {
  readonly #model: RunModel
  readonly #stream: RunStream
  readonly #watched: ReturnType<typeof watchedFetch>
  readonly #trace = new AbortController()

  constructor(model: RunModel, { inputs, format, token, recordsVariables }: CallOptions) {
    this.#model = model
    const startedMs = performance.now()
    const elapsed = (): number => performance.now() - startedMs
    model.begin('connecting', elapsed)
    this.#watched = watchedFetch((text) => model.takeRaw(text))
    const { method, path } = model.endpoint
    const stream = clientOf(token, this.#watched).call(`${method} ${path}`, inputs, {
      format,
      kinds: 'all',
      headers: { 'Stream-Trace': recordsVariables ? 'variables' : 'true' },
    })
    this.#stream = stream
    stream.on('status', ({ status }) => {
      if (stream.run !== null && model.run === null) {
        model.run = stream.run
        this.#readTrace(stream.run, token)
      }
      if (status === 'reconnecting') model.state = 'reconnecting'
      else if (status === 'open') {
        if (model.state === 'reconnecting') model.resumed++
        model.state = 'streaming'
      }
      model.soon()
    })
    stream.on('chunk', (chunk) => model.add(chunk, elapsed()))
    stream.on('end', ({ outcome, error }) => {
      model.run ??= stream.run
      const isLeft = error?.code === 'left' || error?.code === 'aborted'
      const state = outcome ?? (isLeft ? 'stopped' : 'failed')
      const fault = error instanceof StreamError && state !== 'stopped' ? error : null
      model.end(state, fault === null ? null : { code: fault.code, message: fault.message }, elapsed())
    })
  }

  /** Ends the run; what was sent is kept. */
  stop(): void {
    void this.#stream.cancel()
  }

  /** Breaks the connection; the client resumes after the last chunk. */
  drop(): void {
    this.#watched.drop()
  }

  /** The page turns to something else. */
  leave(): void {
    if (this.#model.isOpen) this.stop()
    this.#trace.abort()
    this.#model.close()
  }

  #readTrace(run: string, token: string, after: 'now' | null = null): void {
    const model = this.#model
    const reading = clientOf(token).read(`/v1/stream/runs/${run}/trace`, { signal: this.#trace.signal, after })
    reading.on('chunk', ({ content }) => model.takeTrace(content))
    reading.on('end', ({ error }) => {
      // The page was slower than the steps, and the server has dropped what it did not read in time.
      if (error?.code !== 'offset_expired' && error?.code !== 'reader_too_slow') return
      model.trace.isPartial = true
      if (model.isOpen) this.#readTrace(run, token, 'now')
    })
  }
}
