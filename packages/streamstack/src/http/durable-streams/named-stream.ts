import { StreamstackError } from '@streamstack/protocol'
import type { Caller } from '../../access/index.ts'
import type { Engine } from '../../engine/index.ts'
import {
  type LiveStream,
  type Page,
  type StreamStore,
  formatOffset,
  parseStreamOffset,
} from '../../stream-store/index.ts'
import { RESERVED_ROOT, streamName } from './stream-name.ts'

export interface NamedStreamRequest {
  engine: Engine
  caller: Caller
}

/** A stream by name for one reader whose connection has no end of its own: it may be let in now, and not any more while it reads. */
export class NamedStream {
  /** The path of its own URL. */
  readonly url: string
  readonly stream: LiveStream
  readonly #store: StreamStore
  readonly #asked: NamedStreamRequest
  #caller: Caller
  /** By which it was let in. */
  #settings: Engine['settings']

  /** Throws what the rules of access say, `stream_unknown`, `stream_deleted`, `storage_failed`. */
  constructor(path: string, asked: NamedStreamRequest) {
    this.#asked = asked
    this.#caller = asked.caller
    this.#settings = asked.engine.settings
    this.#allow()
    this.url = path
    this.#store = asked.engine.streams
    this.stream = this.#store.open(nameOf(path))
    this.touch()
  }

  /** Throws when it may not be read any more, or is not there any more. */
  check(): void {
    const { settings } = this.#asked.engine
    if (settings !== this.#settings) {
      this.#allow()
      this.#settings = settings
    }
    if (!this.stream.isGone) return
    throw new StreamstackError('stream_deleted', 'The stream is not there any more: it was deleted or has expired.')
  }

  /** Goes on with a fresh token. Throws when that may not read it. */
  renew(caller: Caller): void {
    this.#caller = caller
    this.#allow()
  }

  /** Notes that it is read, for its sliding expiry. */
  touch(): void {
    this.#store.touch(this.stream)
  }

  /**
   * The position after which to read: an offset that the stream gave out, 0 or `-1` for its start, `now` for its end; undefined: all that is kept. Throws
   * `offset_invalid`, `offset_expired`.
   */
  positionAfter(after: number | string | undefined): number {
    const { visibleTail, record } = this.stream
    if (after === 'now') return visibleTail
    if (after === undefined) return this.#firstPosition()
    const position = parseStreamOffset(after === 0 ? '-1' : String(after), record.family)
    if (position > visibleTail) {
      throw new StreamstackError('offset_invalid', 'The offset lies beyond the end of the stream.')
    }
    const first = this.#keptAfter(position)
    if (first === null) return position
    throw new StreamstackError(
      'offset_expired',
      'The stream no longer holds the chunks after this offset. Read it without `after` for what it still holds.',
      { details: { first_offset: first } },
    )
  }

  /** As over HTTP. Throws `offset_expired`, `storage_failed`. */
  read(after: number, bytesMax: number): Page {
    return this.#store.read(this.stream, after, bytesMax)
  }

  /** What was appended up to a position, one append after the other from the last one back, as long as it is kept. */
  *before(position: number): Generator<Buffer> {
    for (let after = position - 1; after >= 0 && this.#keptAfter(after) === null; after--) {
      yield Buffer.concat(this.read(after, 1).parts)
    }
  }

  offsetOf(position: number): string {
    return formatOffset(position, this.stream.record.family)
  }

  #firstPosition(): number {
    const first = this.#keptAfter(0)
    return first === null ? 0 : parseStreamOffset(first, this.stream.record.family)
  }

  /** Null: what comes after a position is kept, or yet to come. Else the offset after which something is. */
  #keptAfter(position: number): string | null {
    if (position === this.stream.visibleTail) return null
    try {
      this.read(position, 1)
      return null
    } catch (error) {
      if (!(error instanceof StreamstackError) || error.code !== 'offset_expired') throw error
      return String(error.details?.['first_offset'])
    }
  }

  #allow(): void {
    this.#asked.engine.access.permit(this.#caller, ['streams:read'])
  }
}

function nameOf(path: string): string {
  const name = streamName(path)
  if (!/[?#]/.test(path) && !name.startsWith(RESERVED_ROOT)) return name
  throw new StreamstackError(
    'stream_unknown',
    'No stream is read by this path. Give that of its URL alone, as /v1/stream/<name>, and its offset as `after`.',
  )
}
