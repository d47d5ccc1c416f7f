import { BuiltinFailure } from '../failure.ts'
import { checkLocaleName } from '../unicode-bounds.ts'
import { charge } from '../work.ts'

const months = 'January February March April May June July August September October November December'.split(' ')
const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']

const TOKEN_PATTERN = /\[([^\]]*)\]|YYYY|YY|MMMM|MMM|MM|M|DD|D|dddd|ddd|HH|H|hh|h|mm|m|ss|s|SSS|A|a|Z/g

/**
 * By time zone in lower case. Making a formatter costs far more than using one, and each holds 22 kB outside of V8's heap, which V8 frees late: made anew
 * again and again, they took 1 GB in seconds. There are some 600 names of zones; offsets need no formatter.
 */
const formatters = new Map<string, Intl.DateTimeFormat>()
const FORMATTERS_MAX = 1_000

/** `+01:00`, `+0100`, `+01`, with a hyphen or a minus sign, as `Intl` takes them. */
const OFFSET = /^([+\-\u2212])([01]\d|2[0-3])(?::?([0-5]\d))?$/

const PATTERN_LENGTH_MAX = 1000

/** Writes a moment by a pattern in a time zone; names of months and days are English. */
export function formatDate(ms: number, pattern: string, zone: string): string {
  if (pattern.length > PATTERN_LENGTH_MAX) {
    throw new BuiltinFailure(`the pattern of a date has at most ${PATTERN_LENGTH_MAX} characters.`)
  }
  charge(pattern.length / 4)
  const offsetMs = zone === 'UTC' ? 0 : zoneOffsetMs(ms, zone)
  // A date whose UTC fields read as the zone's wall clock.
  const local = new Date(ms + offsetMs)
  return pattern.replaceAll(
    TOKEN_PATTERN,
    (token, literal: string | undefined) => literal ?? field(token, local, offsetMs),
  )
}

function field(token: string, date: Date, offsetMs: number): string {
  const hour = date.getUTCHours()
  switch (token) {
    case 'YYYY':
      return String(date.getUTCFullYear()).padStart(4, '0')
    case 'YY':
      return padded(date.getUTCFullYear() % 100)
    case 'MMMM':
      return months[date.getUTCMonth()] ?? ''
    case 'MMM':
      return (months[date.getUTCMonth()] ?? '').slice(0, 3)
    case 'MM':
      return padded(date.getUTCMonth() + 1)
    case 'M':
      return String(date.getUTCMonth() + 1)
    case 'DD':
      return padded(date.getUTCDate())
    case 'D':
      return String(date.getUTCDate())
    case 'dddd':
      return WEEKDAYS[date.getUTCDay()] ?? ''
    case 'ddd':
      return (WEEKDAYS[date.getUTCDay()] ?? '').slice(0, 3)
    case 'HH':
      return padded(hour)
    case 'H':
      return String(hour)
    case 'hh':
      return padded(hour % 12 || 12)
    case 'h':
      return String(hour % 12 || 12)
    case 'mm':
      return padded(date.getUTCMinutes())
    case 'm':
      return String(date.getUTCMinutes())
    case 'ss':
      return padded(date.getUTCSeconds())
    case 's':
      return String(date.getUTCSeconds())
    case 'SSS':
      return String(date.getUTCMilliseconds()).padStart(3, '0')
    case 'A':
      return hour < 12 ? 'AM' : 'PM'
    case 'a':
      return hour < 12 ? 'am' : 'pm'
    default:
      return offsetText(offsetMs)
  }
}

function padded(value: number): string {
  return String(value).padStart(2, '0')
}

function offsetText(offsetMs: number): string {
  const minutes = Math.abs(Math.round(offsetMs / 60_000))
  return `${offsetMs < 0 ? '-' : '+'}${padded(Math.floor(minutes / 60))}:${padded(minutes % 60)}`
}

function zoneOffsetMs(ms: number, zone: string): number {
  charge(40)
  const fixed = OFFSET.exec(zone)
  if (fixed !== null) {
    const [, sign, hours, minutes = '0'] = fixed
    return (sign === '+' ? 1 : -1) * (Number(hours) * 60 + Number(minutes)) * 60_000
  }
  // As "3/5/2024, 15:07:09": reading that takes a tenth of the time of formatToParts.
  const [month = 0, day = 0, year = 0, hour = 0, minute = 0, second = 0] = (
    formatterOf(zone).format(ms).match(/\d+/g) ?? []
  ).map(Number)
  const wall = Date.UTC(year, month - 1, day, hour, minute, second)
  return wall - Math.floor(ms / 1000) * 1000
}

function formatterOf(zone: string): Intl.DateTimeFormat {
  checkLocaleName(zone)
  const name = zone.toLowerCase()
  const known = formatters.get(name)
  if (known !== undefined) return known
  charge(2_000)
  let made: Intl.DateTimeFormat
  try {
    made = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      calendar: 'gregory',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
  } catch {
    throw new BuiltinFailure('the time zone is not known; use a name such as Europe/Berlin or UTC.')
  }
  if (formatters.size >= FORMATTERS_MAX) formatters.clear()
  formatters.set(name, made)
  return made
}
