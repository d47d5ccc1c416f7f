import type { Value } from '@streamstack/protocol'
import { BuiltinFailure } from '../failure.ts'
import { formatDate } from './date-format.ts'
import { dateParts, parseDate } from './date-parse.ts'
import { any, type Builtin, defineFunction, number, optional, text } from './builtin.ts'

const unitMs: Readonly<Record<string, number>> = {
  milliseconds: 1,
  seconds: 1000,
  minutes: 60_000,
  hours: 3_600_000,
  days: 86_400_000,
  weeks: 604_800_000,
}

const date = any('date')

/** Dates are ISO 8601 text or milliseconds since 1970; text without a zone is UTC. Results keep the form of their argument. */
export const dateBuiltins: readonly Builtin[] = [
  defineFunction('date', {
    name: 'Date.now',
    summary: 'The present time in milliseconds since 1970.',
    parameters: [],
    example: ["Date.now() > Date.parse('2020-01-01')", true],
    pure: false,
    run: () => Date.now(),
  }),
  ...['Date.parse', 'toTimestamp'].map((name) =>
    defineFunction('date', {
      name,
      summary: 'The milliseconds since 1970 of a date; NaN when it is none.',
      parameters: [date],
      example: [`${name}('2024-01-01T00:00:00Z')`, 1_704_067_200_000],
      run: (value) => parseDate(value),
    }),
  ),
  defineFunction('date', {
    name: 'toISOString',
    cost: 8,
    summary: 'The date as ISO 8601 text in UTC.',
    parameters: [date],
    example: ['toISOString(0)', '1970-01-01T00:00:00.000Z'],
    run: (value) => isoText(instant(value)),
  }),
  defineFunction('date', {
    name: 'formatDate',
    cost: 20,
    summary:
      'The date by a pattern of YYYY YY MMMM MMM MM M DD D dddd ddd HH H hh h mm m ss s SSS A a Z, other text in [ ]; in UTC, or a time zone such as Europe/Berlin.',
    parameters: [date, text('pattern'), optional(text('zone'))],
    example: ["formatDate('2024-03-05T14:07:09Z', 'DD MMM YYYY, HH:mm')", '05 Mar 2024, 14:07'],
    run: (value, pattern, zone) => formatDate(instant(value), pattern, zone ?? 'UTC'),
  }),
  ...Object.entries(unitMs).flatMap(([unit, ms]) => {
    const name = `add${capitalized(unit)}`
    return defineFunction('date', {
      name,
      summary: `The date some ${unit} later, or earlier for a negative number.`,
      parameters: [date, number('count')],
      example: [`${name}(0, 2)`, 2 * ms],
      run: (value, count) => sameForm(value, instant(value) + count * ms),
    })
  }),
  defineFunction('date', {
    name: 'addMonths',
    cost: 6,
    summary: 'The date some months later; a day that the month lacks becomes its last.',
    parameters: [date, number('count')],
    example: ["addMonths('2024-01-31T00:00:00.000Z', 1)", '2024-02-29T00:00:00.000Z'],
    run: (value, count) => sameForm(value, addMonths(instant(value), count)),
  }),
  defineFunction('date', {
    name: 'addYears',
    cost: 6,
    summary: 'The date some years later; 29 February becomes the 28th where needed.',
    parameters: [date, number('count')],
    example: ["addYears('2024-02-29T00:00:00.000Z', 1)", '2025-02-28T00:00:00.000Z'],
    run: (value, count) => sameForm(value, addMonths(instant(value), 12 * count)),
  }),
  defineFunction('date', {
    name: 'dateDiff',
    cost: 4,
    summary:
      'How much later the second date is, in whole milliseconds, seconds, minutes, hours, days (unless given) or weeks.',
    parameters: [any('from'), any('to'), optional(text('unit'))],
    example: ["dateDiff('2024-01-01', '2024-03-01')", 60],
    run: (from, to, unit = 'days') => {
      const name = unit.endsWith('s') ? unit : `${unit}s`
      const ms = Object.hasOwn(unitMs, name) ? unitMs[name] : undefined
      if (ms === undefined) throw new BuiltinFailure(`the unit is one of ${Object.keys(unitMs).join(', ')}.`)
      return Math.trunc((instant(to) - instant(from)) / ms)
    },
  }),
  defineFunction('date', {
    name: 'startOfDay',
    summary: 'Midnight, in UTC, of the day of the date.',
    parameters: [date],
    example: ["startOfDay('2024-03-05T14:07:09Z')", '2024-03-05T00:00:00.000Z'],
    run: (value) => sameForm(value, Math.floor(instant(value) / 86_400_000) * 86_400_000),
  }),
  ...dateParts.map(({ name, summary, read, result }) =>
    defineFunction('date', {
      name,
      summary,
      parameters: [date],
      example: [`${name}('2024-03-05T14:07:09Z')`, result],
      run: (value) => read(new Date(instant(value))),
    }),
  ),
]

function instant(value: Value): number {
  const ms = parseDate(value)
  if (Number.isNaN(ms)) {
    throw new BuiltinFailure('the date must be ISO 8601 text such as 2024-03-05T14:07:09Z, or milliseconds since 1970.')
  }
  return ms
}

function sameForm(value: Value, ms: number): Value {
  return typeof value === 'number' ? ms : isoText(ms)
}

function isoText(ms: number): string {
  const made = new Date(ms)
  if (Number.isNaN(made.getTime())) throw new BuiltinFailure('the date is outside the years that dates can have.')
  return made.toISOString()
}

function addMonths(ms: number, count: number): number {
  const from = new Date(ms)
  const target = new Date(ms)
  target.setUTCDate(1)
  target.setUTCMonth(target.getUTCMonth() + count)
  const daysInMonth = new Date(Date.UTC(target.getUTCFullYear(), target.getUTCMonth() + 1, 0)).getUTCDate()
  target.setUTCDate(Math.min(from.getUTCDate(), daysInMonth))
  return target.getTime()
}

function capitalized(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}
