import { type Chunk, isNamedKind, isTextKind } from '@streamstack/protocol'
import type { Batch, Stream } from '../../stream/index.ts'
import { headerBytes, writeHeader } from './text-frame.ts'

/** The messages of a batch without what differs between readers, which comes first: `{"id":"…",`. */
interface Tails {
  readonly bytes: Buffer
  /** Where each ends. */
  readonly ends: readonly number[]
}

interface SharedBatch {
  readonly offset: number
  readonly count: number
  readonly tails: Tails
  /** The frames for readers that call the stream by the same id and see all of it, as clients that count their ids do. */
  prefix: Buffer | null
  frames: Buffer
}

/** Under which a stream shares the frames of its newest batch. */
const FRAMES = Symbol('frames')

const NOTHING = Buffer.alloc(0)

/** What messages under an id begin with. */
export function messagePrefix(id: string): Buffer {
  return Buffer.from(`{"id":${JSON.stringify(id)},`)
}

/**
 * A batch as frames, one a chunk, ready to be written. Chunks are encoded once for all readers of the stream, whatever they call it; a reader's own part
 * is a copy of bytes. `select`: which chunks go; null: all.
 */
export function batchFrames(
  stream: Stream,
  prefix: Buffer,
  batch: Batch,
  select: ((chunk: Chunk) => boolean) | null,
): Buffer {
  if (stream.readerCount < 2) return frames(prefix, encodeTails(batch), picked(batch, select))
  const shared = sharedBatch(stream, batch)
  if (select !== null) return frames(prefix, shared.tails, picked(batch, select))
  if (shared.prefix === null || !shared.prefix.equals(prefix)) {
    shared.frames = frames(prefix, shared.tails, null)
    shared.prefix = prefix
  }
  return shared.frames
}

function sharedBatch(stream: Stream, batch: Batch): SharedBatch {
  const { offset } = batch
  const count = batch.to - batch.from
  const newest = (stream.shared ??= new Map())
  const known = newest.get(FRAMES) as SharedBatch | undefined
  if (known !== undefined && known.offset === offset && known.count === count) return known
  const shared: SharedBatch = { offset, count, tails: encodeTails(batch), prefix: null, frames: NOTHING }
  newest.set(FRAMES, shared)
  return shared
}

/** Indexes in the batch, from 0, of the chunks that a reader may see; null: all. */
function picked({ chunks, from, to }: Batch, select: ((chunk: Chunk) => boolean) | null): readonly number[] | null {
  if (select === null) return null
  const indexes: number[] = []
  for (let i = from; i < to; i++) if (select(chunks[i] as Chunk)) indexes.push(i - from)
  return indexes
}

function encodeTails({ chunks, from, to, offset }: Batch): Tails {
  const texts: string[] = []
  for (let i = from; i < to; i++) texts.push(tail(chunks[i] as Chunk, offset + i - from))
  const text = texts.join('')
  const bytes = Buffer.from(text)
  const isAscii = bytes.length === text.length
  let end = 0
  return { bytes, ends: texts.map((one) => (end += isAscii ? one.length : Buffer.byteLength(one))) }
}

function tail({ kind, data, metadata }: Chunk, offset: number): string {
  if (kind === 'error') return `"type":"fault","offset":${offset},"error":${data}}`
  const content = isTextKind(kind) ? JSON.stringify(data) : data
  const named = isNamedKind(kind) ? `"kind":"${kind}",` : ''
  return `"type":"chunk","offset":${offset},${named}"content":${content},"metadata":${metadata ?? 'null'}}`
}

function frames(prefix: Buffer, { bytes, ends }: Tails, indexes: readonly number[] | null): Buffer {
  const count = indexes === null ? ends.length : indexes.length
  const lengthAt = (index: number): number =>
    prefix.length + (ends[index] as number) - (index === 0 ? 0 : (ends[index - 1] as number))
  let total = 0
  for (let i = 0; i < count; i++) {
    const length = lengthAt(indexes === null ? i : (indexes[i] as number))
    total += headerBytes(length) + length
  }
  const target = Buffer.allocUnsafe(total)
  let at = 0
  for (let i = 0; i < count; i++) {
    const index = indexes === null ? i : (indexes[i] as number)
    const start = index === 0 ? 0 : (ends[index - 1] as number)
    at = writeHeader(target, at, lengthAt(index))
    at += prefix.copy(target, at)
    at += bytes.copy(target, at, start, ends[index])
  }
  return target
}
