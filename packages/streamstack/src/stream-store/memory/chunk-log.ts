import type { Slice, TrimLimits, Trimmed } from '../storage.ts'

/** Small streams stay small, long ones need few buffers: each is twice as large as the one before, up to this. */
const SLAB_BYTES_MIN = 256
const SLAB_BYTES_MAX = 65_536

interface Slab {
  readonly buffer: Buffer
  /** Position before its first chunk. */
  readonly after: number
  /** Where each chunk ends. */
  readonly ends: number[]
  readonly oldestMs: number
  newestMs: number
}

/** The chunks of one stream, back to back in a few buffers: reading many is handing out slices, without a copy. */
export class ChunkLog {
  bytes = 0
  readonly #slabs: Slab[] = []

  append(data: Buffer, position: number, atMs: number): void {
    const slab = this.#room(data.length, position, atMs)
    const start = slab.ends.at(-1) ?? 0
    slab.buffer.set(data, start)
    slab.ends.push(start + data.length)
    slab.newestMs = atMs
    this.bytes += data.length
  }

  read(after: number, through: number, bytesMax: number): Slice | null {
    const parts: Buffer[] = []
    let at = this.#slabAfter(after)
    const first = this.#slabs[at]
    if (first === undefined || first.after >= through) return null
    const from = Math.max(after, first.after)
    let last = from
    let bytes = 0
    for (let slab: Slab | undefined = first; slab !== undefined && last < through; slab = this.#slabs[++at]) {
      const { ends } = slab
      const start = last === slab.after ? 0 : (ends[last - slab.after - 1] ?? 0)
      const most = Math.min(ends.length, through - slab.after)
      const count = Math.max(
        fitting(ends, most, start + bytesMax - bytes),
        parts.length === 0 ? last - slab.after + 1 : 0,
      )
      const end = ends[count - 1] ?? 0
      if (end <= start) break
      parts.push(slab.buffer.subarray(start, end))
      bytes += end - start
      last = slab.after + count
      if (count < most || bytes >= bytesMax) break
    }
    return { after: from, last, parts, bytes }
  }

  /** Drops whole buffers: for their age when all in them is old, for their bytes never the newest. */
  trim({ bytesMax, beforeMs }: TrimLimits): Trimmed | null {
    let bytesFreed = 0
    let dropped: number | null = null
    for (let [oldest] = this.#slabs; oldest !== undefined; [oldest] = this.#slabs) {
      const isOver = this.bytes > bytesMax && this.#slabs.length > 1
      if (!isOver && oldest.newestMs >= beforeMs) {
        return { dropped: oldest.after, bytesFreed, oldestMs: oldest.newestMs }
      }
      const bytes = oldest.ends.at(-1) ?? 0
      dropped = oldest.after + oldest.ends.length
      this.#slabs.shift()
      this.bytes -= bytes
      bytesFreed += bytes
    }
    return dropped === null ? null : { dropped, bytesFreed, oldestMs: null }
  }

  #room(bytes: number, position: number, atMs: number): Slab {
    const newest = this.#slabs.at(-1)
    if (newest !== undefined && newest.buffer.length - (newest.ends.at(-1) ?? 0) >= bytes) return newest
    const size = Math.min(SLAB_BYTES_MAX, newest === undefined ? SLAB_BYTES_MIN : newest.buffer.length * 2)
    const slab: Slab = {
      buffer: Buffer.allocUnsafeSlow(Math.max(size, bytes)),
      after: position - 1,
      ends: [],
      oldestMs: atMs,
      newestMs: atMs,
    }
    this.#slabs.push(slab)
    return slab
  }

  /** Index of the buffer that holds the chunk after a position, or the first one when that is gone. */
  #slabAfter(after: number): number {
    let low = 0
    let high = this.#slabs.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.#slabs[middle] as Slab).after <= after) low = middle
      else high = middle - 1
    }
    const slab = this.#slabs[low]
    return slab !== undefined && after >= slab.after + slab.ends.length ? low + 1 : low
  }
}

/** How many of the first `most` chunks end at or before a byte. */
function fitting(ends: readonly number[], most: number, limit: number): number {
  let low = 0
  let high = most
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((ends[middle - 1] as number) <= limit) low = middle
    else high = middle - 1
  }
  return low
}
