import { StreamstackError } from '@streamstack/protocol'
import { type Caller, Guard } from '../../access/index.ts'
import type { Engine } from '../../engine/index.ts'
import { after } from '../../storage/index.ts'
import { OpenList } from '../../stream/index.ts'
import {
  type LiveStream,
  type Page,
  type StreamWatcher,
  type Watch,
  formatOffset,
  parseStreamOffset,
} from '../../stream-store/index.ts'
import type { Readable } from './readable.ts'

/** Opens a stream by name for the readers of one caller, whose right to read it was checked. Throws, or rejects with, `stream_unknown`, `stream_deleted`, `storage_failed`. */
export function readNamed(engine: Engine, name: string, caller: Caller): NamedReading | Promise<NamedReading> {
  return after(engine.streams.open(name), (stream) => new NamedReading(engine, stream, caller))
}

/** A stream by name for the readers of one caller, guarded. */
export class NamedReading extends Guard implements Readable {
  readonly stream: LiveStream
  readonly #engine: Engine
  /** By which its caller was let in. */
  #settings: Engine['settings']
  readonly #watchers = new OpenList<StreamWatcher>()

  constructor(engine: Engine, stream: LiveStream, caller: Caller) {
    super(caller)
    this.stream = stream
    this.#engine = engine
    this.#settings = engine.settings
  }

  get record(): LiveStream['record'] {
    return this.stream.record
  }

  get visibleTail(): number {
    return this.stream.visibleTail
  }

  get isVisiblyClosed(): boolean {
    return this.stream.isVisiblyClosed
  }

  get isGone(): boolean {
    return this.refusal !== null || this.stream.isGone
  }

  get shared(): object | null {
    return this.stream.shared
  }

  set shared(shared: object | null) {
    this.stream.shared = shared
  }

  watch(watcher: StreamWatcher): Watch {
    const places = [this.#watchers.add(watcher), this.stream.watch(watcher)]
    return {
      remove() {
        for (const place of places) place.remove()
      },
    }
  }

  read(position: number, bytesMax: number): Page | Promise<Page> {
    return this.#engine.streams.read(this.stream, position, bytesMax)
  }

  touch(): void {
    this.#engine.streams.touch(this.stream)
  }

  checkThere(): void | Promise<void> {
    this.#demandRight()
    if (!this.stream.isGone) return
    // The store tells one that is kept for its forks from one that is not there at all.
    return after(this.#engine.streams.open(this.record.name), () => {
      throw deleted()
    })
  }

  /** As `checkThere`, at once: throws `stream_deleted` for every stream that is gone. */
  demandThere(): void {
    this.#demandRight()
    if (this.stream.isGone) throw deleted()
  }

  /**
   * The position after which to read: an offset that the stream gave out, 0 or `-1` for its start, `now` for its end; undefined: all that is kept. Throws,
   * or rejects with, `offset_invalid`, `offset_expired`.
   */
  positionAfter(sent: number | string | undefined): number | Promise<number> {
    const { visibleTail, record } = this.stream
    if (sent === 'now') return visibleTail
    if (sent === undefined) {
      return after(this.#firstKept(0), (first) => (first === null ? 0 : parseStreamOffset(first, record.family)))
    }
    const position = parseStreamOffset(sent === 0 ? '-1' : String(sent), record.family)
    if (position > visibleTail) {
      throw new StreamstackError('offset_invalid', 'The offset lies beyond the end of the stream.')
    }
    return after(this.#firstKept(position), (first) => {
      if (first === null) return position
      throw new StreamstackError(
        'offset_expired',
        'The stream no longer holds the chunks after this offset. Read it without `after` for what it still holds.',
        { details: { first_offset: first } },
      )
    })
  }

  /** What was appended last up to a position; null: it is not kept. */
  appendBefore(position: number): Buffer | null | Promise<Buffer | null> {
    if (position === 0) return null
    return after(this.#page(position - 1), (page) => (typeof page === 'string' ? null : Buffer.concat(page.parts)))
  }

  offsetOf(position: number): string {
    return formatOffset(position, this.stream.record.family)
  }

  protected check(caller: Caller): void {
    this.#engine.access.permit(caller, ['streams:read'])
    this.#engine.access.permitStream(caller, 'read', this.record.name)
  }

  protected wakeReaders(): void {
    for (const watcher of this.#watchers.members()) watcher.wake()
  }

  #demandRight(): void {
    const { settings } = this.#engine
    if (settings !== this.#settings) {
      this.#settings = settings
      this.recheck()
    }
    if (this.refusal !== null) throw this.refusal
  }

  /** Null: what comes after a position is kept, or yet to come. Else the offset after which something is. */
  #firstKept(position: number): string | null | Promise<string | null> {
    if (position === this.stream.visibleTail) return null
    return after(this.#page(position), (page) => (typeof page === 'string' ? page : null))
  }

  /** The append after a position, or the first offset that is kept when that is gone. */
  #page(position: number): Page | string | Promise<Page | string> {
    try {
      const page = this.read(position, 1)
      return page instanceof Promise ? page.catch(firstOffsetOf) : page
    } catch (error) {
      return firstOffsetOf(error)
    }
  }
}

function firstOffsetOf(error: unknown): string {
  if (!(error instanceof StreamstackError) || error.code !== 'offset_expired') throw error
  return String(error.details?.['first_offset'])
}

function deleted(): StreamstackError {
  return new StreamstackError('stream_deleted', 'The stream is not there any more: it was deleted or has expired.')
}
