import { type Chunk, StreamstackError } from '@streamstack/protocol'
import { after } from '../storage/index.ts'
import type { Batch } from '../stream/index.ts'
import { type LiveStream, type StreamStore, STORED_CONTENT_TYPE } from '../stream-store/index.ts'
import type { ChannelLog } from './channel-log.ts'
import { HISTORY_AGE_MS_MAX, type HistoryDeclaration } from './declaration.ts'
import { HistoryLog, RECENT_MS } from './history-log.ts'
import { type StoredMessage, decodeMessages, encodeMessage } from './stored-message.ts'

/** Names of the streams of durable channels begin with this: a character that no name of a caller can hold keeps them apart. */
const CHANNELS_PREFIX = '\u0001channels/'

/** Time for which an unused channel stays on disk: longer than any history lasts. */
const UNUSED_SECONDS = HISTORY_AGE_MS_MAX / 1000 + 86_400

/** How much of the newest is read when a channel is opened: for readers that come back, and the keys. */
const LOADED_MESSAGES = 128
const LOADED_BYTES = 524_288

/** How much a reader that is behind gets at once. */
const READ_BYTES = 32_768

/** New messages after which old ones are taken from the disk. */
const TRIM_EVERY = 64

/** What a stream of a channel notes: the offset before its first message. */
interface ChannelNote {
  readonly base: number
}

export interface DurableLogOptions {
  readonly store: StreamStore
  /** Of the channel. */
  readonly name: string
  /** Where offsets begin when there is nothing on disk: beyond all that the channel may have had before. */
  readonly base: number
  /** The newest messages that stay in memory as well. */
  readonly recentBytes: number
  readonly nowMs: () => number
  /** Called with the messages that are read when the channel opens, and their offsets. */
  readonly onLoaded: (message: StoredMessage, offset: number) => void
}

/** Opens the messages of a durable channel: the newest ones are in memory from then on. Throws, or rejects with, `storage_failed`. */
export function openDurableLog(options: DurableLogOptions): DurableLog | Promise<DurableLog> {
  const { store, name, base, recentBytes, nowMs } = options
  return after(store.find(CHANNELS_PREFIX + name), (stream) => {
    if (stream === null)
      return new DurableLog(options, null, new HistoryLog({ after: base, bytesMax: recentBytes, nowMs }))
    const start = loadStart(stream)
    const recent = new HistoryLog({ after: baseOf(stream) + start, bytesMax: recentBytes, nowMs })
    const log = new DurableLog(options, stream, recent)
    return after(load(options, stream, start, recent), () => log)
  })
}

/** The messages of a durable channel: on disk before a reader receives them. Its offsets are positions in the stream on disk, counted from a base. */
export class DurableLog implements ChannelLog {
  onVisible = null
  readonly #store: StreamStore
  readonly #name: string
  readonly #base: number
  readonly #nowMs: () => number
  readonly #recent: HistoryLog
  /** Null until the first message. */
  #stream: LiveStream | null
  /** The newest offset when the disk was last looked after. */
  #trimmedAt = 0
  #trimmedAtMs = -Infinity
  /** Everything up to here was too old when it was last looked at. */
  #agedOffset = 0

  /** `recent`: its newest messages. */
  constructor({ store, name, base, nowMs }: DurableLogOptions, stream: LiveStream | null, recent: HistoryLog) {
    this.#store = store
    this.#name = CHANNELS_PREFIX + name
    this.#nowMs = nowMs
    this.#stream = stream
    this.#base = stream === null ? base : baseOf(stream)
    this.#recent = recent
  }

  get lastOffset(): number {
    return this.#recent.lastOffset
  }

