/** `14 ms`, `1.21 s`, `2 min 5 s`. */
export function formatMs(ms: number): string {
  if (ms < 1_000) return `${ms < 10 && ms > 0 ? Math.round(ms * 10) / 10 : Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms % 1_000 === 0 ? 0 : 2)} s`
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1_000)} s`
}

/** `106 B`, `1.2 kB`, `3.4 MB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`
  if (bytes < 1_000_000) return `${(bytes / 1_000).toFixed(1)} kB`
  return `${(bytes / 1_000_000).toFixed(1)} MB`
}

const whole = new Intl.NumberFormat('en')

/** `12,345`. */
export function formatCount(count: number): string {
  return whole.format(count)
}

/** `just now`, `12 s ago`, `3 min ago`, `2 h ago`. */
export function formatAge(ms: number): string {
  const seconds = Math.round(ms / 1_000)
  if (seconds < 5) return 'just now'
  if (seconds < 60) return `${seconds} s ago`
  return seconds < 3_600 ? `${Math.round(seconds / 60)} min ago` : `${Math.round(seconds / 3_600)} h ago`
}
