/** Marks that are kept; at the bound every second one goes. */
const MARKS_MAX = 4_096

/**
 * Times at which the chunks of a stream were appended, one mark for all chunks of a tick, so that a run can be replayed at its own pace. Between two marks chunks count
 * as spread evenly.
 */
export class ChunkTimes {
  /** Offset and time of each mark, one after the other. */
  #marks: number[] = []
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
    if (this.#marks.length === 2 * MARKS_MAX) {
      this.#marks = this.#marks.filter((_number, index) => index % 4 < 2)
      this.#skips = this.#skips * 2 + 1
    }
    this.#marks.push(offset, atMs)
  }

  /** Nothing more is added: gives back the room for more. */
  trim(): void {
    this.#marks = this.#marks.slice()
  }

  get bytesHeld(): number {
    return this.#marks.length * 8
  }

  /** Pairs of the offset of a chunk and its time in milliseconds since `fromMs`, in order. */
  since(fromMs: number): readonly (readonly [offset: number, atMs: number])[] {
    const pairs: [number, number][] = []
    for (let index = 0; index < this.#marks.length; index += 2)
      pairs.push([this.#marks[index] as number, Math.round(((this.#marks[index + 1] as number) - fromMs) * 10) / 10])
    return pairs
  }
}
