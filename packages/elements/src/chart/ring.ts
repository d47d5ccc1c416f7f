/**
 * Points in time with some numbers each; the newest ones, up to a bound. A number that is missing is NaN. Points that come late, as those of a history, are put in
 * their place; a second point of the same time is left out.
 */
export class Ring {
  readonly #times: Float64Array
  readonly #columns: readonly Float64Array[]
  readonly #capacity: number
  /** Index of the oldest point. */
  #start = 0
  #length = 0

  constructor(capacity: number, width: number) {
    this.#capacity = capacity
    this.#times = new Float64Array(capacity)
    this.#columns = Array.from({ length: width }, () => new Float64Array(capacity))
  }

  get length(): number {
    return this.#length
  }

  /** Milliseconds between the oldest point and the newest. */
  get coveredMs(): number {
    return this.#length === 0 ? 0 : this.#time(this.#length - 1) - this.#time(0)
  }

  clear(): void {
    this.#start = this.#length = 0
  }

  add(timeMs: number, values: readonly number[]): void {
    let index = this.#length
    while (index > 0 && this.#time(index - 1) > timeMs) index--
    if (index > 0 && this.#time(index - 1) === timeMs) return
    if (this.#length === this.#capacity) {
      // The oldest goes; a point older than all is it.
      if (index === 0) return
      this.#start = (this.#start + 1) % this.#capacity
      this.#length--
      index--
    }
    for (let at = this.#length; at > index; at--) this.#copy(at - 1, at)
    this.#length++
    const place = this.#place(index)
    this.#times[place] = timeMs
    for (const [column, numbers] of this.#columns.entries()) numbers[place] = values[column] ?? Number.NaN
  }

  /** The newest number of a column; null where there is none. */
  last(column: number): number | null {
    return this.#length === 0 ? null : (this.#columns[column]?.[this.#place(this.#length - 1)] ?? null)
  }

  /** The points of the newest so many milliseconds. */
  window(spanMs: number): { times: number[]; columns: number[][] } {
    const times: number[] = []
    const columns: number[][] = this.#columns.map(() => [])
    const from = this.#length === 0 ? 0 : this.#time(this.#length - 1) - spanMs
    for (let index = 0; index < this.#length; index++) {
      const place = this.#place(index)
      const time = this.#times[place] as number
      if (time < from) continue
      times.push(time)
      for (const [column, numbers] of this.#columns.entries()) columns[column]?.push(numbers[place] as number)
    }
    return { times, columns }
  }

  #copy(from: number, to: number): void {
    const [a, b] = [this.#place(from), this.#place(to)]
    this.#times[b] = this.#times[a] as number
    for (const numbers of this.#columns) numbers[b] = numbers[a] as number
  }

  #time(index: number): number {
    return this.#times[this.#place(index)] as number
  }

  #place(index: number): number {
    return (this.#start + index) % this.#capacity
  }
}
