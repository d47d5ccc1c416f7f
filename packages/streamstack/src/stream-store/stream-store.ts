import { randomBytes } from 'node:crypto'
import { StreamstackError } from '@streamstack/protocol'
import { type AppendRequest, type Producer, judgeAppend } from './append-rules.ts'
import { type CreateRequest, checkSameStream, forkOf } from './create-rules.ts'
import { expiryMs, isExpired, steadyNowMs } from './expiry.ts'
import { LiveStream } from './live-stream.ts'
import { formatOffset } from './offset.ts'
import type { Change, StreamStorage } from './storage.ts'
import { type ProducerState, type StreamRecord, forkPosition, isJson } from './stream-record.ts'

/** Streams that are kept ready in memory while nobody uses them. */
const IDLE_MAX = 4_096
/** Streams whose time may have come, looked at in one turn. */
const DUE_MAX = 200
const SWEEP_MS = 1_000
/** How much of a sliding expiry may pass before a read is noted in the storage; after a crash a stream lives that much shorter. */
const TOUCH_FRACTION = 0.05
/** So much may be trimmed away at once, that trimming is rare. */
const TRIM_FRACTION = 0.9

export interface StreamStoreOptions {
  /** Chunks older than this go; null: they stay. */
  readonly maxAgeMs: number | null
  /** Bytes of chunks that one stream keeps, about; null: all. */
  readonly maxBytes: number | null
  /** Work that nobody waits for has failed. */
  readonly onError: (error: unknown) => void
}

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
  /** Oldest use first. */
  readonly #live = new Map<string, LiveStream>()
  #listener: StreamListener | null = null
  readonly #sweep: NodeJS.Timeout

  constructor(storage: StreamStorage, options: StreamStoreOptions) {
    this.#storage = storage
    this.#options = options
    this.#sweep = setInterval(() => this.#lookAfterDue(), SWEEP_MS).unref()
    storage.onFailure(() => this.#readAgain())
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
    this.#live.set(name, stream)
    const created = (): CreateResult => {
      stream.isVisible = true
      this.#show(stream, record.tail, record.isClosed)
      this.#listener?.('created', stream)
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
      if (data !== null) this.#listener?.('appended', stream)
      return resultOf(record, { tail, isClosed, isDuplicate: false, producer })
    })
  }

  /**
   * The next chunks after a position, about `bytesMax` of them and at least one; empty at the end. Throws `offset_invalid` beyond the end, and
   * `offset_expired` with `first_offset` when the next chunk is no longer kept: a reader never gets past a gap without knowing.
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

  /** Tells of every change that can be seen. One listener at a time. */
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

  #find(name: string): LiveStream | null {
    let stream = this.#live.get(name)
    if (stream === undefined) {
      const record = this.#storage.load(name)
      if (record === null) return null
      stream = new LiveStream(record, true)
      this.#live.set(name, stream)
      if (this.#live.size > IDLE_MAX) this.#forgetIdle()
    }
    if (stream.record.isDeleted || !isExpired(stream.record)) return stream
    // An expired stream is as good as deleted, whenever that is noticed.
    const removed = this.#remove(stream)
    if (removed !== undefined) removed.catch(this.#options.onError)
    return this.#live.get(name) ?? null
  }

  #remove(stream: LiveStream): void | Promise<void> {
    const changes: Change[] = []
    this.#release(stream, changes)
    return this.#write(stream, changes, () => this.#listener?.('removed', stream))
  }

  /** Takes a stream away and, with the last of its forks, sources that were deleted before. */
  #release(stream: LiveStream, changes: Change[]): void {
    const { record } = stream
    stream.isGone = true
    if (record.forks > 0) {
      record.isDeleted = true
      changes.push({ kind: 'update', record })
    } else {
      this.#live.delete(record.name)
      changes.push({ kind: 'remove', record })
      const source = record.origin === null ? null : this.#loaded(record.origin.from)
      if (source !== null) {
        source.record.forks -= 1
        if (source.record.isDeleted && source.record.forks === 0) this.#release(source, changes)
        else changes.push({ kind: 'update', record: source.record })
      }
    }
    stream.wakeWatchers()
  }

  /** As it is, expired or not. */
  #loaded(name: string): LiveStream | null {
    const stream = this.#live.get(name)
    if (stream !== undefined) return stream
    const record = this.#storage.load(name)
    if (record === null) return null
    const loaded = new LiveStream(record, true)
    this.#live.set(name, loaded)
    return loaded
  }

  #slice(stream: LiveStream, after: number, through: number, bytesMax: number) {
    const { record } = stream
    const span = record.inherited.find((inherited) => after < inherited.through)
    if (span === undefined) return this.#storage.read(record.id, after, through, bytesMax)
    return this.#storage.read(span.owner, after, Math.min(span.through, through), bytesMax)
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
    const { maxBytes } = this.#options
    if (maxBytes !== null && stream.record.bytes > maxBytes) this.#trim(stream)
  }

  #trim(stream: LiveStream): void {
    const { maxBytes, maxAgeMs } = this.#options
    if (stream.isTrimming) return
    const { record } = stream
    const isOver = maxBytes !== null && record.bytes > maxBytes
    const trimmed = this.#storage.trim(record, {
      bytesMax: isOver ? maxBytes * TRIM_FRACTION : Infinity,
      beforeMs: maxAgeMs === null ? -Infinity : steadyNowMs() - maxAgeMs,
    })
    const note = (result: Awaited<typeof trimmed>): void => {
      stream.isTrimming = false
      if (result === null) return
      if (stream.isGone) return
      record.dropped = result.dropped
      record.bytes -= result.bytesFreed
      record.oldestMs = result.oldestMs
      this.#unattended(stream, [{ kind: 'update', record }])
    }
    if (!(trimmed instanceof Promise)) return note(trimmed)
    stream.isTrimming = true
    trimmed.then(note).catch((error: unknown) => {
      stream.isTrimming = false
      this.#options.onError(error)
    })
  }

  #lookAfterDue(): void {
    const nowMs = Math.max(Date.now(), steadyNowMs())
    const oldestBeforeMs = this.#options.maxAgeMs === null ? null : nowMs - this.#options.maxAgeMs
    for (const name of this.#storage.due({ nowMs, oldestBeforeMs, limit: DUE_MAX })) {
      const stream = this.#find(name)
      if (stream === null) continue
      const { record } = stream
      if (oldestBeforeMs !== null && record.oldestMs !== null && record.oldestMs < oldestBeforeMs) this.#trim(stream)
      // It was read since its time was kept last.
      else if (!record.isDeleted && expiryMs(record) > nowMs) this.#unattended(stream, [{ kind: 'update', record }])
    }
  }

  #forgetIdle(): void {
    for (const [name, stream] of this.#live) {
      if (this.#live.size <= IDLE_MAX) return
      if (stream.isIdle) this.#live.delete(name)
      else {
        this.#live.delete(name)
        this.#live.set(name, stream)
      }
    }
  }

  /** After writes that could not be kept: what is in the storage is the truth. */
  #readAgain(): void {
    for (const [name, stream] of this.#live) {
      const record = this.#storage.load(name)
      if (record === null || record.id !== stream.record.id) {
        stream.isGone = true
        this.#live.delete(name)
      } else stream.record = record
      stream.wakeWatchers()
    }
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

/** What a store tells of a stream: all that is public, as one object. */
export function describe({ record, visibleTail, isVisiblyClosed }: LiveStream) {
  return {
    contentType: record.contentType,
    nextOffset: formatOffset(visibleTail, record.family),
    isClosed: isVisiblyClosed,
    ttlSeconds: record.ttlSeconds,
    expiresAt: record.expiresAt,
    isJson: isJson(record.contentType),
    forkPosition: forkPosition(record),
  }
}
