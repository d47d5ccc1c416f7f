/**
 * Whether text is an email address as browsers see it (HTML standard, "valid email address"), which leaves out quoted
 * names and comments that no mail service hands out.
 */
export function isEmail(text: string): boolean {
  if (text.length > 254) return false
  const at = text.indexOf('@')
  const labels = text.slice(at + 1).split('.')
  return /^[\w.!#$%&'*+/=?^`{|}~-]+$/.test(text.slice(0, Math.max(at, 0))) && labels.every(isHostLabel)
}

function isHostLabel(label: string): boolean {
  return label.length <= 63 && /^[a-z\d-]+$/i.test(label) && !label.startsWith('-') && !label.endsWith('-')
}

/** Whether text is a UUID of any version, in lower or upper case (RFC 9562 §4). */
export function isUuid(text: string): boolean {
  return /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i.test(text)
}

/** The bounds of a JavaScript date. */
const EPOCH_MS_MAX = 8_640_000_000_000_000

/**
 * Whether a value is a point in time: text as RFC 3339 §5.6 writes it (a blank for the `T` allowed), a date alone (its
 * start in UTC), or whole milliseconds since 1970. A time without an offset is none: it differs with the reader.
 */
export function isTimestamp(value: unknown): boolean {
  if (typeof value === 'number') return Number.isInteger(value) && Math.abs(value) <= EPOCH_MS_MAX
  if (typeof value !== 'string') return false
  const match =
    /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,9})?)?(?:[Zz]|[+-](\d\d):?(\d\d)))?$/.exec(value)
  if (match === null) return false
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, offsetHour = 0, offsetMinute = 0] = match
    .slice(1)
    .map((part) => Number(part ?? 0))
  const isDate = month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month)
  return isDate && hour <= 23 && minute <= 59 && second <= 59 && offsetHour <= 23 && offsetMinute <= 59
}

function daysIn(year: number, month: number): number {
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0
  return [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0
}
