import { StreamstackError } from '@streamstack/protocol'
import { after } from '../storage/index.ts'
import { firstMessages } from './json-messages.ts'
import { parseStreamOffset } from './offset.ts'
import {
  type ForkOrigin,
  type InheritedSpan,
  type StreamRecord,
  forkPosition,
  isJson,
  mediaType,
} from './stream-record.ts'

/** How long a chain of forks may be: each link costs every reader of the last one. */
const FORK_DEPTH_MAX = 256

export interface CreateRequest {
  /** Null: the source's for a fork, else application/octet-stream. */
  readonly contentType: string | null
  /** Of `ttlSeconds` and `expiresAt` at most one is given; a fork without either inherits. */
  readonly ttlSeconds: number | null
  /** RFC 3339. */
  readonly expiresAt: string | null
  /** First chunk, as the stream keeps it. */
  readonly data: Buffer | null
  /** The stream is closed from its beginning. */
  readonly close: boolean
  readonly fork: ForkOrigin | null
  /** Another way to find it; null or missing: none. */
  readonly key?: string | null
  /** What it is listed under, together with others; null or missing: nothing. */
  readonly listedUnder?: string | null
  /** Of streams that the server keeps for itself: they are not listed, and listeners are not notified of them. */
  readonly note?: string | null
}

/** A name that is taken is fine when the same is asked for again. Throws `stream_exists`. */
export function checkSameStream(record: StreamRecord, request: CreateRequest): void {
  if (record.isDeleted) {
    throw new StreamstackError(
      'stream_exists',
      'A deleted stream of this name is kept for its forks. Use another name.',
    )
  }
  const { fork } = request
  const inherits = record.origin !== null && request.ttlSeconds === null && request.expiresAt === null
  const isSame =
    (request.contentType === null
      ? fork !== null || mediaType(record.contentType) === 'application/octet-stream'
      : mediaType(request.contentType) === mediaType(record.contentType)) &&
    (inherits || (request.ttlSeconds === record.ttlSeconds && isSameTime(request.expiresAt, record.expiresAt))) &&
    (!request.close || record.isClosed) &&
    (fork === null || isSameFork(fork, record.origin))
  if (isSame) return
  throw new StreamstackError('stream_exists', 'The stream exists, with another type, expiry, closure or origin.')
}

function isSameTime(a: string | null, b: string | null): boolean {
  return a === b || (a !== null && b !== null && Date.parse(a) === Date.parse(b))
}

function isSameFork(a: ForkOrigin, b: ForkOrigin | null): boolean {
  return b !== null && a.from === b.from && a.offset === b.offset && a.subOffset === b.subOffset
}

/** What a fork begins with. */
export interface ForkPlan {
  readonly position: number
  readonly inherited: readonly InheritedSpan[]
  /** The part of the source's next chunk that a sub-offset takes along; it becomes the fork's own first chunk. */
  readonly prefix: Buffer | null
}

/** Gives the chunk of a fork's source after a position; null: there is none up to `through`. */
type ChunkAfter = (after: number, through: number) => Buffer | null | Promise<Buffer | null>

/**
 * Where a fork leaves its source. `chunkAfter` gives the source's chunk after a position.
 * Throws `stream_exists` (the source is deleted), `content_type_conflict`, `offset_invalid`, `limit_exceeded`.
 */
export function forkOf(
  fork: ForkOrigin,
  source: StreamRecord,
  contentType: string | null,
  chunkAfter: ChunkAfter,
): ForkPlan | Promise<ForkPlan> {
  if (source.isDeleted) throw new StreamstackError('stream_exists', 'The stream to fork from was deleted.')
  if (contentType !== null && mediaType(contentType) !== mediaType(source.contentType)) {
    throw new StreamstackError(
      'content_type_conflict',
      `A fork keeps its source's type: ${mediaType(source.contentType)}.`,
    )
  }
  const position = fork.offset === null ? source.tail : parseStreamOffset(fork.offset, source.family)
  if (position > source.tail)
    throw new StreamstackError('offset_invalid', 'The offset lies beyond the end of the source.')
  const inherited = spansThrough(source, position)
  if (inherited.length > FORK_DEPTH_MAX) {
    throw new StreamstackError('limit_exceeded', `Forks of forks go ${FORK_DEPTH_MAX} deep; fork from an earlier one.`)
  }
  if (fork.subOffset === 0) return { position, inherited, prefix: null }
  const next = position < source.tail ? chunkAfter(position, position + 1) : null
  return after(next, (chunk) => ({ position, inherited, prefix: prefixOf(chunk, source, fork.subOffset) }))
}

function spansThrough(source: StreamRecord, position: number): InheritedSpan[] {
  const spans: InheritedSpan[] = []
  for (const span of source.inherited) {
    spans.push({ owner: span.owner, through: Math.min(span.through, position) })
    if (span.through >= position) return spans
  }
  if (position > forkPosition(source)) spans.push({ owner: source.id, through: position })
  return spans
}

/** The part of the source's next chunk that a fork takes along. Throws `offset_invalid` when there is not as much. */
function prefixOf(chunk: Buffer | null, source: StreamRecord, subOffset: number): Buffer {
  const json = isJson(source.contentType)
  const prefix = chunk === null ? null : json ? firstMessages(chunk, subOffset) : chunk.subarray(0, subOffset)
  if (prefix !== null && (json || prefix.length === subOffset)) return prefix
  throw new StreamstackError('offset_invalid', 'The sub-offset lies beyond the next chunk of the source.')
}
