import { StreamstackError } from '@streamstack/protocol'
import { InOrder, after } from '../storage/index.ts'
import { addChunk } from './add-chunk.ts'
import { type AppendResult, appendResult } from './append-result.ts'
import { type AppendRequest, judgeAppend } from './append-rules.ts'
import type { CreateRequest } from './create-rules.ts'
import { isExpired, steadyNowMs } from './expiry.ts'
import type { LiveStream } from './live-stream.ts'
import { LiveStreams } from './live-streams.ts'
import { type Page, PageReader } from './page-reader.ts'
import { releaseStream, withSources } from './release-stream.ts'
import type { RetentionOptions } from './retention.ts'
import type { Change, NotedQuery, NotedStream, StreamStorage } from './storage.ts'
import { streamDeleted, streamUnknown } from './store-error.ts'
import { type Judged, StreamCommits, bytesOf } from './stream-commits.ts'
import { type CreateResult, type OwnStream, StreamCreation } from './stream-creation.ts'
import type { ProducerState } from './stream-record.ts'

const SWEEP_MS = 1_000
/** How much of a sliding expiry may pass before a read is noted in the storage; after a crash a stream lives that much shorter. */
const TOUCH_FRACTION = 0.05

export type StreamStoreOptions = RetentionOptions

export type StreamEvent = 'created' | 'appended' | 'removed'
export type StreamListener = (event: StreamEvent, stream: LiveStream) => void

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
  readonly #commits: StreamCommits
  readonly #creation: StreamCreation
  readonly #order = new InOrder()
  #listener: StreamListener | null = null
  readonly #sweep: NodeJS.Timeout

  constructor(storage: StreamStorage, options: StreamStoreOptions) {
    this.#storage = storage
    this.#options = options
    this.#live = new LiveStreams(storage, options.onError)
    this.#pages = new PageReader(storage, options.onError)
    this.#commits = new StreamCommits(storage, options)
    this.#creation = new StreamCreation({
      storage,
      live: this.#live,
      pages: this.#pages,
      commits: this.#commits,
      find: (name) => this.#find(name),
      onCreated: (stream) => this.#tell('created', stream),
    })
    this.#sweep = setInterval(
      () => void this.#commits.retention.lookAfterDue((name) => this.#find(name)),
      SWEEP_MS,
    ).unref()
    storage.onFailure(() => this.#live.readAgain())
  }

  /** Makes a stream, or finds it as it was asked for. Throws `stream_exists`, and for forks `stream_unknown`, `offset_invalid`, `content_type_conflict`. */
  create(name: string, request: CreateRequest): CreateResult | Promise<CreateResult> {
    return this.#judged(name, () => this.#creation.create(name, request))
  }

  /** The stream, for reading. Throws `stream_unknown`, or `stream_deleted` while forks still need it. */
  open(name: string): LiveStream | Promise<LiveStream> {
    return after(this.#find(name), (stream) => {
      if (stream === null || !stream.isVisible) throw streamUnknown()
      if (stream.record.isDeleted) throw streamDeleted()
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
        if (stream === null) throw streamUnknown()
        if (request.producer === null) return this.#append(stream, request, null)
        const known = this.#storage.producer(stream.record.id, request.producer.id)
        return after(known, (state) => this.#append(stream, request, state))
      }),
    )
  }

  /** As `StreamCreation.createOwn`. */
  createOwn(name: string, own: OwnStream): { stream: LiveStream; kept: void | Promise<unknown> } {
    return this.#creation.createOwn(name, own)
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
    if (stream.isGone) throw streamUnknown()
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
    return this.#commits.write(stream, changes, () => this.#commits.show(stream, tail, isClosed))
  }

  /** Lets go of the chunks of a stream of the server's own that were added before a time, ms since 1970. */
  trim(stream: LiveStream, beforeMs: number): void {
    this.#commits.retention.trimBefore(stream, beforeMs)
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
    this.#commits.unattended(stream, [{ kind: 'update', record }])
  }

  /** Deletes a stream; one that others inherit from is kept for them. Throws `stream_unknown`, `stream_deleted`. */
  delete(name: string): void | Promise<void> {
    return this.#judged(name, () =>
      after(this.#find(name), (stream) => {
        if (stream === null) throw streamUnknown()
        if (stream.record.isDeleted) throw streamDeleted()
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

  #append(stream: LiveStream, request: AppendRequest, known: ProducerState | null): Judged<AppendResult> {
    const { record } = stream
    if (record.isDeleted) throw streamDeleted()
    // While its producer was looked up.
    if (stream.isGone) throw streamUnknown()
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
    const kept = this.#commits.write(stream, changes, () => {
      this.#commits.show(stream, tail, isClosed)
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
      return { kept: this.#commits.write(stream, changes, gone, [...sources.values()]) }
    })
  }
}
