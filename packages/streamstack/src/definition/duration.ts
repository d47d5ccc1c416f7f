/** Timers count no further, 24.8 days: a longer one fires at once (nodejs.org/api/timers.html, `setTimeout`). */
export const TIMER_MS_MAX = 2_147_483_647

const millisecondsPerUnit: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/**
 * Reads a duration: a number of milliseconds, or text with a unit (`500ms`, `30s`, `5m`, `2h`, `1d`).
 * Null when it is none; never negative, whole milliseconds.
 */
export function parseDurationMs(value: unknown): number | null {
  if (typeof value === 'number') return isLength(value) ? Math.round(value) : null
  if (typeof value !== 'string') return null
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|min|h|d)?$/i.exec(value.trim())
  if (match === null) return null
  const milliseconds = Number(match[1]) * (millisecondsPerUnit[(match[2] ?? 'ms').toLowerCase()] ?? 1)
  return isLength(milliseconds) ? Math.round(milliseconds) : null
}

function isLength(value: number): boolean {
  return value >= 0 && value <= Number.MAX_SAFE_INTEGER
}
