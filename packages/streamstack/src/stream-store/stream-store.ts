import { randomBytes } from 'node:crypto'
import { StreamstackError } from '@streamstack/protocol'
import { type AppendRequest, type Producer, judgeAppend } from './append-rules.ts'
import { type CreateRequest, checkSameStream, forkOf } from './create-rules.ts'
import { isExpired, steadyNowMs } from './expiry.ts'
import { LiveStream } from './live-stream.ts'
import { LiveStreams } from './live-streams.ts'
import { formatOffset } from './offset.ts'
import { Retention, type RetentionOptions } from './retention.ts'
import type { Change, NotedQuery, NotedStream, StreamStorage } from './storage.ts'
import type { ProducerState, StreamRecord } from './stream-record.ts'

const SWEEP_MS = 1_000
/** How much of a sliding expiry may pass before a read is noted in the storage; after a crash a stream lives that much shorter. */
const TOUCH_FRACTION = 0.05

export type StreamStoreOptions = RetentionOptions

/** What a stream of the server's own begins with. */
export type OwnStream = Pick<CreateRequest, 'contentType' | 'ttlSeconds' | 'key'> & { readonly note: string }

export interface CreateResult {
  readonly isNew: boolean
  readonly stream: LiveStream
}

export interface AppendResult {
  readonly nextOffset: string
  readonly isClosed: boolean
  /** It was taken before; nothing was added. */
  readonly isDuplicate: boolean
  /** With a producer: the highest sequence number taken in its epoch. */
  readonly producer: { readonly epoch: number; readonly sequence: number } | null
}

/** The next chunks for a reader. */
export interface Page {
  /** Position of the last chunk in it; where it was asked for when it is empty. */
  readonly last: number
  readonly parts: readonly Buffer[]
  readonly bytes: number
}

export type StreamEvent = 'created' | 'appended' | 'removed'
export type StreamListener = (event: StreamEvent, stream: LiveStream) => void

/**
 * Streams by name: append-only logs with offsets, closure, expiry, idempotent producers and forks, as the Durable Streams protocol knows
 * them. Appends are judged here, in the order in which they come, and seen by readers when the storage has kept them; then, and not
 * before, whoever appended is told.
 */
export class StreamStore {
  readonly #storage: StreamStorage
  readonly #options: StreamStoreOptions
  readonly #live: LiveStreams
  readonly #retention: Retention
  #listener: StreamListener | null = null
  readonly #sweep: NodeJS.Timeout

  constructor(storage: StreamStorage, options: StreamStoreOptions) {
    this.#storage = storage
    this.#options = options
    this.#live = new LiveStreams(storage)
    this.#retention = new Retention(storage, options, (stream) =>
      this.#unattended(stream, [{ kind: 'update', record: stream.record }]),
    )
    this.#sweep = setInterval(() => this.#retention.lookAfterDue((name) => this.#find(name)), SWEEP_MS).unref()
    storage.onFailure(() => this.#live.readAgain())
  }

