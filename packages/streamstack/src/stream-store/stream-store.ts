import { StreamstackError } from '@streamstack/protocol'
import { InOrder, after } from '../storage/index.ts'
import { addChunk } from './add-chunk.ts'
import { type AppendResult, appendResult } from './append-result.ts'
import { type AppendRequest, judgeAppend } from './append-rules.ts'
import { type CreateRequest, type ForkPlan, checkSameStream, forkOf } from './create-rules.ts'
import { isExpired, steadyNowMs } from './expiry.ts'
import { LiveStream } from './live-stream.ts'
import { LiveStreams } from './live-streams.ts'
import { newStream } from './new-stream.ts'
import { type Page, PageReader } from './page-reader.ts'
import { releaseStream, withSources } from './release-stream.ts'
import { Retention, type RetentionOptions } from './retention.ts'
import type { Change, NotedQuery, NotedStream, StreamStorage } from './storage.ts'
import type { ProducerState } from './stream-record.ts'

const SWEEP_MS = 1_000
/** How much of a sliding expiry may pass before a read is noted in the storage; after a crash a stream lives that much shorter. */
const TOUCH_FRACTION = 0.05

export type StreamStoreOptions = RetentionOptions

/** What a stream of the server's own begins with. */
export type OwnStream = Pick<CreateRequest, 'contentType' | 'ttlSeconds' | 'key' | 'listedUnder'> & {
  readonly note: string
}

export interface CreateResult {
  readonly isNew: boolean
  readonly stream: LiveStream
}

export type StreamEvent = 'created' | 'appended' | 'removed'
export type StreamListener = (event: StreamEvent, stream: LiveStream) => void

/** A request that was judged, and the result, which waits for the storage. */
interface Judged<T> {
  readonly kept: T | Promise<T>
}

/** What a new stream is a fork of. */
interface Fork {
  readonly source: LiveStream
  readonly plan: ForkPlan
}

/**
 * Streams by name: append-only logs with offsets, closure, expiry, idempotent producers and forks, as the Durable Streams protocol knows
 * them. Appends are judged here, in the order in which they come, and seen by readers when the storage has kept them; then, and not
 * before, the append is answered.
 */
export class StreamStore {
  readonly #storage: StreamStorage
  readonly #options: StreamStoreOptions
  readonly #live: LiveStreams
  readonly #pages: PageReader
  readonly #retention: Retention
  readonly #order = new InOrder()
  #listener: StreamListener | null = null
  readonly #sweep: NodeJS.Timeout

  constructor(storage: StreamStorage, options: StreamStoreOptions) {
    this.#storage = storage
    this.#options = options
    this.#live = new LiveStreams(storage, options.onError)
    this.#pages = new PageReader(storage, options.onError)
    this.#retention = new Retention(storage, options, (stream) =>
      this.#unattended(stream, [{ kind: 'update', record: stream.record }]),
    )
    this.#sweep = setInterval(() => void this.#retention.lookAfterDue((name) => this.#find(name)), SWEEP_MS).unref()
    storage.onFailure(() => this.#live.readAgain())
  }

