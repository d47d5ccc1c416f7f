/** Returns a time of day, with seconds if the span is less than ten minutes. */
export function timeText(ms: number, spanMs: number, language: string): string {
  const second = spanMs < 600_000 ? ('2-digit' as const) : undefined
  const options = { hour: '2-digit', minute: '2-digit', second, hour12: false } as const
  return new Date(ms).toLocaleTimeString(language === '' ? undefined : language, options)
}
