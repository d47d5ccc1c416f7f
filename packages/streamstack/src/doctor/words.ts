/** `850 ms`, `1.4 s`, `62 s`. */
export function inTime(ms: number): string {
  if (ms < 1_000) return `${Math.max(1, Math.round(ms))} ms`
  return ms < 10_000 ? `${(ms / 1_000).toFixed(1)} s` : `${Math.round(ms / 1_000)} s`
}

/** `a`, `a and b`, `a, b and c`. */
export function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}
