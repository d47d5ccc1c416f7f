import { shortened } from '../text/cut-text.ts'

/** Cells wider than this are cut, but for those of the last column. */
const CELL_WIDTH_MAX = 40

export interface TableStyle {
  readonly head?: (text: string) => string
  /** The last column, which is not padded. */
  readonly last?: (text: string) => string
  /** Columns that stand to the right. */
  readonly right?: readonly number[]
  /** Wider cells are cut. */
  readonly widthMax?: number
}

/** Lines of a table for a terminal: columns as wide as their cells, control characters shown instead of sent. */
export function textTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { head: paintHead = same, last: paintLast = same, right = [], widthMax = CELL_WIDTH_MAX }: TableStyle = {},
): readonly string[] {
  const shown = rows.map((row) =>
    row.map((cell, at) => shortened(visible(cell), at < head.length - 1 ? widthMax : Infinity)),
  )
  const widths = head.map((name, at) => Math.max(name.length, ...shown.map((row) => row[at]?.length ?? 0)))
  const line = (cells: readonly string[], paint: (text: string, isLast: boolean) => string): string =>
    cells
      .map((cell, at) => {
        const isLast = at === cells.length - 1
        const width = widths[at] ?? 0
        if (right.includes(at)) return paint(cell.padStart(width), isLast)
        return paint(isLast ? cell : cell.padEnd(width), isLast)
      })
      .join('  ')
      .trimEnd()
  return [line(head, paintHead), ...shown.map((row) => line(row, (text, isLast) => (isLast ? paintLast(text) : text)))]
}

function same(text: string): string {
  return text
}

/** Text on one line, control characters shown instead of sent: data may hold what a terminal acts on. */
export function visible(text: string): string {
  return text.replaceAll(/\r?\n/g, '⏎').replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '·')
}
