import type { Chunk, Encoder } from '@streamstack/protocol'
import type { Batch, Stream } from '../stream/index.ts'
import type { Select } from '../stream/reading.ts'

interface Encoded {
  readonly offset: number
  readonly count: number
  /** Of the encoder, before and after. */
  readonly before: string
  readonly after: string
  readonly bytes: Buffer
}

/** A batch as text, or as bytes that all readers of the stream in this format share. `select`: which chunks go; null: all. */
export function encode(stream: Stream, encoder: Encoder, batch: Batch, select: Select | null): string | Buffer {
  if (select !== null) return encodeSelected(encoder, batch, select)
  // A document is for one reader.
  if (stream.readerCount < 2 || encoder.waits) return written(encoder, batch)
  return encodeShared(stream, encoder, batch)
}

function written(encoder: Encoder, batch: Batch): string {
  const lines = encoder.writesLines === true ? batch.lines : null
  return lines ?? encoder.chunks(batch.chunks, batch.from, batch.to, batch.offset)
}

function encodeShared(stream: Stream, encoder: Encoder, batch: Batch): Buffer {
  const { from, to, offset } = batch
  // The newest batch, in each format that it is read in.
  const newest = (stream.shared ??= new Map())
  const key = encoder.shared ?? encoder
  // Where chunks stand in their arrays says nothing: the same ones come from memory and from disk.
  const count = to - from
  const known = newest.get(key) as Encoded | undefined
  if (known?.offset === offset && known.count === count && known.before === encoder.state) {
    if (encoder.state !== known.after) encoder.state = known.after
    return known.bytes
  }
  const before = encoder.state
  const bytes = Buffer.from(written(encoder, batch))
  newest.set(key, { offset, count, before, after: encoder.state, bytes } satisfies Encoded)
  return bytes
}

/** A batch without the chunks that one reader may not see; '' when none is left. Each reader has a selection of its own, so nothing of it is shared. */
function encodeSelected(encoder: Encoder, { chunks, from, to, offset }: Batch, select: Select): string {
  let out = ''
  // Offsets count on inside of a run of chunks, so each run is encoded as one.
  let start = from
  for (let at = from; at <= to; at++) {
    if (at < to && select(chunks[at] as Chunk)) continue
    if (at > start) out += encoder.chunks(chunks, start, at, offset + start - from)
    start = at + 1
  }
  return out
}
