const ISO =
  /^(\d{4})-(\d\d)-(\d\d)(?:([Tt ])(\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(\s?(?:Z|z|[+-]\d\d(?::?\d\d)?))?)?$/

/** How an ISO 8601 text writes its time. Two different texts of one style and precision mean different times. */
export interface TimestampForm {
  /** The sign before the time, and the zone, as written; null for a date alone. */
  readonly style: { readonly sign: string; readonly zone: string } | null
  /** `d` for a date alone, `m` and `s` for minutes and seconds, or how many digits the fraction has. */
  readonly precision: string
  /** Digits beyond milliseconds, which are not kept. */
  readonly cut: boolean
  /** A shorter form can write the same time, such as a date alone for midnight. */
  readonly shortens: boolean
}

/** Returns the style of the timestamp; null if the text is none. */
export function timestampForm(text: string): TimestampForm | null {
  const found = ISO.exec(text)
  if (found === null || Number.isNaN(isoMilliseconds(text))) return null
  const [, , , , sign = '', hour, minute, second, fraction, zone = ''] = found
  if (hour === undefined) return { style: null, precision: 'd', cut: false, shortens: false }
  const style = { sign, zone }
  if (second === undefined) return { style, precision: 'm', cut: false, shortens: hour === '00' && minute === '00' }
  if (fraction === undefined) return { style, precision: 's', cut: false, shortens: second === '00' }
  return { style, precision: String(fraction.length), cut: fraction.length > 3, shortens: fraction.endsWith('0') }
}

/**
 * ISO 8601 text (`2026-05-01`, `2026-05-01T12:30:00.250Z`, `2026-05-01 12:30+02:00`) to UTC milliseconds; text without a
 * zone is UTC. NaN for anything else, for days and times that do not exist, and for zones beyond ±15:59 (RFC 3339 has
 * none beyond ±14:00 in use).
 */
export function isoMilliseconds(text: string): number {
  const found = ISO.exec(text)
  if (found === null) return Number.NaN
  const [, year, month, day, , hour = '0', minute = '0', second = '0', fraction = '', zone = 'Z'] = found
  return (
    milliseconds([+year!, +month!, +day!], [+hour, +minute, +second, Number(fraction.padEnd(3, '0').slice(0, 3))]) -
    zoneMilliseconds(zone.trim())
  )
}

const months: readonly string[] =
  'january february march april may june july august september october november december'.split(' ')
const weekdays: readonly string[] = 'monday tuesday wednesday thursday friday saturday sunday'.split(' ')

const DAY_FIRST = /^(?:([a-z]+),?\s+)?(\d{1,2})[\s-]([a-z]+)\.?[\s-]\s*(\d{4})(?:\s+(\d\d?):(\d\d)(?::(\d\d))?)?$/i
const MONTH_FIRST = /^(?:([a-z]+),?\s+)?([a-z]+)\.?\s+(\d{1,2}),?\s+(\d{4})(?:\s+(\d\d?):(\d\d)(?::(\d\d))?)?$/i

/**
 * Dates that files write in other ways and that mean the same day everywhere: `2026/5/1`, `3 Feb 2001`, `3-Feb-2001`,
 * `February 3, 2001`, each with a weekday before and a time behind where it is there. Forms such as 01/02/2003 mean two
 * days and are refused. UTC milliseconds, or NaN.
 */
export function writtenMilliseconds(written: string): number {
  const text = written.trim()
  const slashed = /^(\d{4})[/-](\d{1,2})[/-](\d{1,2})(.*)$/.exec(text)
  if (slashed !== null) {
    const [, year, month, day, rest] = slashed
    return isoMilliseconds(`${year}-${month!.padStart(2, '0')}-${day!.padStart(2, '0')}${rest}`)
  }
  const first = DAY_FIRST.exec(text)
  if (first !== null) return namedMilliseconds([first[1], first[3]!, first[2]!, first[4]!, ...first.slice(5)])
  const second = MONTH_FIRST.exec(text)
  return second === null ? Number.NaN : namedMilliseconds(second.slice(1))
}

function namedMilliseconds([weekday, month, day, year, hour = '0', minute = '0', second = '0']: readonly (
  | string
  | undefined
)[]): number {
  const at = nameIndex(months, month!)
  if (at === -1) return Number.NaN
  const time = milliseconds([Number(year), at + 1, Number(day)], [+hour, +minute, +second, 0])
  if (weekday === undefined || Number.isNaN(time)) return time
  // A weekday that is not that of the date means that one of them is wrong.
  return (new Date(time).getUTCDay() + 6) % 7 === nameIndex(weekdays, weekday) ? time : Number.NaN
}

/** Names are whole, or their first three letters (`Sept`, `Tues` and `Thurs` too). */
function nameIndex(names: readonly string[], written: string): number {
  const name = written.toLowerCase()
  return name.length < 3
    ? -1
    : names.findIndex((whole) => whole === name || (name.length <= 5 && whole.startsWith(name)))
}

function milliseconds(
  [year, month, day]: readonly [number, number, number],
  [hour, minute, second, fraction]: readonly [number, number, number, number],
): number {
  if (hour > 23 || minute > 59 || second > 59) return Number.NaN
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  // Date rolls 30 February over to March; such a day does not exist.
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return Number.NaN
  date.setUTCHours(hour, minute, second, fraction)
  return date.getTime()
}

function zoneMilliseconds(zone: string): number {
  if (zone === 'Z' || zone === 'z') return 0
  const digits = zone.slice(1).replace(':', '').padEnd(4, '0')
  const [hours, minutes] = [Number(digits.slice(0, 2)), Number(digits.slice(2))]
  if (hours > 15 || minutes > 59) return Number.NaN
  const total = (hours * 60 + minutes) * 60_000
  return zone.startsWith('-') ? -total : total
}
