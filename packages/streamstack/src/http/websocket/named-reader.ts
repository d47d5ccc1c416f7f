import { type NamedStreamMessage, type ServerMessage, StreamstackError, publicError } from '@streamstack/protocol'
import type { Caller } from '../../access/index.ts'
import type { LiveStream, StreamWatcher, Watch } from '../../stream-store/index.ts'
import { after } from '../../storage/index.ts'
import {
  type ContentEncoding,
  type NamedReading,
  contentEncoding,
  pageContent,
  restAt,
} from '../durable-streams/index.ts'
import { messagePrefix } from './batch-frames.ts'
import { type Outbox, OutboxTurns } from './outbox.ts'
import { socketError } from './socket-error.ts'
import { frameAfter } from './text-frame.ts'

/** How much one message brings, about: an append that is larger comes whole. */
const PAGE_BYTES_MAX = 32_768

export interface NamedReaderOptions {
  id: string
  /** The path of its own URL. */
  url: string
  source: NamedReading
  /** Position after which to read, and of text the bytes before it whose character ends behind it. */
  start: NamedStart
  outbox: Outbox
  /** Its last word is out, and the id is free. */
  onOver: () => void
  /** Gives an error in the form that the client receives. */
  tell: (thrown: unknown) => StreamstackError
}

export interface NamedStart {
  readonly position: number
  readonly rest: Buffer
}

/** Where a reader of a stream by name begins. Throws, or rejects with, what `positionAfter` does. */
export function startOf(source: NamedReading, sent: number | string | undefined): NamedStart | Promise<NamedStart> {
  const isText = contentEncoding(source.record.contentType) === 'text'
  return after(source.positionAfter(sent), (position) => {
    if (!isText) return { position, rest: NOTHING }
    const rest = restAt(position, (end) => source.appendBefore(end))
    return after(rest, (bytes) => ({ position, rest: bytes }))
  })
}

/** The next page of a stream as a message without what differs between readers, which comes first: `{"id":"…",`. */
interface SharedTail {
  readonly after: number
  readonly tail: number
  readonly restBefore: Buffer
  readonly last: number
  /** Null: there is nothing to tell. */
  readonly message: Buffer | null
  readonly rest: Buffer
}

/** The newest page of each stream that several read. */
const newest = new WeakMap<LiveStream, SharedTail>()

const NOTHING = Buffer.alloc(0)

/**
 * Reads one stream by name for one connection. Storage hands out whole appends, one or more, without saying where
 * each ends; so a message brings what a page over HTTP would, with the one offset behind it. Its place is all that it keeps, and it goes on from the log when it is its turn.
 */
export class NamedReader implements StreamWatcher {
  readonly #id: string
  readonly #prefix: Buffer
  readonly #url: string
  readonly #source: NamedReading
  readonly #encoding: ContentEncoding
  readonly #outbox: Outbox
  readonly #turns: OutboxTurns
  readonly #onOver: () => void
  readonly #tell: (thrown: unknown) => StreamstackError
  #position: number
  /** Of text: bytes up to the position whose character ends behind it. */
  #rest: Buffer
  /** It waits for the log. */
  #isReading = false
  #isOver = false
  #watch: Watch | null = null

  constructor({ id, url, source, start, outbox, onOver, tell }: NamedReaderOptions) {
    this.#id = id
    this.#prefix = messagePrefix(id)
    this.#url = url
    this.#source = source
    this.#encoding = contentEncoding(source.record.contentType)
    this.#position = start.position
    this.#rest = start.rest
    this.#outbox = outbox
    this.#turns = new OutboxTurns(outbox)
    this.#onOver = onOver
    this.#tell = tell
  }

