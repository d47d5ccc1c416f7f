import type { Chunk } from '@streamstack/protocol'
import { type Batch, chunkBytes, textBytes } from './log.ts'
import { PACKED_BYTES_MIN, PackedChunks } from './packed-chunks.ts'

/** What an object of a chunk costs beyond what `chunkBytes` counts: with it, the object, two headers of texts and a place in an array. */
const OBJECT_BYTES_MORE = 48

/** Of so many chunks one is looked at for how its characters are stored: asking for each would cost as much as keeping it. */
const SAMPLED_EVERY = 64

/** Chunks of a log that stand together: first as objects, later packed into one text. */
export class Segment {
  /** Offset of the first chunk. */
  readonly first: number
  /** Of all segments before this one, those that are gone included, as `chunkBytes` counts. */
  readonly bytesBefore: number
  count = 0
  /** As `chunkBytes` counts. */
  bytes = 0
  /** What characters of two bytes hold besides, as far as that was looked at. */
  #bytesMore = 0
  #chunks: Chunk[] | null = []
  #packed: PackedChunks | null = null

  constructor(first: number, bytesBefore: number) {
    this.first = first
    this.bytesBefore = bytesBefore
  }

  /** A packed segment with the chunks of these, which follow each other. */
  static joined(segments: readonly Segment[]): Segment {
    const { first, bytesBefore } = segments[0] as Segment
    const joined = new Segment(first, bytesBefore)
    for (const segment of segments) for (const chunk of segment.batch(segment.first - 1).chunks) joined.add(chunk)
    joined.weigh()
    joined.pack()
    return joined
  }

  /** Memory that it occupies, in bytes. */
  get bytesHeld(): number {
    return this.#packed?.bytes ?? this.bytes + this.count * OBJECT_BYTES_MORE + this.#bytesMore
  }

  add(chunk: Chunk): void {
    this.#chunks?.push(chunk)
    this.count++
    this.bytes += chunkBytes(chunk)
  }

  /** Nothing is added for now: looks at what it holds. */
  weigh(): void {
    if (this.#chunks === null) return
    let characters = 0
    let bytes = 0
    for (let index = 0; index < this.count; index += SAMPLED_EVERY) {
      const { data } = this.#chunks[index] as Chunk
      characters += data.length
      bytes += textBytes(data)
    }
    this.#bytesMore = bytes === characters ? 0 : Math.round((this.bytes * (bytes - characters)) / characters)
  }

  /** Nothing may be added any more. `isWell`: it takes the time to make metadata small. */
  pack(isWell = true): void {
    // A few short chunks are as small as what packs them.
    if (this.#chunks === null || this.bytesHeld <= PACKED_BYTES_MIN) return
    const packed = PackedChunks.from(this.#chunks, isWell)
    if (packed === null || packed.bytes >= this.bytesHeld) return
    this.#packed = packed
    this.#chunks = null
  }

  /** The chunks after an offset, of which there is at least one here. */
  batch(after: number): Batch {
    return new SegmentBatch(this, this.#chunks, this.#packed, after)
  }
}

class SegmentBatch implements Batch {
  readonly from: number
  readonly to: number
  readonly offset: number
  readonly bytesThrough: number
  readonly #chunks: readonly Chunk[] | null
  readonly #packed: PackedChunks | null

  constructor(
    { first, count, bytesBefore, bytes }: Segment,
    chunks: readonly Chunk[] | null,
    packed: PackedChunks | null,
    after: number,
  ) {
    this.from = after + 1 - first
    this.to = count
    this.offset = after + 1
    this.bytesThrough = bytesBefore + bytes
    this.#chunks = chunks
    this.#packed = packed
  }

  get chunks(): readonly Chunk[] {
    return this.#chunks ?? this.#packed?.unpacked() ?? []
  }

  get lines(): string | null {
    return this.#packed?.linesFrom(this.from) ?? null
  }
}
