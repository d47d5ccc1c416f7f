import type { Encoder } from '@streamstack/protocol'
import type { Batch, Stream } from '../stream/index.ts'

interface Encoded {
  offset: number
  count: number
  bytes: Buffer
}

/** The newest batch of each stream that several read, in each format that they read it in. */
const newest = new WeakMap<Stream, Map<Encoder, Encoded>>()

/** A batch as text, or as bytes that all readers of the stream in this format share. */
export function encodeBatch(stream: Stream, encoder: Encoder, batch: Batch): string | Buffer {
  const { chunks, from, to, offset } = batch
  // Where chunks stand in their arrays says nothing: the same ones come from memory and from disk.
  const count = to - from
  if (stream.readerCount < 2) return encoder.chunks(chunks, from, to, offset)
  let byEncoder = newest.get(stream)
  if (byEncoder === undefined) {
    byEncoder = new Map()
    newest.set(stream, byEncoder)
  }
  const known = byEncoder.get(encoder)
  if (known !== undefined && known.offset === offset && known.count === count) return known.bytes
  const bytes = Buffer.from(encoder.chunks(chunks, from, to, offset))
  byEncoder.set(encoder, { offset, count, bytes })
  return bytes
}
