import { createHash } from 'node:crypto'
import { StreamstackError } from '@streamstack/protocol'
import type { StreamReader, StreamSource } from '../../stream/index.ts'
import {
  type Page,
  type StreamWatcher,
  encodeStored,
  encodeStoredEnd,
  formatOffset,
  storedContentType,
} from '../../stream-store/index.ts'
import type { Readable, ReadableStore } from './readable.ts'

/**
 * A stream of the server's own (a run, a channel, the server's numbers) as clients of the open protocol read it: JSON messages
 * `{type, metadata, content}` at the positions of its chunks and, when it has ended, `{type: "end", outcome, error}` as the last of a closed stream.
 */
export class SourceView implements Readable {
  readonly record: { readonly contentType: string; readonly family: string }
  shared: object | null = null
  readonly #source: StreamSource
  readonly #readers = new Map<StreamWatcher, StreamReader>()

  constructor(source: StreamSource) {
    this.#source = source
    const family = createHash('sha256').update(source.url).digest('hex').slice(0, 16)
    this.record = { contentType: storedContentType, family }
  }

  /** A reader that may not read on is let go; when it comes back, it is told why. */
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

  readonly watchers = {
    add: (watcher: StreamWatcher): void => {
      const reader = { position: 0, wake: () => watcher.wake() }
      this.#readers.set(watcher, reader)
      this.#source.attach(reader)
    },
    delete: (watcher: StreamWatcher): void => {
      const reader = this.#readers.get(watcher)
      if (reader === undefined) return
      this.#readers.delete(watcher)
      this.#source.detach(reader)
    },
  }

  read(asked: number, bytesMax: number): Page {
    const { stream, select, begin } = this.#source
    const after = asked === 0 ? (begin ?? 0) : asked
    if (after > this.visibleTail) {
      throw new StreamstackError('offset_invalid', 'The offset lies beyond the end of the stream.')
    }
    if (after < stream.log.droppedOffset) throw this.#expired()
    const parts: Buffer[] = []
    let last = after
    let bytes = 0
    while (last < stream.lastOffset && bytes < bytesMax) {
      const batch = stream.read(last)
      if (batch instanceof Promise) throw new Error('A log that reads later cannot be read by this protocol.')
      if (batch === null) break
      for (let at = batch.from; at < batch.to && bytes < bytesMax; at++, last++) {
        const chunk = batch.chunks[at]
        if (chunk === undefined || select?.(chunk) === false) continue
        const message = encodeStored(chunk)
        parts.push(message)
        bytes += message.length
      }
    }
    if (stream.end !== null && last === stream.end.offset) {
      const message = encodeStoredEnd(stream.end)
      parts.push(message)
      bytes += message.length
      last += 1
    }
    return { last, parts, bytes }
  }

  #expired(): StreamstackError {
    return new StreamstackError('offset_expired', 'The stream no longer holds the chunks after this offset.', {
      details: { first_offset: formatOffset(this.#source.stream.log.droppedOffset, this.record.family) },
    })
  }
}

/** The one stream of a call. */
export class SourceStore implements ReadableStore<SourceView> {
  readonly #view: SourceView

  constructor(source: StreamSource) {
    this.#view = new SourceView(source)
  }

  open(): SourceView {
    return this.#view
  }

  read(view: SourceView, after: number, bytesMax: number): Page {
    return view.read(after, bytesMax)
  }

  /** What readers do to its life, attaching says. */
  touch(): void {}
}
