/** Counts rows that are all the same, whatever stands between them, and compares each. The row's mark stands nowhere else. */
export class RowCounter {
  rows = 0
  readonly #row: Buffer
  readonly #mark: number | undefined
  /** The begin of a row whose end is still to come. */
  #cut: Buffer = Buffer.alloc(0)

  constructor(row: Buffer) {
    this.#row = row
    this.#mark = row[0]
  }

  readonly take = (buffer: Buffer, start: number, end: number): void => {
    const row = this.#row
    let at = start
    if (this.#cut.length > 0) {
      const rest = Math.min(end - start, row.length - this.#cut.length)
      this.#cut = Buffer.concat([this.#cut, buffer.subarray(start, start + rest)])
      if (this.#cut.length < row.length) return
      this.#compare(this.#cut, 0)
      this.#cut = Buffer.alloc(0)
      at = start + rest
    }
    while (at < end) {
      if (buffer[at] !== this.#mark) at++
      else if (at + row.length > end) {
        this.#cut = Buffer.from(buffer.subarray(at, end))
        return
      } else {
        this.#compare(buffer, at)
        at += row.length
      }
    }
  }

  #compare(buffer: Buffer, at: number): void {
    if (this.#row.compare(buffer, at, at + this.#row.length) !== 0) {
      throw new Error(`a row that was never appended: ${buffer.toString('utf8', at, at + this.#row.length)}`)
    }
    this.rows++
  }
}
