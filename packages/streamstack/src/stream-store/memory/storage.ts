import { StreamstackError } from '@streamstack/protocol'
import { expiryMs } from '../expiry.ts'
import type {
  Change,
  DueQuery,
  NotedQuery,
  NotedStream,
  Slice,
  StreamStorage,
  TrimLimits,
  Trimmed,
} from '../storage.ts'
import type { ProducerState, StreamRecord } from '../stream-record.ts'
import { ChunkLog } from './chunk-log.ts'

/** Producers that one stream remembers; beyond, the one that was silent longest is forgotten and begins anew. */
const PRODUCERS_MAX = 10_000

interface Entry {
  readonly record: StreamRecord
  readonly log: ChunkLog
  readonly producers: Map<string, ProducerState>
}

/** Keeps streams in memory, all together `bytesMax` of chunks: an append beyond is refused with `storage_full`. */
export class MemoryStorage implements StreamStorage {
  readonly #bytesMax: number
  #bytes = 0
  #lastId = 0
  readonly #byId = new Map<number, Entry>()
  readonly #byName = new Map<string, Entry>()
  /** By name, for each that streams are listed under. */
  readonly #listed = new Map<string, Map<string, Entry>>()
  readonly #documents = new Map<string, string>()

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  load(name: string): StreamRecord | null {
    return this.#byName.get(name)?.record ?? null
  }

  nameOf(key: string): string | null {
    for (const { record } of this.#byName.values()) if (record.key === key && !record.isDeleted) return record.name
    return null
  }

  noted({ prefix, before, among, limit }: NotedQuery): readonly NotedStream[] {
    const found: NotedStream[] = []
    const looked = among === 'not-closed' ? this.#byName : (this.#listed.get(among.listedUnder) ?? [])
    for (const [name, { record }] of looked) {
      const isMeant = name.startsWith(prefix) && name !== prefix && (before === null || name < before)
      if (!isMeant || record.note === null || record.isDeleted || (among === 'not-closed' && record.isClosed)) continue
      found.push({ name, note: record.note })
    }
    return found.sort((a, b) => (a.name < b.name ? 1 : -1)).slice(0, limit)
  }

  nextId(): number {
    this.#lastId += 1
    return this.#lastId
  }

  producer(id: number, producer: string): ProducerState | null {
    return this.#byId.get(id)?.producers.get(producer) ?? null
  }

  admit(bytes: number): void {
    if (this.#bytes + bytes <= this.#bytesMax) return
    throw new StreamstackError(
      'storage_full',
      'The streams in memory have reached `streams.memory_bytes`. Delete some, or keep them on disk with `streams.log: sqlite`.',
    )
  }

  write(changes: readonly Change[]): void {
    for (const change of changes) this.#apply(change)
  }

  read(owner: number, after: number, through: number, bytesMax: number): Slice | null {
    return this.#byId.get(owner)?.log.read(after, through, bytesMax) ?? null
  }

  trim(record: StreamRecord, limits: TrimLimits): Trimmed | null {
    const trimmed = this.#byId.get(record.id)?.log.trim(limits) ?? null
    this.#bytes -= trimmed?.bytesFreed ?? 0
    return trimmed
  }

  names(after: string, limit: number): readonly string[] {
    const names: string[] = []
    for (const [name, { record }] of this.#byName) {
      if (name > after && !record.isDeleted && record.note === null) names.push(name)
    }
    return names.sort().slice(0, limit)
  }

  due({ nowMs, oldestBeforeMs, limit }: DueQuery): readonly string[] {
    const names: string[] = []
    for (const { record } of this.#byName.values()) {
      const isOld = oldestBeforeMs !== null && record.oldestMs !== null && record.oldestMs < oldestBeforeMs
      if (!isOld && (record.isDeleted || expiryMs(record) > nowMs)) continue
      names.push(record.name)
      if (names.length === limit) break
    }
    return names
  }

  documents(prefix: string): ReadonlyMap<string, string> {
    return new Map([...this.#documents].filter(([name]) => name.startsWith(prefix)))
  }

  /** Memory does not fail after it has admitted. */
  onFailure(): void {}

  async close(): Promise<void> {
    this.#byId.clear()
    this.#byName.clear()
    this.#listed.clear()
  }

  #apply(change: Change): void {
    switch (change.kind) {
      case 'create': {
        const entry = { record: change.record, log: new ChunkLog(), producers: new Map<string, ProducerState>() }
        this.#byId.set(change.record.id, entry)
        this.#byName.set(change.record.name, entry)
        this.#list(entry)
        return
      }
      case 'chunk':
        this.#byId.get(change.id)?.log.append(change.data, change.position, change.atMs)
        this.#bytes += change.data.length
        return
      case 'producer':
        this.#remember(change.id, change.producer, change.state)
        return
      case 'remove':
        this.#bytes -= this.#byId.get(change.record.id)?.log.bytes ?? 0
        this.#byId.delete(change.record.id)
        this.#byName.delete(change.record.name)
        this.#unlist(change.record)
        return
      case 'document':
        if (change.text === null) this.#documents.delete(change.name)
        else this.#documents.set(change.name, change.text)
        return
      case 'update':
      case 'note':
      // The record is the one that is kept here: it has changed already.
    }
  }

  #list(entry: Entry): void {
    const { name, listedUnder } = entry.record
    if (listedUnder === null) return
    const together = this.#listed.get(listedUnder)
    if (together === undefined) this.#listed.set(listedUnder, new Map([[name, entry]]))
    else together.set(name, entry)
  }

  #unlist({ name, listedUnder }: StreamRecord): void {
    const together = listedUnder === null ? undefined : this.#listed.get(listedUnder)
    if (listedUnder === null || together === undefined) return
    together.delete(name)
    if (together.size === 0) this.#listed.delete(listedUnder)
  }

  #remember(id: number, producer: string, state: ProducerState): void {
    const producers = this.#byId.get(id)?.producers
    if (producers === undefined) return
    producers.delete(producer)
    producers.set(producer, state)
    const oldest = producers.keys().next()
    if (producers.size > PRODUCERS_MAX && oldest.done !== true) producers.delete(oldest.value)
  }
}
