import type { Value } from '@streamstack/protocol'

const ISO_PATTERN =
  /^([+-]\d{6}|\d{4})(?:-(\d\d)(?:-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s?(Z|[+-]\d\d(?::?\d\d)?)?)?)?)?$/i

/** Years beyond ±271821 have no place in JavaScript's time (ECMA-262, 21.4.1.1). */
const TIME_MS_MAX = 8.64e15

/**
 * Milliseconds since 1970 of ISO 8601 text or of a number of milliseconds; NaN for anything else. Text without a zone is
 * UTC, so that the same definition gives the same answer on every machine.
 */
export function parseDate(value: Value): number {
  if (typeof value === 'number') return Math.abs(value) <= TIME_MS_MAX ? value : NaN
  if (typeof value !== 'string') return NaN
  const match = ISO_PATTERN.exec(value.trim())
  if (match === null) return NaN
  const [, year = '', month = '01', day = '01', hour = '00', minute = '00', second = '00', fraction = '', zone = 'Z'] =
    match
  const ms = fraction.padEnd(3, '0').slice(0, 3)
  const parsed = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}${isoZone(zone)}`)
  // Date.parse lets 30 February become 1 March.
  const isReal = Number(day) <= new Date(Date.UTC(2000 + (Number(year) % 400), Number(month), 0)).getUTCDate()
  return isReal ? parsed : NaN
}

function isoZone(zone: string): string {
  if (/^z$/i.test(zone)) return 'Z'
  const digits = zone.slice(1).replace(':', '').padEnd(4, '0')
  return `${zone.charAt(0)}${digits.slice(0, 2)}:${digits.slice(2)}`
}

/** The functions that read one part of a date, in UTC; `result` is theirs for 2024-03-05T14:07:09Z, a Tuesday. */
export const dateParts: readonly { name: string; summary: string; read: (date: Date) => number; result: number }[] = [
  { name: 'year', summary: 'The year, in UTC.', read: (date) => date.getUTCFullYear(), result: 2024 },
  { name: 'month', summary: 'The month from 1 to 12, in UTC.', read: (date) => date.getUTCMonth() + 1, result: 3 },
  { name: 'day', summary: 'The day of the month from 1, in UTC.', read: (date) => date.getUTCDate(), result: 5 },
  { name: 'hour', summary: 'The hour from 0 to 23, in UTC.', read: (date) => date.getUTCHours(), result: 14 },
  { name: 'minute', summary: 'The minute from 0 to 59.', read: (date) => date.getUTCMinutes(), result: 7 },
  { name: 'second', summary: 'The second from 0 to 59.', read: (date) => date.getUTCSeconds(), result: 9 },
  {
    name: 'weekday',
    summary: 'The day of the week from 1 (Monday) to 7 (Sunday), in UTC, as ISO 8601 counts.',
    read: (date) => date.getUTCDay() || 7,
    result: 2,
  },
]
