import { createHash } from 'node:crypto'
import { StreamstackError } from '@streamstack/protocol'
import type { ReaderRecord } from '../../observe/index.ts'
import type { StreamSource } from '../../stream/index.ts'
import { after } from '../../storage/index.ts'
import { readChunks } from '../../stream/reading.ts'
import {
  type Page,
  type StreamWatcher,
  type Watch,
  encodeStored,
  encodeStoredEnd,
  formatOffset,
  STORED_CONTENT_TYPE,
} from '../../stream-store/index.ts'
import type { Readable } from './readable.ts'

/**
 * A stream of the server's own (a run, a channel, the server's numbers) as clients of the open protocol read it: JSON messages
 * `{type, metadata, content}` at the positions of its chunks and, when it has ended, `{type: "end", outcome, error}` as the last of a closed stream.
 */
export class SourceView implements Readable {
  readonly record: { readonly contentType: string; readonly family: string }
  shared: object | null = null
  readonly #source: StreamSource
  readonly #record: ReaderRecord | null
  /** What was read last: after which offset, and how many chunks were not for this reader. Null: nothing was. */
  #lastRead: { after: number; passedOver: number } | null = null
  #passedOver = 0
  #isFollowed = false

  constructor(source: StreamSource, record: ReaderRecord | null) {
    this.#source = source
    this.#record = record
    const family = createHash('sha256').update(source.url).digest('hex').slice(0, 16)
    this.record = { contentType: STORED_CONTENT_TYPE, family }
  }

  /** A reader that may not read on is let go; `checkThere` tells it why. */
  get isGone(): boolean {
    return this.#source.refusal != null
  }

  get visibleTail(): number {
    const { end, lastOffset } = this.#source.stream
    return end === null ? lastOffset : end.offset + 1
  }

  get isVisiblyClosed(): boolean {
    return this.#source.stream.end !== null
  }

  watch(watcher: StreamWatcher): Watch {
    const source = this.#source
    const record = this.#record
    const reader = {
      position: 0,
      wake: () => {
        record?.woken(source.stream)
        watcher.wake()
      },
    }
    source.attach(reader)
    // A reader that has read nothing waits at the end.
    record?.attached(source.stream, this.#lastRead?.after ?? source.stream.lastOffset)
    this.#isFollowed = true
    let isWatched = true
    return {
      remove() {
        if (!isWatched) return
        isWatched = false
        source.detach(reader)
        record?.detached()
      },
    }
  }

  wrote(position: number): void {
    const [record, read, { stream }] = [this.#record, this.#lastRead, this.#source]
    if (record === null || read === null) return
    this.#passedOver += read.passedOver
    read.passedOver = 0
    // A page is a reader that is gone at once.
    if (!this.#isFollowed) record.attached(stream, read.after)
    // The message that tells the end is no chunk.
    record.wrote(Math.min(position, stream.lastOffset), performance.now(), this.#passedOver)
    if (!this.#isFollowed) record.detached()
  }

  read(asked: number, bytesMax: number): Page | Promise<Page> {
    const { stream, begin } = this.#source
    const position = asked === 0 ? (begin ?? 0) : asked
    if (position > this.visibleTail) {
      throw new StreamstackError('offset_invalid', 'The offset lies beyond the end of the stream.')
    }
    if (!stream.holdsAfter(position)) throw this.#expired()
    const parts: Buffer[] = []
    let bytes = 0
    const add = (message: Buffer): void => {
      parts.push(message)
      bytes += message.length
    }
    const chunks = readChunks(this.#source, position, (chunk) => {
      add(encodeStored(chunk))
      return bytes < bytesMax
    })
    return after(chunks, (read) => {
      this.#lastRead = { after: position, passedOver: read.passedOver }
      let { last } = read
      if (stream.end !== null && last === stream.end.offset) {
        add(encodeStoredEnd(stream.end))
        last += 1
      }
      return { last, parts, bytes }
    })
  }

  /** What readers do to its life, attaching says. */
  touch(): void {}

  checkThere(): void {
    if (this.#source.refusal != null) throw this.#source.refusal
  }

  #expired(): StreamstackError {
    return new StreamstackError('offset_expired', 'The stream no longer holds the chunks after this offset.', {
      details: { first_offset: formatOffset(this.#source.stream.log.droppedOffset, this.record.family) },
    })
  }
}
