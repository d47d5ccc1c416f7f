/** A chunk as the page shows it. */
export interface ShownChunk {
  readonly offset: number | null
  readonly kind: string
  readonly content: unknown
  readonly metadata: Readonly<Record<string, unknown>> | null
}

/** Chunks whose contents are kept; of older ones only their times are. */
const KEPT_MAX = 200_000

/** The chunks of a run in columns, so that a hundred thousand of them cost what they hold. */
export class ChunkStore {
  readonly contents: ShownChunk[] = []
  /** Milliseconds since the call. */
  times = new Float64Array(1_024)
  count = 0
  bytes = 0
  /** Of all gaps, in the order in which they came. */
  #gaps = new Float64Array(1_024)
  #sorted: Float64Array | null = null

  add(chunk: ShownChunk, atMs: number): void {
    if (this.count === this.times.length) {
      this.times = grown(this.times)
      this.#gaps = grown(this.#gaps)
    }
    this.times[this.count] = atMs
    this.#gaps[this.count] = this.gapMs(this.count)
    this.count++
    this.bytes += sizeOf(chunk)
    this.contents.push(chunk)
    if (this.contents.length > KEPT_MAX) this.contents.splice(0, KEPT_MAX / 10)
    this.#sorted = null
  }

  /** The chunk at a place; undefined: its content is no longer kept. */
  at(index: number): ShownChunk | undefined {
    return this.contents[index - (this.count - this.contents.length)]
  }

  timeMs(index: number): number {
    return this.times[index] ?? 0
  }

  /** Since the chunk before; of the first, since the call. */
  gapMs(index: number): number {
    return this.timeMs(index) - (index === 0 ? 0 : this.timeMs(index - 1))
  }

  /** A quantile of the gaps between chunks, such as 0.95. The first chunk's wait is no gap. */
  gapQuantile(quantile: number): number {
    if (this.count < 2) return 0
    this.#sorted ??= this.#gaps.slice(1, this.count).sort()
    return this.#sorted[Math.min(this.#sorted.length - 1, Math.floor(quantile * this.#sorted.length))] ?? 0
  }

  /** The longest gap that stands out: at least 100 ms, and more than three times the median. Null: there is none. */
  stall(): { readonly index: number; readonly gapMs: number } | null {
    let index = 0
    let longest = 0
    for (let i = 1; i < this.count; i++) {
      const gap = this.#gaps[i] ?? 0
      if (gap > longest) [index, longest] = [i, gap]
    }
    return longest >= 100 && longest > 3 * this.gapQuantile(0.5) ? { index, gapMs: longest } : null
  }

  isStall(index: number): boolean {
    return index > 0 && this.gapMs(index) >= 100 && this.gapMs(index) > 3 * this.gapQuantile(0.5)
  }

  /** Texts joined. */
  text(): string {
    return this.contents.map(({ kind, content }) => (kind === 'text' ? String(content) : '')).join('')
  }
}

export function contentText(content: unknown): string {
  return JSON.stringify(content) ?? 'nothing'
}

function sizeOf({ content }: ShownChunk): number {
  return typeof content === 'string' ? content.length : contentText(content).length
}

function grown(column: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(column.length * 2)
  larger.set(column)
  return larger
}
