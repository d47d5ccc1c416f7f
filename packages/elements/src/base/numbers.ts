/** Numbers, bytes and times for people, in the language of the page. */

const formats = new Map<string, Intl.NumberFormat>()

function format(language: string, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = `${language} ${JSON.stringify(options)}`
  const made = formats.get(key) ?? new Intl.NumberFormat(language === '' ? undefined : language, options)
  formats.set(key, made)
  return made
}

/** The language that stands nearest above an element; '' where none is given. */
export function languageOf(element: Element): string {
  const host = element.closest('[lang]') ?? document.documentElement
  try {
    return Intl.getCanonicalLocales(host.getAttribute('lang') ?? '')[0] ?? ''
  } catch {
    return ''
  }
}

/** A whole number. */
export function countText(count: number, language: string): string {
  return count.toLocaleString(language === '' ? undefined : language)
}

/** A number with no more digits than one can read: 1,284 and 0.12 and 3.4. */
export function numberText(value: number, language: string, digits?: number): string {
  const size = Math.abs(value)
  const fraction = digits ?? (size >= 100 || Number.isInteger(value) ? 0 : size >= 10 ? 1 : 2)
  return format(language, { maximumFractionDigits: fraction, minimumFractionDigits: digits ?? 0 }).format(value)
}

/** 1.2K, 3.4M: for axes and small places. */
export function shortText(value: number, language: string): string {
  return format(language, { notation: 'compact', maximumFractionDigits: 1 }).format(value)
}

export function percentText(value: number, language: string): string {
  return format(language, { style: 'percent', maximumFractionDigits: Math.abs(value) < 0.1 ? 1 : 0 }).format(value)
}

/** Bytes in units of 1,000. */
export function bytesText(bytes: number, language: string): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let power = 0
  let value = bytes
  while (value >= 1_000 && power < units.length - 1) {
    value /= 1_000
    power++
  }
  const fraction = power === 0 || value >= 100 ? 0 : 1
  return `${format(language, { maximumFractionDigits: fraction }).format(value)} ${units[power] ?? ''}`
}

/** 0.4 s, 12 s, 3 min 20 s, 1 h 5 min. */
export function durationText(ms: number): string {
  const seconds = Math.max(0, ms) / 1_000
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 60) return `${Math.round(seconds)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${Math.round(seconds % 60)} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** Returns an age in words: now, 12 s, 3 min, 2 h, 5 d. */
export function agoText(ms: number, words: { now: string }): string {
  const seconds = Math.floor(ms / 1_000)
  if (seconds < 5) return words.now
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h`
  return `${Math.floor(seconds / 86_400)} d`
}