  /** Says what is open, and takes what there is and what comes. */
  begin(): void {
    const source = this.#source
    this.#say({
      type: 'open',
      id: this.#id,
      url: this.#url,
      run: null,
      after: source.offsetOf(this.#position),
      content_type: source.record.contentType,
      encoding: this.#encoding,
    })
    this.#watch = source.watch(this)
    this.wake()
  }

  wake(): void {
    if (!this.#isOver && !this.#isReading) this.#turns.ready(this)
  }

  /** One page, or the last word. */
  turn(): void {
    if (!this.#isOver && !this.#isReading) this.#try(() => this.#step())
  }

  /** Looks after what time changes: who reads keeps the stream from expiring, and other settings may not let it read. */
  tick(): void {
    this.#try(() => {
      this.#source.demandThere()
      this.#source.touch()
    })
  }

  /** Goes on with a fresh token, or is broken off. */
  renew(caller: Caller): void {
    this.#try(() => this.#source.renew(caller))
  }

  /** Stops reading, without a word. */
  leave(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#turns.leave()
    this.#watch?.remove()
    const { stream } = this.#source
    if (stream.watcherCount === 0) newest.delete(stream)
  }

  #step(): void {
    const source = this.#source
    source.demandThere()
    if (this.#position < source.visibleTail) {
      const next = this.#next()
      if (next instanceof Promise) return this.#wait(next)
      this.#send(next)
    }
    this.#goOn()
  }

  #send({ last, message, rest }: SharedTail): void {
    this.#position = last
    this.#rest = rest
    if (message !== null) this.#outbox.write(frameAfter(this.#prefix, message))
  }

  #goOn(): void {
    const source = this.#source
    if (this.#position < source.visibleTail) return this.#turns.ready(this)
    if (!source.isVisiblyClosed) return
    const offset = source.offsetOf(this.#position)
    this.#finish({ type: 'end', id: this.#id, outcome: 'completed', offset, error: null })
  }

  #wait(read: Promise<SharedTail>): void {
    this.#isReading = true
    const settled = (act: () => void): void => {
      this.#isReading = false
      if (!this.#isOver) this.#try(act)
    }
    void this.#outbox.whenRead(
      read,
      (next) =>
        settled(() => {
          this.#source.demandThere()
          this.#send(next)
          this.#goOn()
        }),
      (error) =>
        settled(() => {
          throw error
        }),
    )
  }

  #next(): SharedTail | Promise<SharedTail> {
    const { stream } = this.#source
    const known = newest.get(stream)
    const isThis =
      known?.after === this.#position && known.tail === stream.visibleTail && known.restBefore.equals(this.#rest)
    if (isThis) return known
    return after(this.#read(), (next) => {
      if (stream.watcherCount > 1) newest.set(stream, next)
      return next
    })
  }

  #read(): SharedTail | Promise<SharedTail> {
    const source = this.#source
    const position = this.#position
    const restBefore = this.#rest
    const tail = source.visibleTail
    return after(source.read(position, PAGE_BYTES_MAX), (page) => {
      const { json, rest } = pageContent(page, this.#encoding, restBefore)
      const head = Buffer.from(`"type":"chunk","offset":"${source.offsetOf(page.last)}","content":`)
      const message = json === null ? null : Buffer.concat([head, json, Buffer.from(',"metadata":null}')])
      return { after: position, tail, restBefore, last: page.last, message, rest }
    })
  }

  /** Something is wrong with this reader alone: others read on. */
  #try(act: () => void): void {
    try {
      act()
    } catch (thrown) {
      const error = socketError(this.#tell(thrown))
      this.#finish({ type: 'error', id: this.#id, error: publicError(withCure(error)) })
    }
  }

  #finish(lastWord: ServerMessage | NamedStreamMessage): void {
    if (this.#isOver) return
    this.#say(lastWord)
    this.leave()
    this.#onOver()
  }

  #say(message: ServerMessage | NamedStreamMessage): void {
    this.#outbox.send(message)
  }
}

/** A reader that fell behind learns that something is missing, and how to continue. */
function withCure(error: StreamstackError): StreamstackError {
  if (error.code !== 'offset_expired') return error
  return new StreamstackError(
    'offset_expired',
    'This reader fell further behind than the stream keeps. Read it without `after` for what it still holds.',
    { details: error.details ?? {}, cause: error },
  )
}