  get droppedOffset(): number {
    if (this.#stream === null) return this.#recent.droppedOffset
    return Math.min(this.#base + this.#stream.record.dropped, this.#recent.lastOffset)
  }

  get bytesHeld(): number {
    return this.#recent.bytesHeld
  }

  /** Settles when the message is on disk. Rejects with `unavailable`, `storage_full`, `storage_failed`. */
  readonly keep = async (chunk: Chunk, key: string | null, show: () => void): Promise<void> => {
    const stream = (this.#stream ??= this.#create())
    if (stream.isGone) throw changed()
    const kept = this.#store.extend(stream, [encodeMessage({ chunk, atMs: this.#nowMs(), key })])
    const offset = this.#base + stream.record.tail
    await kept
    // Something before it was lost on its way to the disk: from there on offsets would lie.
    if (offset !== this.lastOffset + 1) throw changed()
    show()
  }

  append(chunk: Chunk): void {
    this.#recent.append(chunk)
  }

  finish(): void {
    // A channel has no end.
  }

  read(offset: number): Batch | null | Promise<Batch> {
    const stream = this.#stream
    if (stream === null || offset >= this.#recent.droppedOffset) return this.#recent.read(offset)
    return this.#page(stream, offset, READ_BYTES, (messages): Batch => {
      // What the reader needed next was let go of in this moment.
      if (messages === null) {
        throw new StreamstackError('reader_too_slow', 'This reader fell further behind than the channel keeps.')
      }
      const chunks = messages.map(({ chunk }) => chunk)
      // A reader behind the window in memory reads from disk and holds up no other reader.
      return { chunks, from: 0, to: chunks.length, offset: offset + 1, bytesThrough: 0 }
    })
  }

  historyStart(history: HistoryDeclaration): number | Promise<number> {
    if (history.count === 0 || this.#stream === null) return this.lastOffset
    const byCount = Math.max(this.lastOffset - history.count, this.droppedOffset)
    return after(this.#lastBefore(this.#nowMs() - history.ageMs, byCount), (byAge) =>
      // What was let go of meanwhile is no start.
      Math.max(byCount, byAge, this.droppedOffset),
    )
  }

  trim(history: HistoryDeclaration): void | Promise<void> {
    this.#recent.trim(history)
    const stream = this.#stream
    if (stream === null || stream.isGone) return
    // A channel with readers is in use, even without publishers.
    this.#store.touch(stream)
    const nowMs = this.#nowMs()
    // Soon when much has come, later also for little: what came last is no longer recent then.
    const isDue = this.lastOffset - this.#trimmedAt >= TRIM_EVERY || nowMs - this.#trimmedAtMs >= RECENT_MS
    if (!isDue) return
    this.#trimmedAt = this.lastOffset
    this.#trimmedAtMs = nowMs
    return after(this.historyStart(history), (start) => {
      if (start === this.droppedOffset) return
      const historyFrom = start < this.lastOffset ? this.#timeOf(start + 1) : Infinity
      return after(historyFrom, (fromMs) => this.#store.trim(stream, Math.min(nowMs - RECENT_MS, fromMs)))
    })
  }

  #create(): LiveStream {
    const note: ChannelNote = { base: this.#base }
    const { stream, kept } = this.#store.createOwn(this.#name, {
      contentType: STORED_CONTENT_TYPE,
      ttlSeconds: UNUSED_SECONDS,
      key: null,
      note: JSON.stringify(note),
    })
    // What could not be kept is told by the first write to it.
    kept?.catch(() => undefined)
    return stream
  }

  /** Offset of the last message before a time; at least `from`. */
  #lastBefore(timeMs: number, from: number): number | Promise<number> {
    const inMemory = this.#recent.lastBefore(timeMs)
    if (inMemory > this.#recent.droppedOffset) return inMemory
    const low = Math.max(from, this.#agedOffset)
    return after(this.#search(timeMs, low, Math.max(low, this.#recent.droppedOffset)), (found) => {
      this.#agedOffset = Math.max(this.#agedOffset, found)
      return found
    })
  }

  /** The greatest offset from `low` to `high` whose message came before a time; `low` where none did. */
  #search(timeMs: number, low: number, high: number): number | Promise<number> {
    if (low >= high) return low
    // Offsets have more digits than bit operators.
    const middle = Math.ceil((low + high) / 2)
    return after(this.#timeOf(middle), (atMs) =>
      atMs < timeMs ? this.#search(timeMs, middle, high) : this.#search(timeMs, low, middle - 1),
    )
  }

  #timeOf(offset: number): number | Promise<number> {
    const stream = this.#stream
    if (offset > this.#recent.droppedOffset || stream === null) return this.#recent.timeOf(offset)
    // What was let go of in this moment is older than all that is left.
    return this.#page(stream, offset - 1, 1, (messages) => messages?.[0]?.atMs ?? 0)
  }

  /** Takes the next messages after an offset from the disk; null: they were let go of. */
  #page<T>(
    stream: LiveStream,
    offset: number,
    bytesMax: number,
    take: (messages: readonly StoredMessage[] | null) => T,
  ): T | Promise<T> {
    try {
      const page = this.#store.read(stream, offset - this.#base, bytesMax)
      if (!(page instanceof Promise)) return take(decodeMessages(page.parts))
      return page.then(({ parts }) => decodeMessages(parts), nullWhenExpired).then(take)
    } catch (error) {
      return take(nullWhenExpired(error))
    }
  }
}

function nullWhenExpired(error: unknown): null {
  if (error instanceof StreamstackError && error.code === 'offset_expired') return null
  throw error
}

/** Reads the messages after a position into memory. */
function load(options: DurableLogOptions, stream: LiveStream, start: number, recent: HistoryLog): void | Promise<void> {
  const { store, nowMs, onLoaded } = options
  if (start >= stream.visibleTail) return
  return after(store.read(stream, start, READ_BYTES), ({ parts, last }) => {
    for (const message of decodeMessages(parts)) {
      // A clock that was ahead when it was published must not keep a message for longer.
      recent.add(message.chunk, Math.min(message.atMs, nowMs()))
      onLoaded(message, recent.lastOffset)
    }
    return load(options, stream, last, recent)
  })
}

function baseOf({ record }: LiveStream): number {
  return (JSON.parse(record.note ?? 'null') as ChannelNote).base
}

function changed(): StreamstackError {
  return new StreamstackError('storage_failed', 'The channel on disk is not what it was. Publish again.')
}

/** The position after which a channel is read into memory. */
function loadStart({ record, visibleTail }: LiveStream): number {
  const kept = visibleTail - record.dropped
  const fitting = kept === 0 ? 0 : Math.max(1, Math.floor(LOADED_BYTES / (record.bytes / kept)))
  return visibleTail - Math.min(kept, LOADED_MESSAGES, fitting)
}
