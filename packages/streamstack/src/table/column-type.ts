import { StreamstackError, type Value } from '@streamstack/protocol'
import { jsonText } from '../expression/index.ts'
import { parseExactJson } from '../text/parse-exact-json.ts'
import { wholeDigits, wholeNumber } from '../text/whole-number.ts'
import { isoMilliseconds, writtenMilliseconds } from './timestamp-text.ts'

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
export const TEXT_LENGTH_MAX = 16 * 1024 * 1024

/** JSON nested deeper than this is refused; databases give up at 1,000. */
const JSON_DEPTH_MAX = 200

const misfits = {
  integer: { misfit: 'must be a whole number of at most 64 bits' },
  number: { misfit: 'must be a finite number' },
  exact: {
    misfit: 'must be a number that 64-bit floating point holds exactly; a column of type integer keeps 64 bits',
  },
  text: { misfit: 'must be text' },
  boolean: { misfit: 'must be true or false' },
  timestamp: { misfit: 'must be a date and time such as 2026-05-01T12:30:00Z, or milliseconds since 1970' },
  uuid: { misfit: 'must be a UUID such as 3f2504e0-4f89-41d3-9a0c-0305e82c3301' },
  nul: { misfit: 'must not hold the character U+0000, which databases cannot keep' },
  long: { misfit: `must not be longer than ${TEXT_LENGTH_MAX} characters` },
  pair: { misfit: 'must not hold half of a surrogate pair, which no encoding of text can keep' },
  finite: { misfit: 'must not hold NaN or Infinity, which JSON cannot keep' },
  deep: { misfit: `must not be nested deeper than ${JSON_DEPTH_MAX} levels` },
} as const satisfies Record<string, Misfit>

/** Tells a stored value from the reason why there is none. */
export function isMisfit(value: StoredValue | Misfit): value is Misfit {
  return typeof value === 'object' && value !== null
}

/** Integers that a JavaScript number holds exactly stay numbers; the others travel as their decimal text. */
function integerOf(value: Value): StoredValue | Misfit {
  return wholeNumber(value) ?? misfits.integer
}

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/

/** A number from text must be the one that stands there: nothing is rounded to another whole number, or to 0. */
function numberOf(value: Value): StoredValue | Misfit {
  const number = typeof value === 'string' && DECIMAL.test(value) ? Number(value) : value
  if (typeof value === 'string' && typeof number === 'number') {
    if (number === 0 && /[1-9]/.test(value.replace(/e.*/i, ''))) return misfits.number
    const digits = wholeDigits(value)
    if (digits !== null && BigInt(digits) !== BigInt(number)) return misfits.exact
  }
  // Adding 0 turns -0 into 0: databases keep no negative zero, and the same record must read the same everywhere.
  return typeof number === 'number' && Number.isFinite(number) ? number + 0 : misfits.number
}

function textOf(value: Value): StoredValue | Misfit {
  if (typeof value !== 'string') return misfits.text
  if (value.length > TEXT_LENGTH_MAX) return misfits.long
  if (value.includes('\0')) return misfits.nul
  // Half a surrogate pair has no UTF-8 form; databases would change or refuse it.
  return value.toWellFormed()
}

function booleanOf(value: Value): StoredValue | Misfit {
  return value === true ? 1 : value === false ? 0 : misfits.boolean
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
  return typeof value === 'string' ? timestampText(isoMilliseconds(value)) : misfits.timestamp
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

function uuidOf(value: Value): StoredValue | Misfit {
  return typeof value === 'string' && UUID.test(value) ? value.toLowerCase() : misfits.uuid
}

/** Why a value is no JSON that a database keeps; null when it is. */
function jsonMisfit(value: Value, depth: number): Misfit | null {
  if (typeof value === 'number') return Number.isFinite(value) ? null : misfits.finite
  if (typeof value !== 'object' || value === null) return null
  if (depth === JSON_DEPTH_MAX) return misfits.deep
  for (const inner of Array.isArray(value) ? value : Object.values(value)) {
    const misfit = jsonMisfit(inner, depth + 1)
    if (misfit !== null) return misfit
  }
  return null
}

function jsonOf(value: Value): StoredValue | Misfit {
  const text = boundedJson(value)
  return isMisfit(text) ? text : (jsonMisfit(value, 0) ?? text)
}

/** A value that holds the same list many times over is small in memory and endless as text. */
function boundedJson(value: Value): string | Misfit {
  try {
    return jsonText(value, TEXT_LENGTH_MAX)
  } catch (error) {
    if (!(error instanceof StreamstackError) || error.code !== 'limit_exceeded') throw error
    return error.message.includes('levels deep') ? misfits.deep : misfits.long
  }
}

const truths: ReadonlyMap<string, number> = new Map([
  ...['true', 't', 'yes', 'y', '1', 'on'].map((word): [string, number] => [word, 1]),
  ...['false', 'f', 'no', 'n', '0', 'off'].map((word): [string, number] => [word, 0]),
])

function timestampCoerced(value: Value): StoredValue | Misfit {
  if (typeof value !== 'string') return timestampOf(value)
  const stored = timestampOf(value.trim())
  return isMisfit(stored) ? timestampText(writtenMilliseconds(value)) : stored
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
    coerce: (value) => {
      const text = typeof value === 'string' ? value : boundedJson(value)
      if (isMisfit(text)) return text
      return text.isWellFormed() ? textOf(text) : misfits.pair
    },
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
export const COLUMN_TYPES: readonly ColumnType[] = ['integer', 'number', 'text', 'boolean', 'timestamp', 'json', 'uuid']

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
