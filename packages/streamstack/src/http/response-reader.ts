import type { ServerResponse } from 'node:http'
import { type Encoder, StreamstackError, publicError } from '@streamstack/protocol'
import { encodeBatch, encodeSelected } from '../format/index.ts'
import type { ReaderRecord } from '../observe/index.ts'
import type { Batch, StreamReader, StreamSource } from '../stream/index.ts'
import { withStepHeaders } from './answer-headers.ts'
import { onAnswerOver } from './answer-over.ts'
import { answerProblem } from './answer-problem.ts'
import { breakConnection } from './break-connection.ts'
import type { Heartbeat } from './heartbeat.ts'
import { sseGoodbye } from './sse-goodbye.ts'

/** Batches are joined until a write is about so large: small writes cost a system call each. */
const WRITE_BYTES = 16_384

/** Batches that a reader with a selection looks through in one turn. */
const BATCHES_AT_ONCE = 32

/**
 * Writes a run's stream to one HTTP answer, in one format, from one position, as fast as the socket takes it. What the socket does not take
 * stays in the stream's log.
 */
export class ResponseReader implements StreamReader {
  /** Offset of the last chunk written. */
  position: number
  /** When something was last written, milliseconds on the monotonic clock. */
  lastWriteMs = performance.now()
  readonly #source: StreamSource
  readonly #response: ServerResponse
  readonly #encoder: Encoder
  readonly #headers: Readonly<Record<string, string>>
  readonly #heartbeat: Heartbeat
  readonly #record: ReaderRecord | null
  #isBlocked = false
  #isReading = false
  #isOver = false

