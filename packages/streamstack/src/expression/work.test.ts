import { StreamstackError, type Value } from '@streamstack/protocol'
import { describe, expect, test } from 'vitest'
import { type Builtin, builtins, type Parameter } from './index.ts'
import { evaluate } from './testing/evaluate.ts'
import { limits } from './limits.ts'
import { workDone } from './work.ts'

const characters = 200_000
const items = 50_000
const names = 20_000

const hostile = {
  text: 'x'.repeat(characters),
  list: Array.from({ length: items }, (_, at) => `item ${at}`),
  object: Object.fromEntries(Array.from({ length: names }, (_, at) => [`name ${at}`, at])),
} as const satisfies Record<string, Value>

/** What each kind of value costs at least when all of it is looked at. */
const least = { text: characters / 32, list: items / 4, object: names } as const
type Kind = keyof typeof hostile

/** Values that a call takes without complaint, in the place of those that are not hostile. */
const benign: Readonly<Record<Parameter['type'], string>> = {
  text: "'a'",
  number: '1',
  boolean: 'true',
  list: '[1]',
  object: '{a: 1}',
  any: '0',
  callback: '(one) => 1',
  selector: '(one) => 1',
}

const kindsOf: Readonly<Partial<Record<Parameter['type'], readonly Kind[]>>> = {
  text: ['text'],
  list: ['list'],
  object: ['object'],
  any: ['text', 'list', 'object'],
}

/** These take an object, or a list, without a look at all of it. */
const looksAtLittle = new Set(
  'Array.isArray Boolean first last length isEmpty get Object.hasOwn pick isEqual at slice Number.isInteger Number.isSafeInteger Number.isFinite Number.isNaN'.split(
    ' ',
  ),
)

interface Call {
  readonly expression: string
  readonly kind: Kind
  readonly builtin: Builtin
  /** Whether the hostile value is what the call is about, and not a value that it puts somewhere. */
  readonly isSubject: boolean
}

const calls = builtins.flatMap((builtin): Call[] => {
  const { receiver, parameters, name } = builtin
  const own: readonly Parameter[] = receiver === null ? [] : [{ name: 'receiver', type: receiver }]
  const all = [...own, ...parameters]
  return all.flatMap(({ type }, place) =>
    (kindsOf[type] ?? []).map((kind): Call => {
      const values = all.map((parameter, at) => (at === place ? kind : benign[parameter.type]))
      const given = values.slice(own.length).join(', ')
      const expression = receiver === null ? `${name}(${given})` : `(${values[0]}).${name}(${given})`
      return { expression, kind, builtin, isSubject: place === 0 }
    }),
  )
})

function work(expression: string, variables: Readonly<Record<string, Value>>): number {
  try {
    evaluate(`{{${expression}}}`, variables)
  } catch (error) {
    if (!(error instanceof StreamstackError) || error.code !== 'expression_failed') throw error
    // Refused before or while it worked: as good as counted.
    return Infinity
  }
  return workDone()
}

describe('the work of an evaluation', () => {
  test.each(calls)('counts the size of what $expression touches', ({ expression, kind, builtin, isSubject }) => {
    const counted = work(expression, hostile)
    const skips = kind !== 'text' && (!isSubject || looksAtLittle.has(builtin.name))
    const isWalked = kind !== 'object' || (builtin.group === 'object' && builtin.name !== 'Object.fromEntries')
    if (skips || !isWalked) return
    expect(counted).toBeGreaterThanOrEqual(least[kind])
  })

  test.each([
    ['[...list]', items / 2],
    ['range(0, 50000)', items / 2],
    ["text.replaceAll('x', 'y')", characters / 2],
    ["(text + text + text + text + text + text + text + text + text + text + text).replaceAll('x', 'y')", characters],
    ["text.split('x')", characters / 2],
    ['Object.entries(object)', names * 6],
    ['Object.fromEntries(list.map((one) => [one, 1]))', items * 5],
    ['unique(list)', items * 4],
    ['[...text]', characters / 4],
    ['({...object})', least.object],
    ['text + 1 === text + 1', least.text],
    ['text + 1 !== text + 2', least.text],
    ['text + 1 == text + 2', least.text],
    ['(text + 1) < (text + 2)', least.text],
    ['(text + 1) >= (text + 2)', least.text],
    ['text * 1', least.text],
    ['object[text]', characters / 16],
    ['({[text]: 1})', characters / 16],
    ['text in object', characters / 16],
    ['`${text}!`', least.text],
    ['Math.max(...list.map((one) => 1))', least.list],
    ["[object].map(({ 'name 1': one, ...others }) => 1)", least.object],
  ])('counts the size of what %s touches', (expression, counted) => {
    expect(work(expression, hostile)).toBeGreaterThanOrEqual(counted)
  })

  test.each([
    'range(0, 8000).reduce((all, id) => ({ ...all, [id]: true }), {})',
    'range(0, 8000).reduce((all, id) => [...all, id], [])',
    'range(0, 1000).map((n) => (text + n) < (text + (n + 1)))',
    'range(0, 1000).map((n) => object[text + n])',
    'sortBy(list.slice(0, 20000), (one) => text + one)',
    'list.slice(0, 20000).map((one) => text + one).sort()',
    'range(0, 1000).map((n) => keys(object))',
    'range(0, 1000).map((n) => merge(object, {n: n}))',
    'range(0, 1000).map((n) => isEqual(list, [...list]))',
    'range(0, 1000).map((n) => unique(list))',
    "range(0, 1000).map((n) => text.replaceAll('x', 'yy'))",
    'range(0, 1000).map((n) => Object.entries(object))',
    'list.map((one) => list.includes(one + "x"))',
    "range(0, 20000).map((n) => 'a'.localeCompare('b', 'de-x-a' + n))",
    "range(0, 2000).map((n) => formatNumber(n, 2, 'de-x-a' + n))",
    'list.map((one) => formatNumber(1, 0, "en-u-nu-" + one.slice(0, 4)))',
  ])('%s is refused, however large the sizes are that multiply', (expression) => {
    expect(() => evaluate(`{{${expression}}}`, hostile)).toThrow(/steps of work|longer than 16,777,216/)
    expect(workDone()).toBeLessThan(2 * limits.stepsMax)
  })

  test('begins anew with each evaluation, also of one without arrow functions', () => {
    for (let round = 0; round < 50; round += 1)
      expect(evaluate('{{text.toUpperCase().length}}', hostile)).toBe(characters)
    expect(workDone()).toBeLessThan(20_000)
  })

  test('leaves room for honest use', () => {
    const records = Array.from({ length: 10_000 }, (_, id) => ({
      id,
      name: `name ${id}`,
      at: id * 1e6,
      n: (id * 7919) % 997,
    }))
    const expressions = [
      'records.map((one) => ({ ...one, label: one.id + ": " + one.name }))',
      'sortBy(records, "n").slice(0, 10)',
      'groupBy(records, (one) => one.n % 10)',
      'unique(records.map((one) => one.n)).length',
      'records.filter((one) => one.n > 500).map((one) => formatDate(one.at, "YYYY-MM-DD", "Europe/Berlin"))',
      'JSON.stringify(records).length',
      'records.reduce((text, one) => text + one.name + ", ", "").length',
      'records.map((one) => round(one.n / 3, 2))',
    ]
    for (const expression of expressions) expect(work(expression, { records })).toBeLessThan(limits.stepsMax)
  })
})
