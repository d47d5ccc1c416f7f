import type { Value } from '@streamstack/protocol'
import { BuiltinFailure } from '../failure.ts'
import { limits } from '../limits.ts'
import { numberOf, order } from '../operator.ts'
import {
  checkListItems,
  checkSortedItems,
  identityText,
  isList,
  isObject,
  type List,
  setProperty,
  textOf,
  typeName,
  WalkBudget,
} from '../value.ts'
import { charge, chargeNames } from '../work.ts'
import {
  any,
  type Builtin,
  callback,
  type Callback,
  defineFunction,
  list,
  number,
  optional,
  rest,
  selector,
  text,
} from './builtin.ts'

/** Functions of lists. Where one takes `by`, that is an arrow function of the item or the name of a property. */
export const listFunctions: readonly Builtin[] = [
  defineFunction('list', {
    name: 'Array.isArray',
    readsAll: false,
    summary: 'Whether the value is a list.',
    parameters: [any('value')],
    example: ['Array.isArray([])', true],
    run: (value) => isList(value),
  }),
  defineFunction('list', {
    name: 'Array.from',
    summary:
      'A list of the items of a list, the characters of a text, or of {length} empty items; mapped if a function is given.',
    parameters: [any('source'), optional(callback('function'))],
    example: ['Array.from({length: 3}, (_, i) => i * i)', [0, 1, 4]],
    run: (source, call) => {
      const items = itemsOf(source)
      return call === undefined ? items : items.map((item, index) => call(item, index, null, null))
    },
  }),
  defineFunction('list', {
    name: 'length',
    readsAll: false,
    summary: 'How many characters a text, items a list, or properties an object has; 0 for null.',
    parameters: [any('value')],
    example: ['length([1, 2, 3])', 3],
    run: (value) => {
      if (value === null) return 0
      if (typeof value === 'string' || isList(value)) return value.length
      if (isObject(value)) {
        const count = Object.keys(value).length
        chargeNames(count)
        return count
      }
      throw new BuiltinFailure(`${typeName(value)} has no length.`)
    },
  }),
  defineFunction('list', {
    name: 'first',
    readsAll: false,
    summary: 'The first item; null when there is none.',
    parameters: [list('list')],
    example: ["first(['a', 'b'])", 'a'],
    run: (items) => items[0] ?? null,
  }),
  defineFunction('list', {
    name: 'last',
    readsAll: false,
    summary: 'The last item; null when there is none.',
    parameters: [list('list')],
    example: ["last(['a', 'b'])", 'b'],
    run: (items) => items.at(-1) ?? null,
  }),
  defineFunction('list', {
    name: 'unique',
    summary: 'The items without repetitions; equal objects are the same.',
    parameters: [list('list'), optional(selector('by'))],
    example: ['unique([1, 2, 1, {a: 1}, {a: 1}])', [1, 2, { a: 1 }]],
    run: (items, by) => {
      const budget = new WalkBudget()
      const seen = new Set<Value>()
      return items.filter((item, index) => {
        const identity = identityOf(by === undefined ? item : by(item, index, items, null), budget)
        if (seen.has(identity)) return false
        seen.add(identity)
        return true
      })
    },
  }),
  defineFunction('list', {
    name: 'compact',
    summary: 'The items without null, false, 0, NaN and empty texts.',
    parameters: [list('list')],
    example: ["compact([1, null, '', 2])", [1, 2]],
    run: (items) => items.filter(Boolean),
  }),
  defineFunction('list', {
    name: 'sum',
    summary: 'The sum of the numbers, 0 when there are none; null is skipped.',
    parameters: [list('list'), optional(selector('by'))],
    example: ["sum([{price: 2}, {price: 3}], 'price')", 5],
    run: (items, by) => numbersOf(items, by).reduce((total, value) => total + value, 0),
  }),
  defineFunction('list', {
    name: 'average',
    summary: 'The mean of the numbers, null when there are none; null is skipped.',
    parameters: [list('list'), optional(selector('by'))],
    example: ['average([1, 2, 6])', 3],
    run: (items, by) => {
      const values = numbersOf(items, by)
      return values.length === 0 ? null : values.reduce((total, value) => total + value, 0) / values.length
    },
  }),
  defineFunction('list', {
    name: 'groupBy',
    summary: 'An object of lists: the items by what the function or property gives.',
    parameters: [list('list'), selector('by')],
    example: [
      "groupBy([{k: 'a', n: 1}, {k: 'b', n: 2}, {k: 'a', n: 3}], 'k')",
      {
        a: [
          { k: 'a', n: 1 },
          { k: 'a', n: 3 },
        ],
        b: [{ k: 'b', n: 2 }],
      },
    ],
    run: (items, by) => {
      const budget = new WalkBudget()
      const groups = new Map<string, Value[]>()
      items.forEach((item, index) => {
        const key = textOf(by(item, index, items, null), budget)
        const group = groups.get(key)
        if (group === undefined) groups.set(key, [item])
        else group.push(item)
      })
      return objectOf(groups)
    },
  }),
  defineFunction('list', {
    name: 'countBy',
    summary: 'An object of numbers: how many items give each result of the function or property.',
    parameters: [list('list'), selector('by')],
    example: ["countBy(['a', 'b', 'a'], item => item)", { a: 2, b: 1 }],
    run: (items, by) => {
      const budget = new WalkBudget()
      const counts = new Map<string, number>()
      items.forEach((item, index) => {
        const key = textOf(by(item, index, items, null), budget)
        counts.set(key, (counts.get(key) ?? 0) + 1)
      })
      return objectOf(counts)
    },
  }),
  defineFunction('list', {
    name: 'keyBy',
    summary: 'An object of the items by what the function or property gives; of equals the last stays.',
    parameters: [list('list'), selector('by')],
    example: ["keyBy([{id: 7, n: 1}], 'id')", { 7: { id: 7, n: 1 } }],
    run: (items, by) => {
      const budget = new WalkBudget()
      return objectOf(new Map(items.map((item, index) => [textOf(by(item, index, items, null), budget), item])))
    },
  }),
  defineFunction('list', {
    name: 'sortBy',
    summary:
      "A new list in the order of what the function or property gives, 'desc' for the opposite; null stands last.",
    parameters: [list('list'), selector('by'), optional(text('direction'))],
    example: ["sortBy([{n: 10}, {n: 9}], 'n')", [{ n: 9 }, { n: 10 }]],
    run: (items, by, direction = 'asc') => {
      if (!/^(?:asc|desc)$/i.test(direction)) throw new BuiltinFailure("the direction is 'asc' or 'desc'.")
      checkSortedItems(items.length)
      const sign = /^desc$/i.test(direction) ? -1 : 1
      const keyed = items.map((item, index) => ({ item, key: by(item, index, items, null) }))
      return keyed.sort((left, right) => naturalOrder(left.key, right.key, sign)).map(({ item }) => item)
    },
  }),
  defineFunction('list', {
    name: 'chunk',
    summary: 'A list of lists with a number of items each; the last may have fewer.',
    parameters: [list('list'), number('size')],
    example: ['chunk([1, 2, 3], 2)', [[1, 2], [3]]],
    run: (items, size) => {
      if (!(size >= 1)) throw new BuiltinFailure('the size must be 1 or more.')
      const whole = Math.floor(size)
      charge((items.length / whole) * 2)
      return Array.from({ length: Math.ceil(items.length / whole) }, (_, index) => {
        return items.slice(index * whole, (index + 1) * whole)
      })
    },
  }),
  defineFunction('list', {
    name: 'range',
    summary: 'The numbers from a start up to, not including, an end, by a step; with one argument from 0.',
    parameters: [number('start'), optional(number('end')), optional(number('step'))],
    example: ['range(1, 10, 3)', [1, 4, 7]],
    run: (start, end, step = 1) => {
      const [from, to] = end === undefined ? [0, start] : [start, end]
      if (!Number.isFinite(from) || !Number.isFinite(to) || !Number.isFinite(step) || step === 0) {
        throw new BuiltinFailure('start, end and step must be numbers, the step not 0.')
      }
      const count = Math.max(0, Math.ceil((to - from) / step))
      checkListItems(count)
      const numbers: number[] = []
      charge(count / 4)
      for (let index = 0; index < count; index += 1) numbers.push(from + index * step)
      return numbers
    },
  }),
  defineFunction('list', {
    name: 'intersection',
    summary: 'The items of the first list that stand in all the others.',
    parameters: [list('list'), rest(list('others'))],
    example: ['intersection([1, 2, 3], [2, 3, 4])', [2, 3]],
    run: (items, others) => {
      const budget = new WalkBudget()
      const sets = others.map((other) => identitiesOf(other, budget))
      return items.filter((item) => {
        const identity = identityOf(item, budget)
        return sets.every((set) => set.has(identity))
      })
    },
  }),
  defineFunction('list', {
    name: 'difference',
    summary: 'The items of the first list that stand in none of the others.',
    parameters: [list('list'), rest(list('others'))],
    example: ['difference([1, 2, 3], [2])', [1, 3]],
    run: (items, others) => {
      const budget = new WalkBudget()
      const excluded = identitiesOf(others.flat(), budget)
      return items.filter((item) => !excluded.has(identityOf(item, budget)))
    },
  }),
]

