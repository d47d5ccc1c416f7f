import { toStreamstackError } from '@streamstack/protocol'
import { OpenList } from '../../stream/index.ts'
import type { ReaderRecord } from '../../observe/index.ts'
import type { NamedReading } from '../durable-streams/index.ts'
import type { Stay } from '../stay.ts'
import { toldError } from '../told-error.ts'
import type { OpenSource } from './find-stream.ts'
import { NamedReader, type NamedStart } from './named-reader.ts'
import type { SessionParts } from './open-ids.ts'
import { SocketReader } from './socket-reader.ts'

/** The readers of one connection, each under an id. */
export class SessionReaders {
  readonly #parts: SessionParts
  /** Readers of streams by name, which follow clocks. */
  readonly #named = new OpenList<NamedReader>()

  constructor(parts: SessionParts) {
    this.#parts = parts
  }

  /** Opens a stream under an id, tells the client, and returns its reader, which has not begun. */
  read(
    id: string,
    source: OpenSource,
    position: number,
    record: ReaderRecord | null,
    stay: Stay | null = null,
  ): SocketReader {
    this.#parts.outbox.send({ type: 'open', id, url: source.url, run: source.run, after: position })
    const reader = new SocketReader({
      id,
      source,
      position,
      outbox: this.#parts.outbox,
      record,
      onOver: () => {
        this.#parts.open.delete(id)
        stay?.leave()
        this.#parts.audited.over(id, source)
      },
      tell: (thrown) => toldError(this.#parts.engine, thrown, source.url),
    })
    this.#parts.open.set(id, {
      leave: () => {
        reader.leave()
        stay?.leave()
        this.#parts.audited.over(id, source)
      },
      cancel: source.cancel === undefined ? null : () => source.cancel?.('The run was cancelled by its caller.'),
      renew: (caller) => {
        try {
          source.renew?.(caller)
          stay?.renew(caller)
        } catch (thrown) {
          source.refuse?.(toStreamstackError(thrown))
        }
      },
    })
    return reader
  }

  /** Opens a stream by name under an id, and begins to read it. */
  readNamed(id: string, url: string, source: NamedReading, start: NamedStart): void {
    const reader: NamedReader = new NamedReader({
      id,
      url,
      source,
      start,
      outbox: this.#parts.outbox,
      onOver: () => {
        this.#parts.open.delete(id)
        place.remove()
        this.#parts.audited.over(id, null)
      },
      tell: (thrown) => toldError(this.#parts.engine, thrown, url),
    })
    const place = this.#named.add(reader)
    this.#parts.open.set(id, {
      leave: () => {
        place.remove()
        reader.leave()
        this.#parts.audited.over(id, null)
      },
      cancel: null,
      renew: (caller) => reader.renew(caller),
    })
    reader.begin()
  }

  /** Runs the timers of readers; called by the clock of all connections. */
  tick(): void {
    for (const place of this.#named.entries()) if (place.isIn) place.member.tick()
  }
}
