import { type Chunk, StreamstackError } from '@streamstack/protocol'
import type { Batch } from '../stream/index.ts'
import { type LiveStream, type StreamStore, storedContentType } from '../stream-store/index.ts'
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

/** The messages of a durable channel: on disk before anybody sees them. Its offsets are positions in the stream on disk, counted from a base. */
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

  constructor({ store, name, base, recentBytes, nowMs, onLoaded }: DurableLogOptions) {
    this.#store = store
    this.#name = CHANNELS_PREFIX + name
    this.#nowMs = nowMs
    this.#stream = store.find(this.#name)
    const stream = this.#stream
    this.#base = stream === null ? base : (JSON.parse(stream.record.note ?? 'null') as ChannelNote).base
    const loadedAfter = stream === null ? 0 : loadStart(stream)
    this.#recent = new HistoryLog({ after: this.#base + loadedAfter, bytesMax: recentBytes, nowMs })
    if (stream !== null) this.#load(stream, loadedAfter, onLoaded)
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

  read(after: number): Batch | null {
    if (this.#stream === null || after >= this.#recent.droppedOffset) return this.#recent.read(after)
    try {
      const page = this.#store.read(this.#stream, after - this.#base, READ_BYTES)
      const chunks = decodeMessages(page.parts).map(({ chunk }) => chunk)
      // A reader behind the window in memory reads from disk and holds up no other reader.
      return { chunks, from: 0, to: chunks.length, offset: after + 1, bytesThrough: 0 }
    } catch (error) {
      if (!(error instanceof StreamstackError) || error.code !== 'offset_expired') throw error
      // What the reader needed next was let go of in this moment.
      throw new StreamstackError('reader_too_slow', 'This reader fell further behind than the channel keeps.', {
        cause: error,
      })
    }
  }

  historyStart(history: HistoryDeclaration): number {
    if (history.count === 0 || this.#stream === null) return this.lastOffset
    const byCount = Math.max(this.lastOffset - history.count, this.droppedOffset)
    return Math.max(byCount, this.#lastBefore(this.#nowMs() - history.ageMs, byCount))
  }

  trim(history: HistoryDeclaration): void {
    this.#recent.trim(history)
    const stream = this.#stream
    if (stream === null || stream.isGone) return
    // A channel that has readers is used, also while nobody publishes.
    this.#store.touch(stream)
    const nowMs = this.#nowMs()
    // Soon when much has come, later also for little: what came last is no longer recent then.
    const isDue = this.lastOffset - this.#trimmedAt >= TRIM_EVERY || nowMs - this.#trimmedAtMs >= RECENT_MS
    if (!isDue) return
    this.#trimmedAt = this.lastOffset
    this.#trimmedAtMs = nowMs
    const start = this.historyStart(history)
    if (start === this.droppedOffset) return
    const recentFrom = nowMs - RECENT_MS
    const historyFrom = start < this.lastOffset ? this.#timeOf(start + 1) : Infinity
    this.#store.trim(stream, Math.min(recentFrom, historyFrom))
  }

  #create(): LiveStream {
    const note: ChannelNote = { base: this.#base }
    const { stream, kept } = this.#store.createOwn(this.#name, {
      contentType: storedContentType,
      ttlSeconds: UNUSED_SECONDS,
      key: null,
      note: JSON.stringify(note),
    })
    // What could not be kept is told by the first write to it.
    kept?.catch(() => undefined)
    return stream
  }

  #load(stream: LiveStream, start: number, onLoaded: DurableLogOptions['onLoaded']): void {
    const nowMs = this.#nowMs()
    for (let after = start; after < stream.visibleTail;) {
      const page = this.#store.read(stream, after, READ_BYTES)
      for (const message of decodeMessages(page.parts)) {
        // A clock that was ahead when it was published must not keep a message for longer.
        this.#recent.add(message.chunk, Math.min(message.atMs, nowMs))
        onLoaded(message, this.#recent.lastOffset)
      }
      after = page.last
    }
  }

  /** Offset of the last message before a time; at least `from`. */
  #lastBefore(timeMs: number, from: number): number {
    const inMemory = this.#recent.lastBefore(timeMs)
    if (inMemory > this.#recent.droppedOffset) return inMemory
    let low = Math.max(from, this.#agedOffset)
    let high = Math.max(low, this.#recent.droppedOffset)
    while (low < high) {
      // Offsets have more digits than bit operators.
      const middle = Math.ceil((low + high) / 2)
      if (this.#timeOf(middle) < timeMs) low = middle
      else high = middle - 1
    }
    this.#agedOffset = low
    return low
  }

  #timeOf(offset: number): number {
    if (offset > this.#recent.droppedOffset || this.#stream === null) return this.#recent.timeOf(offset)
    try {
      const page = this.#store.read(this.#stream, offset - 1 - this.#base, 1)
      return decodeMessages(page.parts)[0]?.atMs ?? 0
    } catch (error) {
      // It was let go of in this moment, and so is older than all that is left.
      if (error instanceof StreamstackError && error.code === 'offset_expired') return 0
      throw error
    }
  }
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
