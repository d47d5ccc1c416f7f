/** A line of a chart. */
export interface ChartSeries {
  /** Where the number is in a chunk. */
  readonly path: string
  readonly label?: string
}

/** Tokens of the lines' colors, in the order of the lines. */
export const COLORS = ['--accent', '--running', '--caught', '--ok', '--failed', '--text-3']
/** Dashes of the lines, so that they differ without colors. */
export const DASHES: readonly (readonly number[])[] = [[], [5, 4], [], [2, 3], [8, 4], [1, 3]]
