import type { StreamWatcher, Watch } from '../../stream-store/index.ts'
import { after } from '../../storage/index.ts'
import { formatOffset } from '../../stream-store/index.ts'
import type { OpenEntry } from '../../stream/index.ts'
import type { Beating } from '../reader/heartbeat.ts'
import { onAnswerOver } from '../answer/answer-over.ts'
import { breakConnection } from '../answer/break-connection.ts'
import { noteReader } from '../reader/stalled-answers.ts'
import { sseGoodbye } from '@streamstack/protocol'
import { currentCursor, nextCursor } from './cursor.ts'
import { type SharedBytes, SharedWriter, shareBytes } from './shared-writer.ts'
import { type SseEncoding, sseControl, sseData, sseEncoding } from './sse-events.ts'
import type { Readable } from './readable.ts'
import { type Headers, type ReadCall, writeHead } from './stream-call.ts'

/** How much one data event brings, about. */
const EVENT_BYTES_MAX = 64 * 1024

/**
 * A connection ends after about a minute and the client comes back with its offset (Durable Streams, "Connection Lifecycle"): so caches in
 * between can join readers. Not all at once.
 */
const CONNECTION_MS = 55_000
const CONNECTION_JITTER_MS = 10_000

const HEARTBEAT = shareBytes(Buffer.from(': keep-alive\n\n'))

/** Events of one stretch of a stream, written once for all readers that are at the same place. */
interface SharedEvents {
  readonly after: number
  readonly last: number
  readonly tail: number
  readonly isClosed: boolean
  readonly nextOffset: string
  readonly data: Buffer
  /** With the cursor that most readers get; null until one of them came. */
  common: { readonly cursor: string; readonly events: SharedBytes } | null
}

/** Answers with events. What is no longer kept is refused with a status, not in the middle of a stream. */
export function readEvents(
  call: ReadCall,
  stream: Readable,
  position: number,
  cursor: string | null,
): void | Promise<void> {
  const first = position < stream.visibleTail ? stream.read(position, 1) : null
  return after(first, () => new SseReader(call, stream, position, cursor).wake())
}

/**
 * A reader that gets events: first what there is, then what comes. Its place is all that it has: while its connection is full nothing is kept
 * for it, and it goes on from the log.
 */
class SseReader implements StreamWatcher {
  lastWriteMs = performance.now()
  readonly #call: ReadCall
  readonly #stream: Readable
  readonly #encoding: SseEncoding
  readonly #sentCursor: string | null
  readonly #untilMs = performance.now() + CONNECTION_MS + Math.random() * CONNECTION_JITTER_MS
  readonly #writer: SharedWriter
  #position: number
  /** A control event was sent for this place: nothing is to be told until something changes. */
  #isTold = false
  #isBlocked = false
  /** It waits for the log. */
  #isReading = false
  #isOver = false
  readonly #beating: OpenEntry<Beating>
  readonly #watch: Watch

  constructor(call: ReadCall, stream: Readable, position: number, cursor: string | null) {
    this.#call = call
    this.#stream = stream
    this.#position = position
    this.#writer = new SharedWriter(call.response, () => {
      this.#isBlocked = false
      this.wake()
    })
    this.#sentCursor = cursor
    this.#encoding = sseEncoding(stream.record.contentType)
    const headers: Headers = {
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-cache, no-transform',
      'X-Accel-Buffering': 'no',
    }
    if (this.#encoding === 'base64') headers['Stream-SSE-Data-Encoding'] = 'base64'
    writeHead(call, 200, headers)
    this.#watch = stream.watch(this)
    this.#beating = call.service.heartbeat.add(this)
    noteReader(call.response, this)
    onAnswerOver(call.response, () => this.#leave())
  }

  wake(): void {
    if (this.#isOver || this.#isBlocked || this.#isReading) return
    try {
      this.#pump()
    } catch (error) {
      this.#fail(error)
    }
  }

  beat(): void {
    if (this.#isOver || this.#isBlocked) return
    this.#stream.touch()
    if (performance.now() > this.#untilMs) this.#end()
    else this.#write(HEARTBEAT)
  }

  /** Its place in the log waits for the client, but the connection does not. */
  get mayNotRest(): boolean {
    return this.#isBlocked
  }

  goodbye(retryMs: number): void {
    if (this.#isOver) return
    this.#write(shareBytes(Buffer.from(sseGoodbye(retryMs))))
    this.#end()
  }

  #pump(): void {
    const stream = this.#stream
    while (!this.#isBlocked && !this.#isOver) {
      if (stream.isGone) {
        this.#end()
        return
      }
      const isAtEnd = this.#position === stream.visibleTail
      if (isAtEnd && this.#isTold && !stream.isVisiblyClosed) return
      const next = this.#next()
      if (next instanceof Promise) {
        void this.#wait(next)
        return
      }
      this.#send(next)
    }
  }

  async #wait(read: Promise<SharedEvents>): Promise<void> {
    this.#isReading = true
    try {
      const next = await read
      this.#isReading = false
      if (this.#isOver) return
      this.#send(next)
      this.wake()
    } catch (error) {
      this.#fail(error)
    }
  }

  #send(next: SharedEvents): void {
    const stream = this.#stream
    const { last } = next
    this.#position = last
    const isOver = stream.isVisiblyClosed && last === stream.visibleTail
    this.#isTold = last === stream.visibleTail
    this.#write(this.#withControl(next))
    stream.wrote?.(last)
    if (isOver || (this.#isTold && this.lastWriteMs > this.#untilMs)) this.#end()
  }

  /** The reader fell behind what is kept, or the log cannot be read: it must not take this for the end. */
  #fail(error: unknown): void {
    if (this.#isOver) return
    this.#call.service.onError(error)
    this.#leave()
    breakConnection(this.#call.response, '')
  }

  #next(): SharedEvents | Promise<SharedEvents> {
    const stream = this.#stream
    const position = this.#position
    const tail = stream.visibleTail
    const isClosed = stream.isVisiblyClosed
    const shared = stream.shared as SharedEvents | null
    if (shared !== null && shared.after === position && shared.tail === tail && shared.isClosed === isClosed)
      return shared
    return after(stream.read(position, EVENT_BYTES_MAX), (page) => {
      const nextOffset = formatOffset(page.last, stream.record.family)
      const data = sseData(page, this.#encoding, nextOffset)
      const next: SharedEvents = { after: position, last: page.last, tail, isClosed, nextOffset, data, common: null }
      stream.shared = next
      return next
    })
  }

  #withControl(next: SharedEvents): SharedBytes {
    const { last, tail, isClosed, nextOffset, data, common } = next
    const isEnd = last === tail && isClosed
    const cursor = nextCursor(this.#sentCursor)
    if (common !== null && common.cursor === cursor) return common.events
    const control = sseControl({
      streamNextOffset: nextOffset,
      ...(isEnd ? {} : { streamCursor: cursor }),
      ...(last === tail ? { upToDate: true } : {}),
      ...(isEnd ? { streamClosed: true } : {}),
    })
    const events = shareBytes(Buffer.concat([data, control]))
    // A reader's own cursor is not shared, and must not replace the common one.
    if (cursor === currentCursor()) next.common = { cursor, events }
    return events
  }

  #write(events: SharedBytes): void {
    this.lastWriteMs = performance.now()
    this.#isBlocked = !this.#writer.write(events)
  }

  #end(): void {
    this.#leave()
    this.#call.response.end()
  }

  #leave(): void {
    this.#isOver = true
    this.#writer.release()
    this.#watch.remove()
    this.#beating.remove()
  }
}