  /** Makes a stream, or finds it as it was asked for. Throws `stream_exists`, and for forks `stream_unknown`, `offset_invalid`, `content_type_conflict`. */
  create(name: string, request: CreateRequest): CreateResult | Promise<CreateResult> {
    return this.#judged(name, () =>
      after(this.#find(name), (existing) => {
        if (existing !== null) return existed(existing, request)
        return after(this.#forkOf(request), (fork) => this.#create(name, request, fork))
      }),
    )
  }

  /** The stream, for reading. Throws `stream_unknown`, or `stream_deleted` while forks still need it. */
  open(name: string): LiveStream | Promise<LiveStream> {
    return after(this.#find(name), (stream) => {
      if (stream === null || !stream.isVisible) throw unknown()
      if (stream.record.isDeleted) throw deleted()
      return stream
    })
  }

  /** As `open`, null instead of throwing. */
  find(name: string): LiveStream | null | Promise<LiveStream | null> {
    return after(this.#find(name), (stream) =>
      stream === null || !stream.isVisible || stream.record.isDeleted ? null : stream,
    )
  }

  /** Throws `storage_failed` when nothing can be kept any more, `unavailable` when too much waits for the disk. */
  checkWritable(): void {
    this.#storage.admit(0)
  }

  /** Adds a chunk, or closes, or both. Throws what `judgeAppend` says, `stream_unknown`, `storage_failed` or `storage_full`. */
  append(name: string, request: AppendRequest): AppendResult | Promise<AppendResult> {
    return this.#judged(name, () =>
      after(this.#find(name), (stream) => {
        if (stream === null) throw unknown()
        if (request.producer === null) return this.#append(stream, request, null)
        const known = this.#storage.producer(stream.record.id, request.producer.id)
        return after(known, (state) => this.#append(stream, request, state))
      }),
    )
  }

  /** A stream that the server keeps for itself, under a name that it has never used; it is there at once, and kept when the promise settles. Throws as `create`. */
  createOwn(name: string, own: OwnStream): { stream: LiveStream; kept: void | Promise<unknown> } {
    const request = { ...own, expiresAt: null, data: null, close: false, fork: null }
    const known = this.#live.inMemory(name)
    const { kept } = known === null ? this.#create(name, request, null) : existed(known, request)
    const stream = known ?? this.#live.inMemory(name)
    if (stream === null) throw new Error(`The stream ${name} is gone as soon as it was made.`)
    return { stream, kept: kept instanceof Promise ? kept : undefined }
  }

  /**
   * Adds chunks to a stream of the server's own, all or none, and closes it or changes its note or its life with them. Settles when they are kept; readers see
   * them then. Throws, or rejects with, `unavailable` (too much waits for the disk: try again), `storage_full`, `storage_failed`, `stream_closed`.
   */
  extend(
    stream: LiveStream,
    chunks: readonly Buffer[],
    { close = false, note, ttlSeconds }: { close?: boolean; note?: string; ttlSeconds?: number | null } = {},
  ): void | Promise<void> {
    const { record } = stream
    if (stream.isGone) throw unknown()
    if (stream.isUncertain) throw new StreamstackError('unavailable', 'The stream is being read again. Try again.')
    if (record.isClosed) throw new StreamstackError('stream_closed', 'The stream is closed.')
    this.#storage.admit(bytesOf(chunks))
    const nowMs = steadyNowMs()
    const changes = chunks.map((data) => addChunk(record, data, nowMs))
    if (close) record.isClosed = true
    if (ttlSeconds !== undefined) record.ttlSeconds = ttlSeconds
    record.touchedMs = nowMs
    stream.touchKeptMs = nowMs
    changes.push({ kind: 'update', record })
    if (note !== undefined) {
      record.note = note
      changes.push({ kind: 'note', record })
    }
    const { tail, isClosed } = record
    return this.#write(stream, changes, () => this.#show(stream, tail, isClosed))
  }

  /** Lets go of the chunks of a stream of the server's own that were added before a time, ms since 1970. */
  trim(stream: LiveStream, beforeMs: number): void {
    this.#retention.trimBefore(stream, beforeMs)
  }

  /** The stream that has a key. */
  withKey(key: string): LiveStream | null | Promise<LiveStream | null> {
    return after(this.#storage.nameOf(key), (name) => (name === null ? null : this.find(name)))
  }

  /** Streams with a note that are listed together, or go on, by name from the last to the first, as they are kept. */
  noted(query: NotedQuery): readonly NotedStream[] | Promise<readonly NotedStream[]> {
    return this.#storage.noted(query)
  }

  /**
   * The next chunks after a position, about `bytesMax` of them and at least one; empty at the end. Throws `offset_invalid` beyond the end, `storage_failed`
   * when they cannot be read, and `offset_expired` with `first_offset` when the next chunk is no longer kept: a reader never gets past a gap without knowing.
   */
  read(stream: LiveStream, position: number, bytesMax: number): Page | Promise<Page> {
    return this.#pages.read(stream, position, bytesMax)
  }

  /** Notes that a stream was read, for its sliding expiry. */
  touch(stream: LiveStream): void {
    const { record } = stream
    if (record.ttlSeconds === null) return
    record.touchedMs = steadyNowMs()
    if (record.touchedMs - stream.touchKeptMs < record.ttlSeconds * 1000 * TOUCH_FRACTION) return
    stream.touchKeptMs = record.touchedMs
    this.#unattended(stream, [{ kind: 'update', record }])
  }

  /** Deletes a stream; one that others inherit from is kept for them. Throws `stream_unknown`, `stream_deleted`. */
  delete(name: string): void | Promise<void> {
    return this.#judged(name, () =>
      after(this.#find(name), (stream) => {
        if (stream === null) throw unknown()
        if (stream.record.isDeleted) throw deleted()
        return this.#remove(stream)
      }),
    )
  }

  /** What is kept is not as it was written, or cannot be had: the log is told the cause, and readers the error that comes back. */
  unreadable(cause: unknown): StreamstackError {
    return this.#pages.unreadable(cause)
  }

  /** Tells of every change that can be seen, but of streams that the server keeps for itself. One listener at a time. */
  listen(listener: StreamListener | null): void {
    this.#listener = listener
  }

  /** Names of all streams, in order, in pages. */
  names(following: string, limit: number): readonly string[] | Promise<readonly string[]> {
    return this.#storage.names(following, limit)
  }

  documents(prefix: string): ReadonlyMap<string, string> | Promise<ReadonlyMap<string, string>> {
    return this.#storage.documents(prefix)
  }

  /** Keeps a small text of another station under a name; null takes it away. */
  putDocument(name: string, text: string | null): void | Promise<void> {
    return this.#storage.write([{ kind: 'document', name, text }])
  }

  async close(): Promise<void> {
    clearInterval(this.#sweep)
    this.#listener = null
    await this.#storage.close()
  }

  #tell(event: StreamEvent, stream: LiveStream): void {
    if (stream.record.note === null) this.#listener?.(event, stream)
  }

  /**
   * Judges requests for one name in the order in which they came, each when the one before it was judged. What follows
   * from it, a write, is not waited for: many go into one commit.
   */
  #judged<T>(name: string, judge: () => Judged<T> | Promise<Judged<T>>): T | Promise<T> {
    return after(this.#order.run(name, judge), ({ kept }) => kept)
  }

  #find(name: string): LiveStream | null | Promise<LiveStream | null> {
    const stream = this.#live.get(name)
    return stream instanceof Promise
      ? stream.then((found) => this.#unexpired(name, found))
      : this.#unexpired(name, stream)
  }

  #unexpired(name: string, stream: LiveStream | null): LiveStream | null | Promise<LiveStream | null> {
    if (stream === null || stream.record.isDeleted || !isExpired(stream.record)) return stream
    // An expired stream is as good as deleted, whenever that is noticed.
    return after(this.#remove(stream), ({ kept }) => {
      if (kept instanceof Promise) kept.catch(this.#options.onError)
      return this.#live.get(name)
    })
  }

  #create(name: string, request: CreateRequest, fork: Fork | null): Judged<CreateResult> {
    const chunks = [fork?.plan.prefix ?? null, request.data].filter((data) => data !== null)
    this.#storage.admit(bytesOf(chunks))
    const id = this.#storage.nextId()
    const source = fork === null ? null : { record: fork.source.record, plan: fork.plan }
    const { record, changes } = newStream({ id, name, request, source, chunks, nowMs: steadyNowMs() })
    const stream = new LiveStream(record, false)
    this.#live.add(stream)
    const created = (): CreateResult => {
      stream.isVisible = true
      this.#show(stream, record.tail, record.isClosed)
      this.#tell('created', stream)
      return { isNew: true, stream }
    }
    return { kept: this.#write(stream, changes, created, fork === null ? [] : [fork.source]) }
  }

  /** What a fork comes from, and what it takes along; null: it is none. */
  #forkOf({ fork, contentType }: CreateRequest): Fork | null | Promise<Fork | null> {
    if (fork === null) return null
    return after(this.#find(fork.from), (source) => {
      if (source === null) throw sourceUnknown()
      const plan = forkOf(fork, source.record, contentType, (position, through) =>
        this.#pages.chunkAfter(source, position, through),
      )
      if (!(plan instanceof Promise)) return { source, plan }
      source.hold()
      return plan
        .then((late) => {
          // It may have been deleted while its chunk was read.
          if (source.isGone) throw sourceUnknown()
          return { source, plan: late }
        })
        .finally(() => source.release())
    })
  }

  #append(stream: LiveStream, request: AppendRequest, known: ProducerState | null): Judged<AppendResult> {
    const { record } = stream
    if (record.isDeleted) throw deleted()
    // While its producer was looked up.
    if (stream.isGone) throw unknown()
    const { producer, data } = request
    if (judgeAppend(record, request, known) === 'duplicate') {
      // What it repeats may still be on its way to the storage.
      return { kept: stream.afterWrites(() => appendResult({ ...record, isDuplicate: true, producer: known })) }
    }
    this.#storage.admit(data?.length ?? 0)
    const nowMs = steadyNowMs()
    const changes: Change[] = data === null ? [] : [addChunk(record, data, nowMs)]
    if (request.close) record.isClosed = true
    if (request.sequence !== null) record.sequence = request.sequence
    record.touchedMs = nowMs
    stream.touchKeptMs = nowMs
    changes.push({ kind: 'update', record })
    if (producer !== null) {
      const { id, epoch, sequence } = producer
      changes.push({ kind: 'producer', id: record.id, producer: id, state: { epoch, sequence } })
    }
    const { family, tail, isClosed } = record
    const kept = this.#write(stream, changes, () => {
      this.#show(stream, tail, isClosed)
      if (data !== null) this.#tell('appended', stream)
      return appendResult({ family, tail, isClosed, isDuplicate: false, producer })
    })
    return { kept }
  }

  /** Takes a stream away, unless another request has done so while its sources were looked up. */
  #remove(stream: LiveStream): Judged<void> | Promise<Judged<void>> {
    return withSources(stream, this.#live, (sources) => {
      if (stream.isGone) return { kept: undefined }
      const { changes, removed } = releaseStream(stream, (name) => sources.get(name) ?? null)
      const gone = (): void => {
        for (const one of removed) this.#live.forget(one)
        this.#tell('removed', stream)
      }
      return { kept: this.#write(stream, changes, gone, [...sources.values()]) }
    })
  }

  /** `others`: further streams whose records are changed by it, and which must not be read before it is kept. */
  #write<T>(
    stream: LiveStream,
    changes: readonly Change[],
    kept: () => T,
    others: readonly LiveStream[] = [],
  ): T | Promise<T> {
    const written = this.#storage.write(changes)
    if (written instanceof Promise && others.length > 0) {
      for (const other of others) other.hold()
      const release = (): void => {
        for (const other of others) other.release()
      }
      written.then(release, release)
    }
    return stream.whenKept(written, kept)
  }

  #unattended(stream: LiveStream, changes: readonly Change[]): void {
    const written = this.#write(stream, changes, () => undefined)
    if (written instanceof Promise) written.catch(this.#options.onError)
  }

  #show(stream: LiveStream, tail: number, isClosed: boolean): void {
    stream.show(tail, isClosed)
    this.#retention.check(stream)
  }
}

function bytesOf(chunks: readonly Buffer[]): number {
  return chunks.reduce((sum, { length }) => sum + length, 0)
}

/** A name that is taken is fine when the same is asked for again; what made it may still be on its way to the storage. */
function existed(stream: LiveStream, request: CreateRequest): Judged<CreateResult> {
  checkSameStream(stream.record, request)
  return { kept: stream.afterWrites(() => ({ isNew: false, stream })) }
}

function unknown(): StreamstackError {
  return new StreamstackError('stream_unknown', 'There is no such stream. Create it with PUT.')
}

function sourceUnknown(): StreamstackError {
  return new StreamstackError('stream_unknown', 'The stream to fork from does not exist.')
}

function deleted(): StreamstackError {
  return new StreamstackError('stream_deleted', 'The stream was deleted.')
}
