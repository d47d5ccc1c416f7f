import type { Chunk, Encoder } from '@streamstack/protocol'
import type { Batch } from '../stream/index.ts'

/** A batch without the chunks that one reader may not see; '' when none is left. Each reader has a selection of its own, so nothing of it is shared. */
export function encodeSelected(
  encoder: Encoder,
  { chunks, from, to, offset }: Batch,
  select: (chunk: Chunk) => boolean,
): string {
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
