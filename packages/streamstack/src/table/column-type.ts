import type { Value } from '@streamstack/protocol'
import { parseExactJson } from '../text/parse-exact-json.ts'

/** What a column holds. */
export type ColumnType = 'integer' | 'number' | 'text' | 'boolean' | 'timestamp' | 'json' | 'uuid'

/** What a database keeps in one cell; JSON columns keep their text, booleans 0 and 1. */
export type StoredValue = null | number | bigint | string

/** Why a value does not fit: `must be …`, to be put behind the column's name. */
export interface Misfit {
  readonly misfit: string
}

/** How values of one column type are checked, stored and read. */
export interface ColumnCodec {
  /** What the type must be, for messages: `a whole number`. */
  readonly expects: string
  /** Checks a value of a record and gives what is stored. Never called with null. */
  store(value: Value): StoredValue | Misfit
  /** Checks a value that the column is compared with; wider than `store` where the comparison still makes sense. */
  operand(value: Value): StoredValue | Misfit
  /** Reads text of a file or a value of another type, as imports need it. Never called with null or ''. */
  coerce(value: Value): StoredValue | Misfit
}

/** Text longer than this is refused: a cell is no place for files. */
export const textLengthMax = 16 * 1024 * 1024

/** JSON nested deeper than this is refused; databases give up at 1,000. */
const jsonDepthMax = 200

const int64Min = -(2n ** 63n)
const int64Max = 2n ** 63n - 1n

const misfits = {
  integer: { misfit: 'must be a whole number of at most 64 bits' },
  number: { misfit: 'must be a finite number' },
  text: { misfit: 'must be text' },
  boolean: { misfit: 'must be true or false' },
  timestamp: { misfit: 'must be a date and time such as 2026-05-01T12:30:00Z, or milliseconds since 1970' },
  uuid: { misfit: 'must be a UUID such as 3f2504e0-4f89-41d3-9a0c-0305e82c3301' },
  nul: { misfit: 'must not hold the character U+0000, which databases cannot keep' },
  long: { misfit: `must not be longer than ${textLengthMax} characters` },
  deep: { misfit: `must not be nested deeper than ${jsonDepthMax} levels` },
} as const satisfies Record<string, Misfit>

/** Tells a stored value from the reason why there is none. */
export function isMisfit(value: StoredValue | Misfit): value is Misfit {
  return typeof value === 'object' && value !== null
}

/** Integers that a JavaScript number holds exactly stay numbers; the others travel as their decimal text. */
function integerOf(value: Value): StoredValue | Misfit {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value + 0 : misfits.integer
  if (typeof value !== 'string' || !/^[+-]?\d{1,19}$/.test(value)) return misfits.integer
  const big = BigInt(value.startsWith('+') ? value.slice(1) : value)
  if (big < int64Min || big > int64Max) return misfits.integer
  const number = Number(big)
  return Number.isSafeInteger(number) ? number : big
}

const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/

function numberOf(value: Value): StoredValue | Misfit {
  const number = typeof value === 'string' && decimal.test(value) ? Number(value) : value
  // Adding 0 turns -0 into 0: databases keep no negative zero, and the same record must read the same everywhere.
  return typeof number === 'number' && Number.isFinite(number) ? number + 0 : misfits.number
}

function textOf(value: Value): StoredValue | Misfit {
  if (typeof value !== 'string') return misfits.text
  if (value.length > textLengthMax) return misfits.long
  if (value.includes('\0')) return misfits.nul
  // Half a surrogate pair has no UTF-8 form; databases would change or refuse it.
  return value.toWellFormed()
}

function booleanOf(value: Value): StoredValue | Misfit {
  return value === true ? 1 : value === false ? 0 : misfits.boolean
}

const iso = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s?(Z|z|[+-]\d\d(?::?\d\d)?)?)?$/

/** ISO 8601 text to UTC milliseconds; text without a zone is UTC. NaN when it is no such time. */
function millisecondsOf(text: string): number {
  const found = iso.exec(text)
  if (found === null) return Number.NaN
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', zone = 'Z'] = found
  if (+hour > 23 || +minute > 59 || +second > 59) return Number.NaN
  const date = new Date(0)
  date.setUTCFullYear(Number(year), +month! - 1, +day!)
  // Date rolls 30 February over to March; such a day does not exist.
  if (date.getUTCMonth() !== +month! - 1 || date.getUTCDate() !== +day!) return Number.NaN
  date.setUTCHours(+hour, +minute, +second, Number(fraction.padEnd(3, '0').slice(0, 3)))
  return date.getTime() - zoneMilliseconds(zone)
}

function zoneMilliseconds(zone: string): number {
  if (zone === 'Z' || zone === 'z') return 0
  const digits = zone.slice(1).replace(':', '').padEnd(4, '0')
  const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2))
  return (zone.startsWith('-') ? -minutes : minutes) * 60_000
}

/** Years 0000 to 9999: their text has one length, so that its order is the order of time. */
const timestampMin = Date.UTC(0, 0, 1) - Date.UTC(1900, 0, 1) + new Date('0000-01-01T00:00:00Z').getTime()
const timestampMax = new Date('9999-12-31T23:59:59.999Z').getTime()

function timestampText(milliseconds: number): StoredValue | Misfit {
  if (!(milliseconds >= timestampMin && milliseconds <= timestampMax)) return misfits.timestamp
  return new Date(milliseconds).toISOString()
}

