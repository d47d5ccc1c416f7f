import type { ServerResponse } from 'node:http'
import { type ChunkKinds, StreamstackError } from '@streamstack/protocol'
import { JsonResult } from '../format/index.ts'
import type { ReaderRecord } from '../observe/index.ts'
import type { StreamReader, StreamSource } from '../stream/index.ts'
import { withStepHeaders } from './answer-headers.ts'
import { onAnswerOver } from './answer-over.ts'
import { answerProblem } from './answer-problem.ts'
import { HeldResult } from './held-result.ts'

/** The largest whole result: beyond it a client has to take a stream. */
const RESULT_BYTES_MAX = 16 * 1024 * 1024

/** Collects a run's stream and answers once, when it has ended: the `json` format. */
export class JsonReader implements StreamReader {
  position: number
  readonly #source: StreamSource
  readonly #response: ServerResponse
  readonly #headers: Readonly<Record<string, string>>
  readonly #record: ReaderRecord | null
  readonly #result: JsonResult
  readonly #held: HeldResult
  #isReading = false
  #wasWoken = false
  #isOver = false

  constructor(options: {
    source: StreamSource
    response: ServerResponse
    kinds: ChunkKinds | undefined
    position: number
    headers: Readonly<Record<string, string>>
    record: ReaderRecord | null
  }) {
    this.position = options.position
    this.#source = options.source
    this.#response = options.response
    this.#result = new JsonResult(RESULT_BYTES_MAX, options.kinds)
    this.#held = new HeldResult(options.response)
    this.#headers = options.headers
    this.#record = options.record
    const leave = (): void => {
      this.#isOver = true
      this.#source.detach(this)
      this.#record?.detached()
    }
    this.#source.attach(this)
    this.#record?.attached(this.#source.stream, this.position)
    // At once, if it left while the call was being checked.
    onAnswerOver(this.#response, leave)
  }

  wake(): void {
    if (this.#isOver) return
    this.#wasWoken = true
    if (this.#isReading) return
    this.#isReading = true
    this.#wasWoken = false
    this.#collect().then(
      () => {
        this.#isReading = false
        // What came between the last look and this turn would else wait for a wake that never comes.
        if (this.#wasWoken) this.wake()
      },
      (error: unknown) => this.#fail(error),
    )
  }

  async #collect(): Promise<void> {
    const { stream } = this.#source
    for (;;) {
      const { refusal = null, select } = this.#source
      if (refusal !== null) throw refusal
      if (this.position < stream.log.droppedOffset) {
        throw new StreamstackError(
          'reader_too_slow',
          'The result is larger than the stream keeps. Ask for a streaming format.',
        )
      }
      const read = stream.read(this.position)
      const batch = read instanceof Promise ? await read : read
      if (batch === null) break
      this.#result.add(batch, select)
      this.#held.growTo(this.#result.bytes)
      this.position = batch.offset + batch.to - batch.from - 1
    }
    if (stream.end !== null && !this.#isOver) this.#answer()
  }

  #answer(): void {
    const source = this.#source
    const { end } = source.stream
    if (end === null) return
    this.#isOver = true
    this.#record?.wrote(this.position, performance.now())
    if (source.failure !== null) {
      answerProblem(this.#response, source.failure, this.#headers, {
        run: source.run,
        outcome: end.outcome,
        chunks: JSON.parse(this.#result.chunksJson()) as unknown,
      })
      return
    }
    const body = this.#result.json(source.run, end)
    this.#response.writeHead(200, {
      ...withStepHeaders(this.#headers, source.responseHeaders),
      'Content-Type': 'application/json; charset=utf-8',
      'Content-Length': Buffer.byteLength(body),
    })
    this.#response.end(body)
  }

  #fail(error: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    // The run goes on for its other readers, and for this caller to come back with a format that streams; without any, `on_disconnect` decides.
    answerProblem(
      this.#response,
      error instanceof StreamstackError
        ? error
        : new StreamstackError('internal', 'The result could not be read.', { cause: error }),
      this.#headers,
    )
  }
}