  constructor(options: {
    source: StreamSource
    response: ServerResponse
    encoder: Encoder
    /** Offset after which to read. */
    position: number
    headers: Readonly<Record<string, string>>
    heartbeat: Heartbeat
    record: ReaderRecord | null
  }) {
    this.position = options.position
    this.#source = options.source
    this.#response = options.response
    this.#encoder = options.encoder
    this.#headers = options.headers
    this.#heartbeat = options.heartbeat
    this.#record = options.record
    this.#response.on('drain', () => {
      this.#isBlocked = false
      this.wake()
    })
    this.#source.attach(this)
    this.#record?.attached(this.#source.stream, this.position)
    this.#heartbeat.add(this)
    // At once, if it left while the call was being checked.
    onAnswerOver(this.#response, () => this.#leave())
  }

  wake(): void {
    this.#record?.woken(this.#source.stream)
    if (!this.#isBlocked && !this.#isReading && !this.#isOver) this.#pump()
  }

  /** Keeps an idle connection open. Before the first chunk it commits the answer to status 200, for the same reason. */
  beat(): void {
    if (this.#isOver || this.#isBlocked) return
    this.#writeHead()
    if (this.#encoder.heartbeat === '') this.#response.flushHeaders()
    else this.#write(this.#encoder.heartbeat)
    this.lastWriteMs = performance.now()
  }

  /** A run comes to its own end. Where there is none, the reader ends without one, which tells clients to come back with their offset. */
  goodbye(retryMs: number): void {
    if (this.#isOver || this.#source.run !== null) return
    this.#writeHead()
    this.#isOver = true
    if (this.#encoder.contentType.startsWith('text/event-stream')) this.#response.end(sseGoodbye(retryMs))
    else breakConnection(this.#response, '')
  }

  #pump(): void {
    const { stream, refusal = null } = this.#source
    if (refusal !== null) return this.#refused(refusal)
    let pending: string | Buffer = ''
    let batches = 0
    while (this.position < stream.lastOffset) {
      if (this.position < stream.log.droppedOffset) return this.#fellBehind(pending)
      let batch: Batch | null | Promise<Batch | null>
      let encoded: string | Buffer
      try {
        batch = stream.read(this.position)
        if (batch instanceof Promise) {
          if (pending.length > 0) this.#write(pending)
          return this.#readLate(batch)
        }
        if (batch === null) break
        encoded = this.#encode(batch)
      } catch (error) {
        return this.#fault(error, pending)
      }
      this.position = batch.offset + batch.to - batch.from - 1
      pending = pending.length === 0 ? encoded : joined(pending, encoded)
      if (pending.length >= WRITE_BYTES) {
        if (!this.#write(pending)) return
        pending = ''
      }
      // What is not selected fills no socket: nothing else would stop a reader that looks for its few among very many.
      if (++batches === BATCHES_AT_ONCE && this.#source.select !== null) return this.#goOnLater(pending)
    }
    if (stream.end !== null) this.#finish(pending)
    else if (pending.length > 0) this.#write(pending)
  }

  #encode(batch: Batch): string | Buffer {
    const { stream, select } = this.#source
    return select === null ? encodeBatch(stream, this.#encoder, batch) : encodeSelected(this.#encoder, batch, select)
  }

  #goOnLater(pending: string | Buffer): void {
    if (pending.length > 0) this.#write(pending)
    this.#isReading = true
    setImmediate(() => {
      this.#isReading = false
      this.wake()
    })
  }

  /** A log that reads from disk answers later. */
  #readLate(batch: Promise<Batch | null>): void {
    this.#isReading = true
    batch
      .then((late) => {
        this.#isReading = false
        if (this.#isOver) return
        if (late !== null) {
          const encoded = this.#encode(late)
          this.position = late.offset + late.to - late.from - 1
          if (encoded.length > 0 && !this.#write(encoded)) return
        }
        // What came while the log was being read woke nobody.
        this.#pump()
      })
      .catch((error: unknown) => {
        this.#isReading = false
        if (!this.#isOver) this.#fault(error, '')
      })
  }

  #write(data: string | Buffer): boolean {
    this.#writeHead()
    this.lastWriteMs = performance.now()
    this.#isBlocked = !this.#response.write(data)
    this.#record?.wrote(this.position, this.lastWriteMs)
    return !this.#isBlocked
  }

  #writeHead(): void {
    if (this.#response.headersSent) return
    const source = this.#source
    source.answerBegan()
    this.#response.writeHead(200, withStepHeaders(this.#headers, source.responseHeaders))
  }

  #finish(last: string | Buffer): void {
    const source = this.#source
    const { end } = source.stream
    if (end === null) return
    if (source.failure !== null && end.offset === 0 && !this.#response.headersSent) {
      this.#isOver = true
      answerProblem(this.#response, source.failure, withoutType(this.#headers), {
        run: source.run,
        outcome: end.outcome,
      })
      return
    }
    this.#writeHead()
    const words = joined(last, this.#encoder.end(end))
    this.#isOver = true
    if (end.outcome === 'completed' || this.#encoder.tellsOutcome) this.#response.end(words)
    else breakConnection(this.#response, words)
    this.#record?.wrote(this.position, performance.now())
  }

  /** The source has broken this reader off. */
  #refused(error: StreamstackError): void {
    if (this.#response.headersSent) return this.#fault(error, '')
    this.#isOver = true
    answerProblem(this.#response, error, withoutType(this.#headers))
  }

  #fellBehind(pending: string | Buffer): void {
    const error = new StreamstackError(
      'reader_too_slow',
      'This reader fell further behind than the stream keeps; the chunks in between are gone for it.',
    )
    this.#fault(error, pending)
  }

  /** An error of this reader alone: told in band where the format can, and never followed by an outcome. */
  #fault(error: unknown, pending: string | Buffer): void {
    this.#writeHead()
    this.#isOver = true
    breakConnection(this.#response, joined(pending, this.#encoder.fault(publicError(error))))
    this.#record?.wrote(this.position, performance.now())
  }

  #leave(): void {
    this.#isOver = true
    this.#heartbeat.remove(this)
    this.#source.detach(this)
    this.#record?.detached()
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
