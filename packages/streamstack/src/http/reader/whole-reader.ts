import type { ServerResponse } from 'node:http'
import { type AnswerEnd, type Encoder, StreamstackError, type StreamEnd } from '@streamstack/protocol'
import { WholeResult } from '../../format/index.ts'
import type { StreamSource } from '../../stream/index.ts'
import { type Collection, type ReadingRecord, collect } from '../../stream/reading.ts'
import { withStepHeaders } from '../answer/answer-headers.ts'
import { onAnswerOver } from '../answer/answer-over.ts'
import { answerProblem } from '../answer/answer-problem.ts'
import { HeldResult } from './held-result.ts'
import { type ErrorTeller, toldError } from '../told-error.ts'

/** The largest whole result: beyond it a client has to take a stream. */
const RESULT_BYTES_MAX = 16 * 1024 * 1024

export interface WholeReaderOptions {
  engine: ErrorTeller
  source: StreamSource
  response: ServerResponse
  /** One that waits. */
  encoder: Encoder
  position: number
  headers: Readonly<Record<string, string>>
  record: ReadingRecord | null
}

/** Answers once: when the stream has ended or, where it never does, with what it holds now. */
export class WholeReader {
  readonly #options: WholeReaderOptions
  readonly #result: WholeResult
  readonly #held: HeldResult
  readonly #collection: Collection

  constructor(options: WholeReaderOptions) {
    this.#options = options
    this.#result = new WholeResult(options.encoder, RESULT_BYTES_MAX)
    this.#held = new HeldResult(options.response)
    const { source, position, record, response } = options
    this.#collection = collect({
      source,
      position,
      // Only runs end.
      until: source.run === null ? 'now' : 'end',
      record,
      take: (batch, select) => {
        this.#result.add(source.stream, batch, select)
        this.#held.growTo(this.#result.bytes)
      },
    })
    this.#collection.done.then(
      ({ offset, end }) => this.#answer(offset, end),
      (error: unknown) => this.#refuse(error),
    )
    // At once, if it left while the call was being checked.
    onAnswerOver(response, () => this.#collection.stop())
  }

  /** Begins to read. */
  begin(): void {
    this.#collection.begin()
  }

  #answer(offset: number, end: StreamEnd | null): void {
    const { source, response, encoder, headers } = this.#options
    if (end !== null && source.failure !== null) {
      answerProblem(response, source.failure, headers, {
        ...encoder.problemMembers?.(source.failure),
        run: source.run,
        outcome: end.outcome,
        chunks: this.#result.values(),
      })
      return
    }
    const ending: AnswerEnd = end ?? { outcome: null, offset, error: null }
    const parts = this.#result.document(ending)
    response.writeHead(200, {
      ...withStepHeaders(headers, source.responseHeaders),
      // What a stream holds now is another answer in a moment.
      ...(end === null ? { 'Cache-Control': 'no-store' } : {}),
      'Content-Type': encoder.contentType,
      'Content-Length': parts.reduce((sum, part) => sum + part.length, 0),
    })
    for (const part of parts) response.write(part)
    response.end()
  }

  /**
   * The run continues for its other readers, and this caller can request it in a streaming format.
   * Without readers, `on_disconnect` decides.
   */
  #refuse(thrown: unknown): void {
    const { engine, source, response, headers } = this.#options
    answerProblem(response, toldError(engine, withCure(thrown), source.url), headers)
  }
}

function withCure(thrown: unknown): StreamstackError {
  if (!(thrown instanceof StreamstackError)) {
    return new StreamstackError('internal', 'The result could not be read.', { cause: thrown })
  }
  if (thrown.code !== 'reader_too_slow') return thrown
  return new StreamstackError(
    'reader_too_slow',
    'The result is larger than the stream keeps. Ask for a streaming format.',
  )
}
