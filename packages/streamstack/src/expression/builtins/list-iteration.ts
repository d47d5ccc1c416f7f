import type { Value } from '@streamstack/protocol'
import { BuiltinFailure } from '../failure.ts'
import { numberOf, order } from '../operator.ts'
import { charge } from '../work.ts'
import { checkDepth, checkListItems, checkSortedItems, isList, type List, textOf, WalkBudget } from '../value.ts'
import { any, type Builtin, callback, type Callback, defineMethod, optional } from './builtin.ts'

/** Methods of lists that take an arrow function of (item, position, list). */
export const listIteration: readonly Builtin[] = [
  defineMethod('list', {
    name: 'map',
    summary: 'A new list of what the function makes of each item.',
    parameters: [callback('function')],
    example: ['[1, 2].map(n => n * 10)', [10, 20]],
    run: (receiver, call) => receiver.map((item, index) => call(item, index, receiver, null)),
  }),
  defineMethod('list', {
    name: 'filter',
    summary: 'A new list of the items for which the function is true.',
    parameters: [callback('test')],
    example: ['[1, 2, 3].filter(n => n > 1)', [2, 3]],
    run: (receiver, test) => receiver.filter((item, index) => test(item, index, receiver, null)),
  }),
  defineMethod('list', {
    name: 'find',
    summary: 'The first item for which the function is true; null when there is none.',
    parameters: [callback('test')],
    example: ['[1, 2, 3].find(n => n > 1)', 2],
    run: (receiver, test) => receiver.find((item, index) => test(item, index, receiver, null)) ?? null,
  }),
  defineMethod('list', {
    name: 'findIndex',
    summary: 'The position of the first item for which the function is true, or -1.',
    parameters: [callback('test')],
    example: ['[1, 2, 3].findIndex(n => n > 1)', 1],
    run: (receiver, test) => receiver.findIndex((item, index) => test(item, index, receiver, null)),
  }),
  defineMethod('list', {
    name: 'findLast',
    summary: 'The last item for which the function is true; null when there is none.',
    parameters: [callback('test')],
    example: ['[1, 2, 3].findLast(n => n < 3)', 2],
    run: (receiver, test) => receiver.findLast((item, index) => test(item, index, receiver, null)) ?? null,
  }),
  defineMethod('list', {
    name: 'findLastIndex',
    summary: 'The position of the last item for which the function is true, or -1.',
    parameters: [callback('test')],
    example: ['[1, 2, 3].findLastIndex(n => n < 3)', 1],
    run: (receiver, test) => receiver.findLastIndex((item, index) => test(item, index, receiver, null)),
  }),
  defineMethod('list', {
    name: 'some',
    summary: 'Whether the function is true for any item.',
    parameters: [callback('test')],
    example: ['[1, 2, 3].some(n => n > 2)', true],
    run: (receiver, test) => receiver.some((item, index) => test(item, index, receiver, null)),
  }),
  defineMethod('list', {
    name: 'every',
    summary: 'Whether the function is true for all items.',
    parameters: [callback('test')],
    example: ['[1, 2, 3].every(n => n > 2)', false],
    run: (receiver, test) => receiver.every((item, index) => test(item, index, receiver, null)),
  }),
  defineMethod('list', {
    name: 'flatMap',
    summary: 'A new list of what the function makes of each item; of a list, its items.',
    parameters: [callback('function')],
    example: ['[1, 2].flatMap(n => [n, -n])', [1, -1, 2, -2]],
    run: (receiver, call) => {
      const made: Value[] = []
      receiver.forEach((item, index) => {
        const result = call(item, index, receiver, null)
        if (isList(result)) for (const inner of result) made.push(inner)
        else made.push(result)
        checkListItems(made.length)
      })
      return made
    },
  }),
  defineMethod('list', {
    name: 'reduce',
    summary: 'One value made of all items: the function gets the result so far, the item, its position and the list.',
    parameters: [callback('function'), optional(any('initial'))],
    example: ['[1, 2, 3].reduce((sum, n) => sum + n, 0)', 6],
    run: (receiver, call, initial) => reduced(receiver, call, initial, false),
  }),
  defineMethod('list', {
    name: 'reduceRight',
    summary: 'As reduce, from the last item to the first.',
    parameters: [callback('function'), optional(any('initial'))],
    example: ["['a', 'b'].reduceRight((text, item) => text + item, '')", 'ba'],
    run: (receiver, call, initial) => reduced(receiver, call, initial, true),
  }),
  ...['toSorted', 'sort'].map((name) =>
    defineMethod('list', {
      name,
      summary:
        'A new, sorted list: by text unless a function of two items gives a negative, zero or positive number. See also sortBy.',
      parameters: [optional(callback('compare'))],
      example: [`[10, 9, 1].${name}((a, b) => a - b)`, [1, 9, 10]],
      run: (receiver, compare) => {
        checkSortedItems(receiver.length)
        return compare === undefined
          ? sortedByText(receiver)
          : receiver.toSorted((left, right) => numberOf(compare(left, right, null, null)))
      },
    }),
  ),
]

function reduced(items: List, call: Callback, initial: Value | undefined, fromEnd: boolean): Value {
  const step = fromEnd ? -1 : 1
  let index = fromEnd ? items.length - 1 : 0
  let result = initial
  if (result === undefined) {
    result = items[index]
    index += step
    if (result === undefined) throw new BuiltinFailure('an empty list needs an initial value as the second argument.')
  }
  for (; index >= 0 && index < items.length; index += step) result = call(result, items[index] ?? null, index, items)
  // The one method whose result can grow a level deeper with each item.
  checkDepth(result)
  return result
}

/** JavaScript's own order, with the texts made by us: its conversion of objects would look for methods in them. */
function sortedByText(items: List): List {
  const budget = new WalkBudget()
  const keyed = items.map((item) => ({ item, key: item === null ? 'null' : textOf(item, budget) }))
  keyed.sort((left, right) => {
    charge(0.6)
    return order(left.key, right.key)
  })
  return keyed.map(({ item }) => item)
}
