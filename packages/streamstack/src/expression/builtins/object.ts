import type { Value } from '@streamstack/protocol'
import { parseExactJson } from '../../text/parse-exact-json.ts'
import { BuiltinFailure } from '../failure.ts'
import { readComputed } from '../property.ts'
import {
  checkDepth,
  copyProperties,
  isDeeplyEqual,
  isList,
  isObject,
  jsonOf,
  keyOf,
  type Properties,
  setProperty,
  textOf,
  typeName,
  WalkBudget,
} from '../value.ts'
import { chargeJsonNames } from '../json-names.ts'
import { charge, chargeNames, chargeProperties } from '../work.ts'
import { any, type Builtin, defineFunction, number, object, optional, rest, text } from './builtin.ts'

/** Functions of objects and JSON. None changes its arguments. */
export const objectBuiltins: readonly Builtin[] = [
  ...['Object.keys', 'keys'].map((name) =>
    defineFunction('object', {
      name,
      summary: 'The names of the properties.',
      parameters: [any('object')],
      example: [`${name}({a: 1, b: 2})`, ['a', 'b']],
      run: (value) => counted(Object.keys(collection(value))),
    }),
  ),
  ...['Object.values', 'values'].map((name) =>
    defineFunction('object', {
      name,
      summary: 'The values of the properties.',
      parameters: [any('object')],
      example: [`${name}({a: 1, b: 2})`, [1, 2]],
      run: (value) => {
        const made = counted(Object.values(collection(value)))
        charge(made.length * 3)
        return made
      },
    }),
  ),
  defineFunction('object', {
    name: 'Object.entries',
    summary: 'A list of [name, value] for each property.',
    parameters: [any('object')],
    example: ['Object.entries({a: 1})', [['a', 1]]],
    run: (value) => {
      const made = counted(Object.entries(collection(value)))
      charge(made.length * 3)
      return made
    },
  }),
  defineFunction('object', {
    name: 'Object.fromEntries',
    summary: 'An object made of a list of [name, value].',
    parameters: [any('entries')],
    example: ["Object.fromEntries([['a', 1]])", { a: 1 }],
    run: (entries) => {
      const made: Record<string, Value> = {}
      if (!isList(entries)) throw new BuiltinFailure(`needs a list of [name, value], not ${typeName(entries)}.`)
      const budget = new WalkBudget()
      for (const entry of entries) {
        if (!isList(entry)) throw new BuiltinFailure(`needs a list of [name, value]; an item is ${typeName(entry)}.`)
        charge(5)
        setProperty(made, textOf(entry[0] ?? null, budget), entry[1] ?? null)
      }
      return made
    },
  }),
  ...['Object.assign', 'merge'].map((name) =>
    defineFunction('object', {
      name,
      summary: 'A new object with the properties of all; of equal names the last stays.',
      parameters: [rest(any('objects'))],
      example: [`${name}({a: 1, b: 1}, {b: 2})`, { a: 1, b: 2 }],
      run: (objects) => {
        const made: Record<string, Value> = {}
        for (const value of objects) if (value !== null) copyProperties(made, properties(value))
        return made
      },
    }),
  ),
  defineFunction('object', {
    name: 'Object.hasOwn',
    summary: 'Whether the object has a property.',
    parameters: [object('object'), text('name')],
    example: ["Object.hasOwn({a: 1}, 'a')", true],
    run: (value, name) => Object.hasOwn(value, keyOf(name)),
  }),
  defineFunction('object', {
    name: 'pick',
    summary: 'A new object with only the named properties; names are arguments or a list.',
    parameters: [object('object'), rest(any('names'))],
    example: ["pick({a: 1, b: 2, c: 3}, 'a', 'c')", { a: 1, c: 3 }],
    run: (value, names) => {
      const made: Record<string, Value> = {}
      for (const name of names.flat().map(keyOf)) {
        if (Object.hasOwn(value, name)) setProperty(made, name, value[name] ?? null)
      }
      return made
    },
  }),
  defineFunction('object', {
    name: 'omit',
    summary: 'A new object without the named properties; names are arguments or a list.',
    parameters: [object('object'), rest(any('names'))],
    example: ["omit({a: 1, b: 2}, 'b')", { a: 1 }],
    run: (value, names) => {
      const budget = new WalkBudget()
      const omitted = new Set(names.flat().map((name) => textOf(name, budget)))
      omitted.add('__proto__')
      const made: Record<string, Value> = {}
      const present = Object.keys(value)
      chargeProperties(present.length)
      for (const name of present) if (!omitted.has(name)) made[name] = value[name] ?? null
      return made
    },
  }),
  defineFunction('object', {
    name: 'get',
    readsAll: false,
    summary:
      'What stands at a path of names and positions; the fallback, or null, when something on the way is missing.',
    parameters: [any('value'), text('path'), optional(any('fallback'))],
    example: ["get({a: [{b: 1}]}, 'a.0.b')", 1],
    run: (value, path, fallback = null) => {
      let found = value
      charge(path.length / 8)
      for (const key of path.split('.')) {
        if (found === null) return fallback
        found = readComputed(found, key)
      }
      return found ?? fallback
    },
  }),
  defineFunction('object', {
    name: 'isEmpty',
    readsAll: false,
    summary: 'Whether the value is null, an empty text, an empty list or an object without properties.',
    parameters: [any('value')],
    example: ['isEmpty({})', true],
    run: (value) => {
      if (value === null || value === '') return true
      if (isList(value)) return value.length === 0
      return isObject(value) && isWithoutProperties(value)
    },
  }),
  defineFunction('object', {
    name: 'isEqual',
    summary: 'Whether two values are equal all the way down.',
    parameters: [any('left'), any('right')],
    example: ['isEqual({a: [1]}, {a: [1]})', true],
    run: (left, right) => isDeeplyEqual(left, right),
  }),
  defineFunction('object', {
    name: 'JSON.stringify',
    summary: 'The value as JSON; with an indent of some spaces if given (the second argument is null).',
    parameters: [any('value'), optional(any('replacer')), optional(number('indent'))],
    example: ['JSON.stringify({a: [1, null]})', '{"a":[1,null]}'],
    run: (value, replacer, indent) => {
      if (replacer !== undefined) throw new BuiltinFailure('the second argument must be null.')
      return jsonOf(value, indent)
    },
  }),
  defineFunction('object', {
    name: 'JSON.parse',
    summary:
      'The value that a JSON text stands for. Whole numbers beyond 2^53 become their digits as text; properties named __proto__ are dropped.',
    parameters: [text('json')],
    example: ['JSON.parse(\'{"a":[1,null]}\')', { a: [1, null] }],
    run: (json) => {
      let value: Value
      charge(json.length / 2)
      chargeJsonNames(json)
      try {
        value = parseExactJson(json)
      } catch {
        throw new BuiltinFailure('the text is not valid JSON.')
      }
      checkDepth(value)
      // Only a text that spells the name, perhaps with escapes, needs the copy.
      return json.includes('__proto__') || json.includes('\\u') ? sanitized(value) : value
    },
  }),
]

/** What was made of all properties of an object, counted. */
function counted<T>(made: readonly T[]): readonly T[] {
  chargeNames(made.length)
  return made
}

function isWithoutProperties(value: Properties): boolean {
  for (const name in value) if (Object.hasOwn(value, name)) return false
  return true
}

function properties(value: Value): Properties {
  if (isObject(value)) return value
  throw new BuiltinFailure(`needs objects, not ${typeName(value)}.`)
}

function collection(value: Value): Properties | readonly Value[] {
  if (isObject(value) || isList(value)) return value
  throw new BuiltinFailure(`needs an object or a list, not ${typeName(value)}.`)
}

/** Text from outside can hold an own `__proto__`, which later copies would take for the prototype. */
function sanitized(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value
  if (isList(value)) return value.map(sanitized)
  const made: Record<string, Value> = {}
  for (const key of Object.keys(value)) if (key !== '__proto__') made[key] = sanitized(value[key] ?? null)
  return made
}