function timestampOf(value: Value): StoredValue | Misfit {
  if (typeof value === 'number') return timestampText(Math.trunc(value))
  return typeof value === 'string' ? timestampText(millisecondsOf(value)) : misfits.timestamp
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

function uuidOf(value: Value): StoredValue | Misfit {
  return typeof value === 'string' && uuid.test(value) ? value.toLowerCase() : misfits.uuid
}

function depthOf(value: Value, depth: number): number {
  if (typeof value !== 'object' || value === null || depth > jsonDepthMax) return depth
  let deepest = depth + 1
  for (const inner of Array.isArray(value) ? value : Object.values(value)) {
    deepest = Math.max(deepest, depthOf(inner, depth + 1))
  }
  return deepest
}

function jsonOf(value: Value): StoredValue | Misfit {
  if (depthOf(value, 0) > jsonDepthMax) return misfits.deep
  const text = JSON.stringify(value)
  return text.length > textLengthMax ? misfits.long : text
}

const truths: ReadonlyMap<string, number> = new Map([
  ...['true', 't', 'yes', 'y', '1', 'on'].map((word): [string, number] => [word, 1]),
  ...['false', 'f', 'no', 'n', '0', 'off'].map((word): [string, number] => [word, 0]),
])

/** Month names make a date unambiguous; forms like 01/02/2003 mean two days and are refused. */
const namedMonth =
  /^(?:[a-z]{3,9},?\s+)?(?:[a-z]{3,9}\.?\s+\d{1,2},?|\d{1,2}[\s-][a-z]{3,9}\.?[\s-])\s*\d{4}(?:\s+\d\d?:\d\d(?::\d\d)?)?$/i

function timestampCoerced(value: Value): StoredValue | Misfit {
  if (typeof value !== 'string') return timestampOf(value)
  const text = value.trim().replaceAll('/', '-')
  const stored = timestampOf(/^\d{4}-\d{1,2}-\d{1,2}$/.test(text) ? padded(text) : text)
  if (!isMisfit(stored) || !namedMonth.test(value.trim())) return stored
  return timestampText(Date.parse(`${value.trim().replace(/(\d)-([a-z]+)-(\d)/i, '$1 $2 $3')} UTC`))
}

function padded(date: string): string {
  return date
    .split('-')
    .map((part) => part.padStart(2, '0'))
    .join('-')
}

/** Every column type by its name. */
export const columnCodecs: Readonly<Record<ColumnType, ColumnCodec>> = {
  integer: {
    expects: 'a whole number',
    store: integerOf,
    operand: (value) => {
      const stored = integerOf(value)
      // `delay > 10.5` is a fair question to a column of whole numbers.
      return isMisfit(stored) ? numberOf(value) : stored
    },
    coerce: (value) => {
      const stored = integerOf(typeof value === 'string' ? value.trim() : value)
      if (!isMisfit(stored)) return stored
      // Files often write whole numbers as 12.0.
      const number = numberOf(typeof value === 'string' ? value.trim() : value)
      return typeof number === 'number' && Number.isSafeInteger(number) ? number : misfits.integer
    },
  },
  number: {
    expects: 'a number',
    store: numberOf,
    operand: numberOf,
    coerce: (value) => numberOf(typeof value === 'string' ? value.trim() : value),
  },
  text: {
    expects: 'text',
    store: textOf,
    operand: textOf,
    coerce: (value) => textOf(typeof value === 'string' ? value : JSON.stringify(value)),
  },
  boolean: {
    expects: 'true or false',
    store: booleanOf,
    operand: booleanOf,
    coerce: (value) =>
      typeof value !== 'string' && typeof value !== 'number'
        ? booleanOf(value)
        : (truths.get(String(value).trim().toLowerCase()) ?? misfits.boolean),
  },
  timestamp: { expects: 'a date and time', store: timestampOf, operand: timestampOf, coerce: timestampCoerced },
  json: {
    expects: 'JSON',
    store: jsonOf,
    operand: jsonOf,
    coerce: (value) => {
      if (typeof value !== 'string') return jsonOf(value)
      const text = value.trim()
      // A cell that looks like a list or an object is one; any other text is a JSON string.
      if (!text.startsWith('{') && !text.startsWith('[')) return jsonOf(value)
      try {
        return jsonOf(parseExactJson(text))
      } catch (error) {
        if (error instanceof SyntaxError)
          return { misfit: 'must be JSON; it starts like a list or an object but is none' }
        throw error
      }
    },
  },
  uuid: {
    expects: 'a UUID',
    store: uuidOf,
    operand: uuidOf,
    coerce: (value) => uuidOf(typeof value === 'string' ? value.trim().replace(/^\{(.*)\}$/, '$1') : value),
  },
}

/** The names of the column types, in the order of the reference. */
export const columnTypes: readonly ColumnType[] = ['integer', 'number', 'text', 'boolean', 'timestamp', 'json', 'uuid']

function plainRead(stored: StoredValue): Value {
  return typeof stored === 'bigint' ? String(stored) : stored
}

/** Makes a value from what the database gives back, by column type. */
export const columnReads: Readonly<Record<ColumnType, (stored: StoredValue) => Value>> = {
  integer: plainRead,
  number: plainRead,
  text: plainRead,
  boolean: (stored) => (stored === null ? null : stored !== 0),
  timestamp: plainRead,
  json: (stored) => (stored === null ? null : JSON.parse(String(stored))),
  uuid: plainRead,
}