  /** Makes a stream, or finds it as it was asked for. Throws `stream_exists`, and for forks `stream_unknown`, `offset_invalid`, `content_type_conflict`. */
  create(name: string, request: CreateRequest): CreateResult | Promise<CreateResult> {
    const existing = this.#find(name)
    if (existing !== null) {
      checkSameStream(existing.record, request)
      return afterWrites(existing, () => ({ isNew: false, stream: existing }))
    }
    const nowMs = steadyNowMs()
    const { fork } = request
    const source = fork === null ? null : this.#find(fork.from)
    const plan =
      fork === null
        ? null
        : forkOf(fork, source?.record ?? null, request.contentType, (after, through) =>
            source === null ? null : (this.#slice(source, after, through, 1)?.parts[0] ?? null),
          )
    const chunks = [plan?.prefix ?? null, request.data].filter((data) => data !== null)
    const bytes = chunks.reduce((sum, data) => sum + data.length, 0)
    this.#storage.admit(bytes)
    const base = plan?.position ?? 0
    const ownExpiry = request.ttlSeconds !== null || request.expiresAt !== null
    const record: StreamRecord = {
      id: this.#storage.nextId(),
      name,
      family: source?.record.family ?? randomBytes(8).toString('hex'),
      contentType: request.contentType ?? source?.record.contentType ?? 'application/octet-stream',
      ttlSeconds: ownExpiry ? request.ttlSeconds : (source?.record.ttlSeconds ?? null),
      expiresAt: ownExpiry ? request.expiresAt : (source?.record.expiresAt ?? null),
      origin: fork,
      inherited: plan?.inherited ?? [],
      key: request.key ?? null,
      note: request.note ?? null,
      tail: base + chunks.length,
      bytes,
      dropped: base,
      oldestMs: bytes === 0 ? null : nowMs,
      isClosed: request.close,
      sequence: null,
      touchedMs: nowMs,
      forks: 0,
      isDeleted: false,
    }
    const changes: Change[] = [{ kind: 'create', record }]
    for (const [index, data] of chunks.entries()) {
      changes.push({ kind: 'chunk', id: record.id, position: base + index + 1, atMs: nowMs, data })
    }
    if (source !== null) {
      source.record.forks += 1
      changes.push({ kind: 'update', record: source.record })
    }
    const stream = new LiveStream(record, false)
    this.#live.add(stream)
    const created = (): CreateResult => {
      stream.isVisible = true
      this.#show(stream, record.tail, record.isClosed)
      this.#tell('created', stream)
      return { isNew: true, stream }
    }
    return this.#write(stream, changes, created)
  }

  /** The stream, for reading. Throws `stream_unknown`, or `stream_deleted` while forks still need it. */
  open(name: string): LiveStream {
    const stream = this.#find(name)
    if (stream === null || !stream.isVisible) throw unknown()
    if (stream.record.isDeleted) throw new StreamstackError('stream_deleted', 'The stream was deleted.')
    return stream
  }

  /** As `open`, null instead of throwing. */
  find(name: string): LiveStream | null {
    const stream = this.#find(name)
    return stream === null || !stream.isVisible || stream.record.isDeleted ? null : stream
  }

  /** Throws `storage_failed` when nothing can be kept any more, `unavailable` when too much waits for the disk. */
  checkWritable(): void {
    this.#storage.admit(0)
  }

  /** Adds a chunk, or closes, or both. Throws what `judgeAppend` says, `stream_unknown`, `storage_failed` or `storage_full`. */
  append(name: string, request: AppendRequest): AppendResult | Promise<AppendResult> {
    const stream = this.#find(name)
    if (stream === null) throw unknown()
    const { record } = stream
    if (record.isDeleted) throw new StreamstackError('stream_deleted', 'The stream was deleted.')
    const { producer, data } = request
    const known = producer === null ? null : this.#storage.producer(record.id, producer.id)
    if (judgeAppend(record, request, known) === 'duplicate') {
      // What it repeats may still be on its way to the storage.
      return afterWrites(stream, () => resultOf(record, { ...record, isDuplicate: true, producer: known }))
    }
    this.#storage.admit(data?.length ?? 0)
    const nowMs = steadyNowMs()
    const changes: Change[] = []
    if (data !== null) {
      record.tail += 1
      record.bytes += data.length
      record.oldestMs ??= nowMs
      changes.push({ kind: 'chunk', id: record.id, position: record.tail, atMs: nowMs, data })
    }
    if (request.close) record.isClosed = true
    if (request.sequence !== null) record.sequence = request.sequence
    record.touchedMs = nowMs
    stream.touchKeptMs = nowMs
    changes.push({ kind: 'update', record })
    if (producer !== null) changes.push(producerChange(record.id, producer))
    const { tail, isClosed } = record
    return this.#write(stream, changes, () => {
      this.#show(stream, tail, isClosed)
      if (data !== null) this.#tell('appended', stream)
      return resultOf(record, { tail, isClosed, isDuplicate: false, producer })
    })
  }

  /** A stream that the server keeps for itself, made anew; it is there at once, and kept when the promise settles. Throws as `create`. */
  createOwn(name: string, own: OwnStream): { stream: LiveStream; kept: void | Promise<unknown> } {
    const created = this.create(name, { ...own, expiresAt: null, data: null, close: false, fork: null })
    const stream = this.#live.get(name)
    if (stream === null) throw new Error(`The stream ${name} is gone as soon as it was made.`)
    return { stream, kept: created instanceof Promise ? created : undefined }
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
    if (record.isClosed) throw new StreamstackError('stream_closed', 'The stream is closed.')
    this.#storage.admit(chunks.reduce((sum, { length }) => sum + length, 0))
    const nowMs = steadyNowMs()
    const changes: Change[] = []
    for (const data of chunks) {
      record.tail += 1
      record.bytes += data.length
      record.oldestMs ??= nowMs
      changes.push({ kind: 'chunk', id: record.id, position: record.tail, atMs: nowMs, data })
    }
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
  withKey(key: string): LiveStream | null {
    const name = this.#storage.nameOf(key)
    return name === null ? null : this.find(name)
  }

  /** Streams with a note, by name from the last to the first, as they are kept. */
  noted(query: NotedQuery): readonly NotedStream[] {
    return this.#storage.noted(query)
  }

  /**
   * The next chunks after a position, about `bytesMax` of them and at least one; empty at the end. Throws `offset_invalid` beyond the end, `storage_failed`
   * when they cannot be read, and `offset_expired` with `first_offset` when the next chunk is no longer kept: a reader never gets past a gap without knowing.
   */
  read(stream: LiveStream, after: number, bytesMax: number): Page {
    const through = stream.visibleTail
    if (after > through) {
      throw new StreamstackError('offset_invalid', 'The offset lies beyond the end of the stream.')
    }
    const parts: Buffer[] = []
    let last = after
    let bytes = 0
    while (last < through && bytes < bytesMax) {
      const slice = this.#slice(stream, last, through, bytesMax - bytes)
      if (slice === null) break
      if (slice.after > last) {
        if (parts.length > 0) break
        throw expired(stream.record, slice.after)
      }
      for (const part of slice.parts) parts.push(part)
      last = slice.last
      bytes += slice.bytes
    }
    if (parts.length === 0 && after < through) throw expired(stream.record, through)
    return { last, parts, bytes }
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
    const stream = this.#find(name)
    if (stream === null) throw unknown()
    if (stream.record.isDeleted) throw new StreamstackError('stream_deleted', 'The stream was deleted.')
    return this.#remove(stream)
  }

  /** Tells of every change that can be seen, but of streams that the server keeps for itself. One listener at a time. */
  listen(listener: StreamListener | null): void {
    this.#listener = listener
  }

  /** Names of all streams, in order, in pages. */
  names(after: string, limit: number): readonly string[] {
    return this.#storage.names(after, limit)
  }

  documents(prefix: string): ReadonlyMap<string, string> {
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

  #find(name: string): LiveStream | null {
    const stream = this.#live.get(name)
    if (stream === null) return null
    if (stream.record.isDeleted || !isExpired(stream.record)) return stream
    // An expired stream is as good as deleted, whenever that is noticed.
    const removed = this.#remove(stream)
    if (removed !== undefined) removed.catch(this.#options.onError)
    return this.#live.get(name)
  }

  #remove(stream: LiveStream): void | Promise<void> {
    const changes: Change[] = []
    const removed: LiveStream[] = []
    this.#release(stream, changes, removed)
    return this.#write(stream, changes, () => {
      for (const one of removed) this.#live.forget(one)
      this.#tell('removed', stream)
    })
  }

  /** Takes a stream away and, with the last of its forks, sources that were deleted before. */
  #release(stream: LiveStream, changes: Change[], removed: LiveStream[]): void {
    const { record } = stream
    stream.isGone = true
    stream.wakeWatchers()
    if (record.forks > 0) {
      record.isDeleted = true
      changes.push({ kind: 'update', record })
      return
    }
    stream.isRemoved = true
    removed.push(stream)
    changes.push({ kind: 'remove', record })
    const source = record.origin === null ? null : this.#live.get(record.origin.from)
    if (source === null) return
    source.record.forks -= 1
    if (source.record.isDeleted && source.record.forks === 0) this.#release(source, changes, removed)
    else changes.push({ kind: 'update', record: source.record })
  }

  /** What is kept is not as it was written, or cannot be had: the log is told the cause, and readers the error that comes back. */
  unreadable(cause: unknown): StreamstackError {
    this.#options.onError(cause)
    return new StreamstackError('storage_failed', 'What is kept of the stream cannot be read.', { cause })
  }

  #slice(stream: LiveStream, after: number, through: number, bytesMax: number) {
    const { record } = stream
    const span = record.inherited.find((inherited) => after < inherited.through)
    const owner = span?.owner ?? record.id
    try {
      return this.#storage.read(owner, after, Math.min(span?.through ?? through, through), bytesMax)
    } catch (cause) {
      throw this.unreadable(cause)
    }
  }

  /** Writes for a stream; what is to be done when it is kept comes in the order of the writes. */
  #write<T>(stream: LiveStream, changes: readonly Change[], kept: () => T): T | Promise<T> {
    const written = this.#storage.write(changes)
    if (written === undefined) return kept()
    stream.pending += 1
    const done = written.then(
      () => {
        stream.pending -= 1
        return kept()
      },
      (error: unknown) => {
        stream.pending -= 1
        throw error
      },
    )
    stream.lastWrite = done
    return done
  }

  #unattended(stream: LiveStream, changes: readonly Change[]): void {
    const written = this.#write(stream, changes, () => undefined)
    if (written instanceof Promise) written.catch(this.#options.onError)
  }

  #show(stream: LiveStream, tail: number, isClosed: boolean): void {
    stream.visibleTail = tail
    stream.isVisiblyClosed = isClosed
    stream.wakeWatchers()
    this.#retention.check(stream)
  }
}

function afterWrites<T>(stream: LiveStream, then: () => T): T | Promise<T> {
  return stream.pending === 0 ? then() : stream.lastWrite.then(then)
}

function resultOf({ family }: StreamRecord, { tail, isClosed, isDuplicate, producer }: AppendState): AppendResult {
  return {
    nextOffset: formatOffset(tail, family),
    isClosed,
    isDuplicate,
    producer: producer === null ? null : { epoch: producer.epoch, sequence: producer.sequence },
  }
}

interface AppendState {
  readonly tail: number
  readonly isClosed: boolean
  readonly isDuplicate: boolean
  readonly producer: ProducerState | null
}

function producerChange(id: number, { id: producer, epoch, sequence }: Producer): Change {
  return { kind: 'producer', id, producer, state: { epoch, sequence } }
}

function unknown(): StreamstackError {
  return new StreamstackError('stream_unknown', 'There is no such stream. Create it with PUT.')
}

function expired(record: StreamRecord, first: number): StreamstackError {
  return new StreamstackError('offset_expired', 'The stream no longer holds the chunks after this offset.', {
    details: { first_offset: formatOffset(first, record.family) },
  })
}
