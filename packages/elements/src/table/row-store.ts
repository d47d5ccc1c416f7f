import { pick, valueText } from '../base/pick.ts'

/** A column of a table. */
export interface TableColumn {
  /** Path of the value in a row. */
  readonly path: string
  readonly label?: string
  /** `number` aligns at the end and sorts by size. Default: as the first rows are. */
  readonly type?: 'number' | 'text'
}

/** Columns that are made of what rows hold; more would not be read. */
const COLUMNS_MAX = 24
/** Rows that are looked at for columns. */
const SAMPLE_ROWS = 50
/** The share of the rows that goes at once when there are too many. */
const DROPPED_SHARE = 0.1

/** The rows of a table in the order of their arrival, and in the order in which they are shown. */
export class RowStore {
  /** Rows that are kept. */
  max = 200_000
  /** Rows that were dropped, oldest first, because there were too many. */
  dropped = 0
  #rows: unknown[] = []
  #order: Uint32Array | null = null
  #sort: { path: string; isDown: boolean } | null = null

  get length(): number {
    return this.#rows.length
  }

  clear(): void {
    this.#rows = []
    this.#order = null
    this.dropped = 0
  }

  /** Adds one row, or a list of them. */
  add(content: unknown): void {
    if (Array.isArray(content)) for (const row of content) this.#rows.push(row)
    else this.#rows.push(content)
    if (this.#rows.length > this.max) {
      const count = Math.max(this.#rows.length - this.max, Math.floor(this.max * DROPPED_SHARE))
      this.#rows.splice(0, count)
      this.dropped += count
    }
    this.#order = null
  }

  /** The row at a place of the shown order. */
  at(index: number): unknown {
    if (this.#sort === null) return this.#rows[index]
    this.#order ??= this.#sorted(this.#sort)
    return this.#rows[this.#order[index] ?? -1]
  }

  get sort(): Readonly<{ path: string; isDown: boolean }> | null {
    return this.#sort
  }

  /** Shows rows in the order of a column; null: as they came. */
  sortBy(sort: { path: string; isDown: boolean } | null): void {
    this.#sort = sort
    this.#order = null
  }

  /** Columns by what the first rows hold. */
  columns(): TableColumn[] {
    const found = new Map<string, { numbers: number; others: number }>()
    for (const row of this.#rows.slice(0, SAMPLE_ROWS)) {
      const entries = row !== null && typeof row === 'object' && !Array.isArray(row) ? Object.entries(row) : [['', row]]
      for (const [name, value] of entries as [string, unknown][]) {
        if (!found.has(name) && found.size >= COLUMNS_MAX) continue
        const kinds = found.get(name) ?? { numbers: 0, others: 0 }
        if (typeof value === 'number') kinds.numbers++
        else if (value !== null && value !== undefined) kinds.others++
        found.set(name, kinds)
      }
    }
    return [...found].map(([name, { numbers, others }]) => ({
      // A name with a dot is one name, not a way.
      path: name,
      label: name === '' ? 'value' : name,
      type: numbers > 0 && others === 0 ? 'number' : 'text',
    }))
  }

  /** Equal values keep the order of arrival; what is missing comes last. */
  #sorted({ path, isDown }: { path: string; isDown: boolean }): Uint32Array {
    const values = this.#rows.map((row) => cellOf(row, path))
    const order = new Uint32Array(values.length).map((_none, index) => index)
    const isMissing = (value: unknown): boolean => value === null || value === undefined
    return order.sort((a, b) => {
      const [left, right] = [values[a], values[b]]
      if (isMissing(left) || isMissing(right)) return Number(isMissing(left)) - Number(isMissing(right)) || a - b
      const difference =
        typeof left === 'number' && typeof right === 'number'
          ? left - right
          : compareText(valueText(left), valueText(right))
      return (isDown ? -difference : difference) || a - b
    })
  }
}

/** One comparison for all: making one for each pair costs a hundred times as much. */
const compareText = new Intl.Collator(undefined, { numeric: true }).compare

/** The value of a cell: an own member of that name, else what the path leads to. */
export function cellOf(row: unknown, path: string): unknown {
  if (row !== null && typeof row === 'object' && Object.hasOwn(row, path)) return (row as Record<string, unknown>)[path]
  return pick(row, path)
}
