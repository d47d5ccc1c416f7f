import { html, nothing } from 'lit'

/** Interval at which the table is written. */
const TABLE_MS = 5_000
const TABLE_ROWS = 10

interface Points {
  readonly heading: string
  /** Milliseconds since 1970, ascending. */
  readonly times: readonly number[]
  readonly columns: readonly (readonly number[])[]
  /** Names of the columns, the times first. */
  readonly names: readonly string[]
  readonly time: (ms: number) => string
  readonly number: (value: number | undefined) => string
}

/** Table of the newest points for screen readers; updated rarely, because a changing table cannot be read aloud. */
export class PointTable {
  readonly #update: () => void
  #timer: ReturnType<typeof setTimeout> | undefined
  #writtenMs = 0
  #rows = 0
  #table: unknown = nothing

  /** `update` has the table rendered again: later, where no further points come to do it. */
  constructor(update: () => void) {
    this.#update = update
  }

  render({ heading, times, columns, names, time, number }: Points): unknown {
    if (times.length === 0) return nothing
    const nowMs = performance.now()
    const rows = Math.min(TABLE_ROWS, times.length)
    const leftMs = this.#writtenMs + TABLE_MS - nowMs
    clearTimeout(this.#timer)
    if (leftMs > 0 && this.#rows >= rows) {
      this.#timer = setTimeout(this.#update, leftMs)
      return this.#table
    }
    this.#writtenMs = nowMs
    this.#rows = rows
    const first = times.length - rows
    this.#table = html`<table class="visually-hidden">
      <caption>
        ${heading}
      </caption>
      <thead>
        <tr>
          ${names.map((name) => html`<th scope="col">${name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${times.slice(first).map(
          (ms, index) =>
            html`<tr>
              <th scope="row">${time(ms)}</th>
              ${columns.map((column) => html`<td>${number(column[first + index])}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>`
    return this.#table
  }
}
