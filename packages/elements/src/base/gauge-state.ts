/** State of a number: within its bounds, near their end, or beyond. */
export type Level = 'ok' | 'caught' | 'failed'

/**
 * Compares a number with its thresholds. Where `fail` is below `warn`, small numbers are the bad ones. A threshold that is null does not hold.
 */
export function levelOf(value: number, warn: number | null, fail: number | null): Level {
  const isLowBad = warn !== null && fail !== null && fail < warn
  const isBeyond = (bound: number | null): boolean => bound !== null && (isLowBad ? value <= bound : value >= bound)
  if (isBeyond(fail)) return 'failed'
  return isBeyond(warn) ? 'caught' : 'ok'
}

/** The number of an attribute; null where it has none. */
export const numberAttribute = {
  converter: (text: string | null): number | null => {
    const number = text === null || text.trim() === '' ? Number.NaN : Number(text)
    return Number.isFinite(number) ? number : null
  },
}
