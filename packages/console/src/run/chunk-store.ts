import { GapStatistics } from './gap-statistics.ts'

/** A chunk as the page shows it. */
export interface ShownChunk {
  readonly offset: number | null
  readonly kind: string
  readonly content: unknown
  readonly metadata: Readonly<Record<string, unknown>> | null
}

/** Chunks and bytes of contents that are kept; of older ones only their times are. */
const KEPT_MAX = 200_000
const KEPT_BYTES_MAX = 128 * 1024 * 1024

/** Times that are kept; of a longer run the oldest go. */
const TIMES_MAX = 1_000_000

/** Characters of the joined text that are kept, the newest. */
const TEXT_CHARACTERS_MAX = 200_000

/** The chunks of a run in columns, so that a hundred thousand of them cost what they hold. */
export class ChunkStore {
  readonly contents: ShownChunk[] = []
  readonly gaps = new GapStatistics()
  count = 0
  /** Bytes of all contents as JSON or text. */
  bytes = 0
  #bytesKept = 0
  /** Milliseconds since the call, of the chunks from `#timesFrom` on. */
  #times = new Float64Array(1_024)
  #timesFrom = 0
  #text = ''

  add(chunk: ShownChunk, atMs: number): void {
    const index = this.count++
    const place = this.#placeFor(index)
    this.#times[place] = atMs
    if (index > 0) this.gaps.add(index, this.gapMs(index))
    const size = sizeOf(chunk)
    this.bytes += size
    this.#bytesKept += size
    this.contents.push(chunk)
    if (chunk.kind === 'text') this.#addText(String(chunk.content))
    if (this.contents.length > KEPT_MAX || this.#bytesKept > KEPT_BYTES_MAX) this.#drop()
  }

  /** The chunk at a place; undefined: its content is no longer kept. */
  at(index: number): ShownChunk | undefined {
    return this.contents[index - (this.count - this.contents.length)]
  }

  /** Place of the oldest chunk whose content is kept. */
  get keptFrom(): number {
    return this.count - this.contents.length
  }

  timeMs(index: number): number {
    return this.#times[Math.max(0, index - this.#timesFrom)] ?? 0
  }

  /** Since the chunk before; of the first, since the call. */
  gapMs(index: number): number {
    return this.timeMs(index) - (index === 0 ? 0 : this.timeMs(index - 1))
  }

  isStall(index: number): boolean {
    return index > 0 && this.gaps.isStall(this.gapMs(index))
  }

  /** The newest of the texts, joined. */
  get text(): string {
    return this.#text.slice(-TEXT_CHARACTERS_MAX)
  }

  #addText(text: string): void {
    this.#text += text
    if (this.#text.length > 2 * TEXT_CHARACTERS_MAX) this.#text = this.#text.slice(-TEXT_CHARACTERS_MAX)
  }

  #placeFor(index: number): number {
    const place = index - this.#timesFrom
    if (place < this.#times.length) return place
    if (this.#times.length < TIMES_MAX) {
      const larger = new Float64Array(Math.min(TIMES_MAX, this.#times.length * 2))
      larger.set(this.#times)
      this.#times = larger
      return place
    }
    const gone = TIMES_MAX / 10
    this.#times.copyWithin(0, gone)
    this.#timesFrom += gone
    return index - this.#timesFrom
  }

  #drop(): void {
    for (const chunk of this.contents.splice(0, Math.ceil(this.contents.length / 10))) this.#bytesKept -= sizeOf(chunk)
  }
}

/** The content as JSON. */
export function contentText(content: unknown): string {
  return JSON.stringify(content) ?? 'nothing'
}

const utf8 = new TextEncoder()

/** Bytes of the content. */
export function sizeOf({ content }: ShownChunk): number {
  return utf8.encode(typeof content === 'string' ? content : contentText(content)).byteLength
}
