import type { ServerResponse } from 'node:http'
import {
  type Encoder,
  type PublicError,
  type StreamEnd,
  type StreamstackError,
  publicError,
} from '@streamstack/protocol'
import { encode } from '../../format/index.ts'
import { inTurn } from '../../run/index.ts'
import { type Batch, Holding, type StreamSource, activeMemory } from '../../stream/index.ts'
import { Pump, type ReadingRecord, type Select, type Sink } from '../../stream/reading.ts'
import { withStepHeaders } from '../answer/answer-headers.ts'
import { onAnswerOver } from '../answer/answer-over.ts'
import { answerProblem } from '../answer/answer-problem.ts'
import { breakConnection } from '../answer/break-connection.ts'
import type { Beating, Heartbeat } from './heartbeat.ts'
import { noteReader } from './stalled-answers.ts'
import { type ErrorTeller, toldError } from '../told-error.ts'

/** Batches are joined until a write is about so large: small writes cost a system call each. */
const WRITE_BYTES = 16_384

export interface ResponseReaderOptions {
  engine: ErrorTeller
  source: StreamSource
  response: ServerResponse
  encoder: Encoder
  /** Offset after which to read. */
  position: number
  headers: Readonly<Record<string, string>>
  heartbeat: Heartbeat
  record: ReadingRecord | null
}

/** Writes a stream to one HTTP answer, in one format, from one position, as fast as the socket takes it. */
export class ResponseReader implements Sink, Beating {
  /** When something was last written, milliseconds on the monotonic clock. */
  lastWriteMs = performance.now()
  readonly #engine: ErrorTeller
  readonly #source: StreamSource
  readonly #response: ServerResponse
  readonly #encoder: Encoder
  readonly #headers: Readonly<Record<string, string>>
  readonly #pump: Pump
  /** Encoded, and not yet large enough to be written. */
  #pending: string | Buffer = ''
  #isBlocked = false
  /** Bytes that wait in the socket; made when it first takes no more. */
  #waiting: Holding | null = null

  constructor({ engine, source, response, encoder, position, headers, heartbeat, record }: ResponseReaderOptions) {
    this.#engine = engine
    this.#source = source
    this.#response = response
    this.#encoder = encoder
    this.#headers = headers
    this.#pump = new Pump({ source, position, sink: this, record })
    response.on('drain', () => {
      this.#isBlocked = false
      this.#waiting?.set(0)
      inTurn(this.#resume)
    })
    this.#pump.attach()
    noteReader(response, this)
    const beating = heartbeat.add(this)
    // At once, if it left while the call was being checked.
    onAnswerOver(response, () => {
      beating.remove()
      this.#waiting?.set(0)
      this.#pump.stop()
    })
  }

  /** Begins to write. */
  begin(): void {
    this.#pump.wake()
  }

  write(batch: Batch, select: Select | null): boolean {
    const encoded = encode(this.#source.stream, this.#encoder, batch, select)
    this.#pending = joined(this.#pending, encoded)
    return this.#pending.length < WRITE_BYTES || this.#sendPending()
  }

  flush(): boolean {
    return this.#pending.length === 0 || this.#sendPending()
  }

  end(end: StreamEnd): void {
    const { failure, run } = this.#source
    if (failure !== null && end.offset === 0 && !this.#response.headersSent) {
      answerProblem(this.#response, failure, withoutType(this.#headers), {
        run,
        outcome: end.outcome,
        ...this.#encoder.problemMembers?.(failure),
      })
      return
    }
    this.#writeHead()
    const last = joined(this.#pending, this.#lastWords(end))
    if (end.outcome === 'completed' || this.#encoder.tellsOutcome) this.#response.end(last)
    else breakConnection(this.#response, last)
    this.#pump.wrote(performance.now())
  }

  /** What failed before its first chunk has no error in the stream, and some formats no outcome. */
  #lastWords(end: StreamEnd): string {
    const isUntold = !this.#encoder.tellsOutcome && end.offset === 0 && end.error !== null
    return isUntold ? this.#encoder.fault(end.error as PublicError) : this.#encoder.end(end)
  }

  /** An error of this reader alone: told in band where the format can, and never followed by an outcome. */
  fault(error: unknown): void {
    if (error === this.#source.refusal && !this.#response.headersSent) {
      answerProblem(this.#response, error as StreamstackError, withoutType(this.#headers))
      return
    }
    this.#writeHead()
    const told = publicError(toldError(this.#engine, error, this.#source.url))
    breakConnection(this.#response, joined(this.#pending, this.#encoder.fault(told)))
    this.#pump.wrote(performance.now())
  }

  /** Keeps an idle connection open. Before the first chunk it commits the answer to status 200, for the same reason. */
  beat(): void {
    if (this.#pump.isOver || this.#isBlocked) return
    this.#writeHead()
    if (this.#encoder.heartbeat === '') this.#response.flushHeaders()
    else this.#send(this.#encoder.heartbeat)
    this.lastWriteMs = performance.now()
  }

  /** While a run goes on and its log holds what comes next, a client may rest. Else nothing would ever end a connection that takes nothing. */
  get mayNotRest(): boolean {
    const { run, stream } = this.#source
    const isWaitedFor = run !== null && stream.end === null && stream.holdsAfter(this.#pump.position)
    return this.#isBlocked && !isWaitedFor
  }

  /** Whether the client has stopped reading a run that the server has ended for that reason. */
  get isGivenUp(): boolean {
    return this.#isBlocked && this.#source.stream.isGivenUp
  }

  /** A run comes to its own end. Where there is none, the reader ends without one, which tells clients to come back with their offset. */
  goodbye(retryMs: number): void {
    if (this.#pump.isOver || this.#source.run !== null) return
    this.#pump.stop()
    this.#writeHead()
    const words = this.#encoder.goodbye(retryMs)
    if (words === '') breakConnection(this.#response, '')
    else this.#response.end(words)
  }

  readonly #resume = (): void => {
    if (!this.#isBlocked) this.#pump.resume()
  }

  #sendPending(): boolean {
    const data = this.#pending
    this.#pending = ''
    const isTaken = this.#send(data)
    this.#pump.wrote(this.lastWriteMs)
    return isTaken
  }

  #send(data: string | Buffer): boolean {
    this.#writeHead()
    this.lastWriteMs = performance.now()
    this.#isBlocked = !this.#response.write(data)
    if (this.#isBlocked)
      (this.#waiting ??= new Holding(this.#source.stream.budget ?? activeMemory)).set(this.#response.writableLength)
    return !this.#isBlocked
  }

  #writeHead(): void {
    if (this.#response.headersSent) return
    const source = this.#source
    source.answerBegan()
    this.#response.writeHead(200, withStepHeaders(this.#headers, source.responseHeaders))
    const begin = this.#encoder.begin(null)
    if (begin !== '') this.#response.write(begin)
  }
}

function joined(first: string | Buffer, second: string | Buffer): string | Buffer {
  if (first.length === 0) return second
  if (second.length === 0) return first
  if (typeof first === 'string' && typeof second === 'string') return first + second
  return Buffer.concat([Buffer.from(first), Buffer.from(second)])
}

/** What belongs to a stream only. */
function withoutType(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'content-type'))
}
