import type { ServerResponse } from 'node:http'
import { type Chunk, StreamstackError, isTextKind } from '@streamstack/protocol'
import { withCharset } from '../../format/index.ts'
import type { PlainAnswer, StreamSource } from '../../stream/index.ts'
import { type Collection, type ReadingRecord, collect } from '../../stream/reading.ts'
import { withStepHeaders } from '../answer/answer-headers.ts'
import { onAnswerOver } from '../answer/answer-over.ts'
import { answerProblem } from '../answer/answer-problem.ts'
import { HeldResult } from './held-result.ts'
import { type ErrorTeller, toldError } from '../told-error.ts'

/** The largest plain answer. */
const ANSWER_CHARACTERS_MAX = 16 * 1024 * 1024

/** Statuses without a body (RFC 9110 §15.3.5, §15.3.6, §15.4.5). */
const BODYLESS: ReadonlySet<number> = new Set([204, 205, 304])

export interface PlainReaderOptions {
  readonly engine: ErrorTeller
  readonly source: StreamSource
  readonly response: ServerResponse
  readonly headers: Readonly<Record<string, string>>
  /** The Content-Type that the endpoint declares. */
  readonly declaredType: string | undefined
  readonly record: ReadingRecord | null
}

/** A chunk that can be part of the answer. */
interface Part {
  readonly offset: number
  readonly chunk: Chunk
}

/**
 * Answers once, when the run has ended, with the value of its Response step. Without one the answer is what the run sent: texts joined, one other value as
 * it is, several values as a list, nothing as 204. A run that failed is answered with its problem document.
 */
export class PlainReader {
  readonly #options: PlainReaderOptions
  readonly #held: HeldResult
  readonly #collection: Collection
  readonly #parts: Part[] = []
  #characters = 0

  constructor(options: PlainReaderOptions) {
    this.#options = options
    const { source, response, record } = options
    this.#held = new HeldResult(response)
    this.#collection = collect({
      source,
      position: 0,
      until: 'end',
      record,
      take: ({ chunks, from, to, offset }, select) => {
        for (let at = from; at < to; at++) {
          const chunk = chunks[at] as Chunk
          if (chunk.kind !== 'text' && chunk.kind !== 'json') continue
          if (select === null || select(chunk)) this.#add({ chunk, offset: offset + at - from })
        }
      },
    })
    this.#collection.done.then(
      () => this.#answer(),
      (error: unknown) => this.#refuse(error),
    )
    onAnswerOver(response, () => this.#collection.stop())
  }

  begin(): void {
    this.#collection.begin()
  }

  #add(part: Part): void {
    this.#characters += part.chunk.data.length
    if (this.#characters > ANSWER_CHARACTERS_MAX) {
      throw new StreamstackError(
        'result_too_large',
        `The answer is larger than ${ANSWER_CHARACTERS_MAX} characters. Ask for a streaming format: ?format=ndjson or ?format=sse.`,
      )
    }
    // A character takes up to two bytes.
    this.#held.growTo(this.#characters * 2)
    this.#parts.push(part)
  }

  #answer(): void {
    const { source, response, headers, declaredType } = this.#options
    if (source.failure !== null) {
      answerProblem(response, source.failure, headers, { run: source.run })
      return
    }
    const { status, contentType, body } = answerOf(source.plainAnswer ?? null, this.#parts)
    const all = withStepHeaders(headers, source.responseHeaders)
    if (BODYLESS.has(status)) {
      const { 'Content-Type': _, ...rest } = all
      response.writeHead(status, rest)
      response.end()
      return
    }
    response.writeHead(status, {
      ...all,
      'Content-Type': withCharset(source.plainAnswer?.contentType ?? declaredType ?? contentType),
      'Content-Length': Buffer.byteLength(body),
    })
    response.end(body)
  }

  #refuse(thrown: unknown): void {
    const { engine, source, response, headers } = this.#options
    const error =
      thrown instanceof StreamstackError
        ? thrown
        : new StreamstackError('internal', 'The answer could not be read.', { cause: thrown })
    answerProblem(response, toldError(engine, error, source.url), headers)
  }
}

interface Answer {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

const TEXT_TYPE = 'text/plain; charset=utf-8'
const JSON_TYPE = 'application/json; charset=utf-8'

function answerOf(given: PlainAnswer | null, parts: readonly Part[]): Answer {
  if (given === null) return parts.length === 0 ? { status: 204, contentType: TEXT_TYPE, body: '' } : sent(200, parts)
  const { status, after, through, content } = given
  if (content === null) return { status, contentType: TEXT_TYPE, body: '' }
  const own = parts.filter(({ offset }) => offset > after && (through === null || offset <= through))
  // Filters release the text that they held back before the value of the step.
  return sent(status, content === 'json' ? own.filter(({ chunk }) => chunk.kind === 'json').slice(0, 1) : own)
}

function sent(status: number, parts: readonly Part[]): Answer {
  if (parts.every(({ chunk }) => isTextKind(chunk.kind))) {
    return { status, contentType: TEXT_TYPE, body: parts.map(({ chunk }) => chunk.data).join('') }
  }
  const values = parts.map(({ chunk: { kind, data } }) => (isTextKind(kind) ? JSON.stringify(data) : data))
  return { status, contentType: JSON_TYPE, body: values.length === 1 ? (values[0] as string) : `[${values.join(',')}]` }
}
