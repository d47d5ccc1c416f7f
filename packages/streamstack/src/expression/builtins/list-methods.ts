import type { Value } from '@streamstack/protocol'
import { BuiltinFailure } from '../failure.ts'
import { checkListItems, checkTextLength, isList, type List, textOf, WalkBudget } from '../value.ts'
import { charge } from '../work.ts'
import { any, type Builtin, defineMethod, list, number, optional, rest, text } from './builtin.ts'

/** Methods of lists that take no arrow function: JavaScript's own. None changes the list; each makes a new one. */
export const listMethods: readonly Builtin[] = [
  defineMethod('list', {
    name: 'at',
    readsAll: false,
    summary: 'The item at a position; negative positions count from the end. Null when there is none.',
    parameters: [number('position')],
    example: ['[1, 2, 3].at(-1)', 3],
    run: (receiver, position) => receiver.at(position) ?? null,
  }),
  defineMethod('list', {
    name: 'concat',
    summary: 'A new list with further items; of a list, its items.',
    parameters: [rest(any('items'))],
    example: ['[1].concat([2, 3], 4)', [1, 2, 3, 4]],
    run: (receiver, items) => {
      checkListItems(items.reduce<number>((count, item) => count + (isList(item) ? item.length : 1), receiver.length))
      return [receiver, ...items].flat()
    },
  }),
  defineMethod('list', {
    name: 'flat',
    summary: 'A new list with the items of inner lists in their place, one level deep unless a depth is given.',
    parameters: [optional(number('depth'))],
    example: ['[1, [2, [3]]].flat()', [1, 2, [3]]],
    run: (receiver, depth = 1) => {
      const found: Value[] = []
      flatten(receiver, depth, found)
      return found
    },
  }),
  defineMethod('list', {
    name: 'includes',
    summary: 'Whether the list holds a value.',
    parameters: [any('value'), optional(number('from'))],
    example: ["['a', 'b'].includes('b')", true],
    run: (receiver, value, from) => receiver.includes(value, from),
  }),
  defineMethod('list', {
    name: 'indexOf',
    summary: 'Where a value first stands, or -1.',
    parameters: [any('value'), optional(number('from'))],
    example: ["['a', 'b'].indexOf('b')", 1],
    run: (receiver, value, from) => receiver.indexOf(value, from),
  }),
  defineMethod('list', {
    name: 'lastIndexOf',
    summary: 'Where a value last stands, or -1.',
    parameters: [any('value')],
    example: ['[1, 2, 1].lastIndexOf(1)', 2],
    run: (receiver, value) => receiver.lastIndexOf(value),
  }),
  defineMethod('list', {
    name: 'join',
    summary: 'The items as one text, with a separator (a comma unless given) between them.',
    parameters: [optional(text('separator'))],
    example: ["['a', 'b'].join(' and ')", 'a and b'],
    run: (receiver, separator = ',') => {
      const budget = new WalkBudget()
      let length = 0
      const texts = receiver.map((item) => {
        const itemText = textOf(item, budget)
        length += itemText.length + separator.length
        checkTextLength(length - separator.length)
        return itemText
      })
      return texts.join(separator)
    },
  }),
  ...['toReversed', 'reverse'].map((name) =>
    defineMethod('list', {
      name,
      summary: 'A new list in the opposite order.',
      parameters: [],
      example: [`[1, 2, 3].${name}()`, [3, 2, 1]],
      run: (receiver) => receiver.toReversed(),
    }),
  ),
  defineMethod('list', {
    name: 'slice',
    readsAll: false,
    summary: 'The items from a position up to, not including, another; negative positions count from the end.',
    parameters: [optional(number('start')), optional(number('end'))],
    example: ['[1, 2, 3, 4].slice(1, 3)', [2, 3]],
    run: (receiver, start, end) => receiver.slice(start, end),
  }),
  defineMethod('list', {
    name: 'toSpliced',
    summary: 'A new list with some items from a position on taken out and others put there.',
    parameters: [number('start'), optional(number('count')), rest(any('items'))],
    example: ["['a', 'b', 'c'].toSpliced(1, 1, 'x', 'y')", ['a', 'x', 'y', 'c']],
    run: (receiver, start, count, items) => {
      const from = start < 0 ? Math.max(0, receiver.length + Math.trunc(start)) : Math.trunc(start)
      const after = from + Math.max(0, count ?? receiver.length)
      return [...receiver.slice(0, from), ...items, ...receiver.slice(after)]
    },
  }),
  defineMethod('list', {
    name: 'with',
    summary: 'A new list with one item replaced.',
    parameters: [number('position'), any('value')],
    example: ["['a', 'b'].with(1, 'x')", ['a', 'x']],
    run: (receiver, position, value) => {
      if (!(position >= -receiver.length && position < receiver.length)) {
        throw new BuiltinFailure(`the list has no position ${position}.`)
      }
      return receiver.with(position, value)
    },
  }),
  defineMethod('list', {
    name: 'entries',
    summary: 'A list of [position, item].',
    parameters: [],
    example: ["['a'].entries()", [[0, 'a']]],
    run: (receiver) => {
      charge(receiver.length)
      return receiver.map((item, index) => [index, item])
    },
  }),
  defineMethod('list', {
    name: 'keys',
    summary: 'The positions of the list.',
    parameters: [],
    example: ["['a', 'b'].keys()", [0, 1]],
    run: (receiver) => receiver.map((_, index) => index),
  }),
  defineMethod('list', {
    name: 'union',
    summary: 'The items of both lists, each once.',
    parameters: [list('other')],
    example: ['[1, 2].union([2, 3])', [1, 2, 3]],
    run: (receiver, other) => {
      charge((receiver.length + other.length) * 3)
      return [...new Set([...receiver, ...other])]
    },
  }),
]

function flatten(items: List, depth: number, into: Value[]): void {
  charge(1 + items.length / 4)
  for (const item of items) {
    if (isList(item) && depth >= 1) flatten(item, depth - 1, into)
    else into.push(item)
    checkListItems(into.length)
  }
}