function itemsOf(source: Value): List {
  if (isList(source)) return source.slice()
  if (typeof source === 'string') {
    checkTextLength(source)
    charge(source.length / 2)
    return Array.from(source)
  }
  const length = isObject(source) && Object.hasOwn(source, 'length') ? source.length : null
  if (typeof length !== 'number' || !(length >= 0)) {
    throw new BuiltinFailure('Array.from needs a list, a text, or an object such as {length: 3}.')
  }
  checkListItems(length)
  return Array.from({ length: Math.floor(length) }, () => null)
}

function checkTextLength(source: string): void {
  // A text of code points has at least half as many characters as UTF-16 units.
  if (source.length > 2 * limits.listItemsMax) checkListItems(source.length)
}

function numbersOf(items: List, by: Callback | undefined): number[] {
  charge(items.length / 4)
  const values = by === undefined ? items : items.map((item, index) => by(item, index, items, null))
  return values.filter((value) => value !== null).map((value) => numberOf(value))
}

/** What makes two items the same: for lists and objects their JSON, marked so that no text is taken for it. */
function identityOf(value: Value, budget: WalkBudget): Value {
  charge(4)
  if (typeof value === 'string') return `text:${textOf(value, budget)}`
  return typeof value === 'object' && value !== null ? `json:${identityText(value, budget)}` : value
}

function identitiesOf(items: List, budget: WalkBudget): Set<Value> {
  return new Set(items.map((item) => identityOf(item, budget)))
}

function naturalOrder(left: Value, right: Value, sign: number): number {
  charge(0.6)
  if (left === null || right === null) return left === right ? 0 : left === null ? 1 : -1
  if (typeof left === typeof right) return sign * (order(left, right) || 0)
  // Different types have no order of their own: numbers before texts, as databases do.
  return sign * (typeof left < typeof right ? -1 : 1)
}

function objectOf(entries: ReadonlyMap<string, Value>): Value {
  const made: Record<string, Value> = {}
  for (const [key, value] of entries) setProperty(made, key, value)
  return made
}
