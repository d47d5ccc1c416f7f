import type { Position } from '../definition/index.ts'
import { type Observed, median } from './observed.ts'

/** Something that must be true of a call. */
export interface Check {
  /** In the words of the file: `status: 200`, or a sentence. */
  readonly title: string
  readonly position: Position
  readonly judge: Judge
}

export type Judge =
  /** Judged for every repetition: why it is not true, or null. */
  | { readonly kind: 'each'; readonly problem: (observed: Observed) => string | null }
  /** Judged once, by the median of the repetitions: a figure must not be larger than `most` by more than the tolerance. */
  | {
      readonly kind: 'median'
      /** What the figure is, for messages: `the first chunk came after`. */
      readonly what: string
      readonly measure: (observed: Observed) => number | null
      readonly most: number
      /** Share of `most`, such as 0.25. */
      readonly tolerance: number
      readonly unit: 'ms' | 'MiB'
    }

/** Why the check fails for the repetitions of a call, or null. */
export function failureOf({ judge }: Check, repetitions: readonly Observed[]): string | null {
  if (judge.kind === 'each') {
    for (const [index, observed] of repetitions.entries()) {
      const problem = judge.problem(observed)
      if (problem !== null) return repetitions.length === 1 ? problem : `In call ${index + 1}: ${problem}`
    }
    return null
  }
  const figures = repetitions.map(judge.measure).filter((figure) => figure !== null)
  if (figures.length === 0) return null
  const figure = median(figures)
  const most = judge.most * (1 + judge.tolerance)
  if (figure <= most) return null
  const of = figures.length > 1 ? ` (median of ${figures.length})` : ''
  return `${judge.what} ${shown(figure)} ${judge.unit}${of}; the budget is ${shown(judge.most)} ${judge.unit} + ${Math.round(judge.tolerance * 100)} %.`
}

function shown(figure: number): string {
  return String(Math.round(figure * 10) / 10)
}
