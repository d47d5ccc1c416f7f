import { PackedRows } from './packed-rows.ts'

/** Marks that are kept; at the bound every second one goes. */
const MARKS_MAX = 4_096

/** So many numbers of the newest marks are packed at once, and added to those before them up to a page. */
const FOLDED_NUMBERS = 128
const PAGE_NUMBERS = 1_024

/**
 * Times at which the chunks of a stream were appended, one mark for all chunks of a tick, so that a run can be replayed at its own pace. Between two marks chunks count
 * as spread evenly.
 */
export class ChunkTimes {
  /** The marks before the newest; those that do not pack stay as they are. */
  #pages: (PackedRows | readonly number[])[] = []
  /** Offset and time of each of the newest marks, one after the other; the time in halves of a millisecond. */
  #marks: number[] = []
  #count = 0
  /** Marks that are left out between two that are kept. */
  #skips = 0
  #skipped = 0

  /** `atMs`: on the monotonic clock. */
  add(offset: number, atMs: number): void {
    if (this.#skipped < this.#skips) {
      this.#skipped++
      return
    }
    this.#skipped = 0
    if (this.#count === MARKS_MAX) {
      const marks = this.#all().filter((_number, index) => index % 4 < 2)
      this.#skips = this.#skips * 2 + 1
      this.#pages = []
      this.#count = marks.length / 2
      for (let from = 0; from < marks.length; from += FOLDED_NUMBERS)
        this.#fold(marks.slice(from, from + FOLDED_NUMBERS))
    }
    this.#marks.push(offset, Math.round(atMs * 2))
    this.#count++
    if (this.#marks.length === FOLDED_NUMBERS) this.#fold(this.#marks)
  }

  /** Nothing more is added: gives back the room for more. */
  trim(): void {
    this.#marks = this.#marks.slice()
  }

  get bytesHeld(): number {
    const bytes = this.#pages.reduce(
      (sum, page) => sum + (page instanceof PackedRows ? page.bytes : page.length * 8),
      0,
    )
    return bytes + this.#marks.length * 8
  }

  /** Pairs of the offset of a chunk and its time in milliseconds since `fromMs`, to half of one, in order. */
  since(fromMs: number): readonly (readonly [offset: number, atMs: number])[] {
    const pairs: [number, number][] = []
    const marks = this.#all()
    const fromHalf = Math.round(fromMs * 2)
    for (let index = 0; index < marks.length; index += 2)
      pairs.push([marks[index] as number, ((marks[index + 1] as number) - fromHalf) / 2])
    return pairs
  }

  #fold(marks: readonly number[]): void {
    const before = this.#pages.at(-1)
    const numbers = before instanceof PackedRows ? before.unpacked() : []
    const page = numbers.length < PAGE_NUMBERS ? PackedRows.from([...numbers, ...marks], 2) : null
    if (page !== null && numbers.length > 0) this.#pages[this.#pages.length - 1] = page
    else this.#pages.push(page ?? PackedRows.from(marks, 2) ?? marks)
    this.#marks = []
  }

  #all(): number[] {
    const before = this.#pages.map((page) => (page instanceof PackedRows ? page.unpacked() : page))
    return [...before.flat(), ...this.#marks]
  }
}
