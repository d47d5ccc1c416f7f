import { StreamstackError, type Value } from '@streamstack/protocol'
import { describe, expect, test } from 'vitest'
import { ExpressionErrors } from './index.ts'
import { evaluate, holds, type Variables } from './testing/evaluate.ts'

/** An object that names what JavaScript looks for when it converts, with an own `__proto__` as JSON.parse makes it. */
const hostile: Value = JSON.parse(
  '{"__proto__":{"polluted":1},"toString":"x","valueOf":1,"toJSON":"y","then":1,"length":-1}',
)

/** What the attacker controls: plain JSON. */
const variables: Variables = {
  text: 'abc',
  list: [1, 2, { a: 1 }],
  object: { a: 1 },
  number: 5,
  flag: true,
  nothing: null,
  proto: '__proto__',
  constructorName: 'constructor',
  names: ['__proto__', 'constructor'],
  hostile,
}

/** Attempts to reach a prototype, a constructor or a function in every spelling. Each must be refused. */
const refused = [
  // plain and computed
  '{{__proto__}}',
  '{{constructor}}',
  '{{prototype}}',
  '{{object.__proto__}}',
  '{{object.constructor}}',
  '{{object.constructor.constructor}}',
  '{{text.constructor.prototype}}',
  "{{object['__proto__']}}",
  '{{object["constructor"]}}',
  '{{object[`__proto__`]}}',
  "{{object['__pro' + 'to__']}}",
  "{{object[`__${'proto'}__`]}}",
  '{{object[proto]}}',
  '{{object[constructorName]}}',
  '{{object[names[0]]}}',
  '{{object[names.at(1)]}}',
  "{{object[['constructor']]}}",
  "{{object[['constructor'].join('')]}}",
  "{{object['CONSTRUCTOR'.toLowerCase()]}}",
  "{{object['rotcurtsnoc'.split('').reverse().join('')]}}",
  "{{object[true ? 'constructor' : 'a']}}",
  "{{object?.['__proto__']}}",
  '{{object?.constructor}}',
  "{{nothing?.a ?? object['constructor']}}",
  // escapes
  '{{object.\\u005f_proto__}}',
  '{{object.\\u{63}onstructor}}',
  '{{\\u0063onstructor}}',
  "{{object['\\x5f_proto__']}}",
  "{{object['\\u005f\\u005fproto\\u005f\\u005f']}}",
  "{{object['const\\\nructor']}}",
  // on other receivers, through literals and calls
  "{{''.constructor}}",
  "{{[].constructor.constructor('return 1')()}}",
  "{{(0).constructor('x')}}",
  '{{(x => x).constructor}}',
  "{{[]['map']['constructor']}}",
  "{{list['map'](x => x)}}",
  "{{text.at.constructor('return process')()}}",
  '{{text.at.call(text, 0)}}',
  '{{list.map.apply(list, [x => x])}}',
  "{{'a'.sub.bind('x')()}}",
  "{{list.map(x => x['constructor'])}}",
  "{{list.map(x => 'constructor').map(name => object[name])}}",
  "{{sum(list, 'constructor')}}",
  "{{sortBy([object], '__proto__')}}",
  "{{get(object, 'constructor.name')}}",
  "{{get(object, '__proto__')}}",
  "{{Object.hasOwn(object, '__proto__')}}",
  "{{pick(object, '__proto__')}}",
  "{{'__proto__' in object}}",
  // destructuring, spread, literals
  '{{[object].map(({constructor}) => constructor)}}',
  "{{[object].map(({'__proto__': p}) => p)}}",
  '{{[object].map(({__proto__: p}) => p)}}',
  "{{[object].map(({['constructor']: c}) => c)}}",
  '{{[object].map(constructor => 1)}}',
  '{{ {__proto__: object} }}',
  "{{ {'__proto__': object} }}",
  "{{ {['__proto__']: object} }}",
  '{{ {[proto]: object} }}',
  '{{ {get a() { return 1 }} }}',
  '{{ {set a(v) {}} }}',
  '{{ {a() { return 1 }} }}',
  "{{Object.fromEntries([['__proto__', 1]])}}",
  "{{groupBy([object], x => '__proto__')}}",
  "{{keyBy(['__proto__'], x => x)}}",
  '{{countBy(names, x => x)}}',
  // globals and syntax
  '{{globalThis}}',
  '{{process.env}}',
  '{{this}}',
  '{{this.constructor}}',
  '{{arguments}}',
  "{{require('fs')}}",
  "{{import('fs')}}",
  '{{import.meta}}',
  "{{eval('1')}}",
  "{{Function('return 1')()}}",
  "{{new Function('return 1')()}}",
  '{{(function () { return this })()}}',
  '{{(() => 1)()}}',
  '{{[1].map(x => { while (true) {} })}}',
  '{{async () => 1}}',
  '{{await 1}}',
  '{{class {}}}',
  '{{object.a = 1}}',
  '{{delete object.a}}',
  '{{list.length = 0}}',
  '{{text`x`}}',
  '{{String.raw`x`}}',
  '{{String.fromCharCode(97)}}',
  '{{Object.getPrototypeOf(object)}}',
  '{{Object.setPrototypeOf(object, {})}}',
  "{{Object.defineProperty(object, 'a', {})}}",
  "{{Object['keys']}}",
  "{{Object['constructor']}}",
  '{{Object.constructor}}',
  '{{Math.constructor}}',
  '{{Reflect.ownKeys(object)}}',
  '{{Symbol.iterator}}',
  '{{object[Symbol.iterator]}}',
  '{{Array.prototype}}',
  '{{JSON.constructor}}',
  '{{setTimeout(1)}}',
  "{{fetch('http://x')}}",
  // functions as values
  '{{sum}}',
  '{{String}}',
  '{{Math.max}}',
  '{{[sum]}}',
  '{{ {a: sum} }}',
  '{{text.trim}}',
  "{{list['map']}}",
  '{{x => x}}',
  '{{[x => x]}}',
  '{{true && (x => x)}}',
  '{{list.map(x => y => x)}}',
  // regular expressions
  '{{/(a+)+$/}}',
  "{{text.replace(/a/, 'b')}}",
  "{{RegExp('(a+)+$')}}",
  "{{text.match('(a+)+$')}}",
  // private names and comments
  '{{object.#a}}',
  '{{#a in object}}',
  "{{object/**/['const'/**/+'ructor']}}",
]

function attempt(run: () => Value): unknown {
  try {
    return { value: run() }
  } catch (error) {
    return error
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : ''
}

function expectRefused(error: unknown): void {
  if (error instanceof ExpressionErrors) return
  expect(error).toBeInstanceOf(StreamstackError)
  expect(error).toMatchObject({ code: 'expression_failed' })
}

describe('refused', () => {
  test.each(refused)('%s', (text) => {
    expectRefused(attempt(() => evaluate(text, variables)))
    expectRefused(attempt(() => evaluate(`before ${text} after`, variables)))
    expectRefused(attempt(() => holds(text, variables)))
  })

  test('there are many', () => {
    expect(refused.length).toBeGreaterThan(60)
    expect(new Set(refused).size).toBe(refused.length)
  })
})

/** Attempts that are harmless, with the plain result that they must have. */
const harmless: readonly (readonly [string, Value])[] = [
  ['{{object.toString}}', null],
  ['{{object.hasOwnProperty}}', null],
  ['{{object.valueOf}}', null],
  ['{{object.__defineGetter__}}', null],
  ['{{object.__lookupGetter__}}', null],
  ["{{'toString' in object}}", false],
  ["{{'length' in list}}", false],
  ["{{list['m' + 'ap']}}", null],
  ["{{text[['at'][0]]}}", null],
  ['{{list[-1]}}', null],
  ['{{list[0.5]}}', null],
  ["{{list['1e0']}}", null],
  ['{{hostile.toString}}', 'x'],
  ["{{'' + object}}", '{"a":1}'],
  ['{{hostile == 1}}', false],
  ['{{[hostile].sort().length}}', 1],
  ['{{ {...hostile}.polluted }}', null],
  ['{{Object.assign({}, hostile).polluted}}', null],
  ['{{omit(hostile, "a").polluted}}', null],
  ['{{[hostile].map(({a, ...rest}) => rest.polluted)}}', [null]],
  ["{{Object.keys({...hostile}).includes('__proto__')}}", false],
  ['{{Object.keys(JSON.parse(\'{"__proto__":{"x":1},"b":{"__proto__":1}}\'))}}', ['b']],
  ['{{JSON.parse(\'{"__proto__":{"x":1}}\').x}}', null],
  ['{{JSON.parse(\'{"\\\\u005f_proto__":{"x":1}}\').x}}', null],
  ["{{countBy(['constructor', 'toString'], x => x)}}", { constructor: 1, toString: 1 }],
  ["{{text.replaceAll('b', '$&$`')}}", 'a$&$`c'],
  ["{{text.replace('b', \"$'\")}}", "a$'c"],
  ['{{text.split("")}}', ['a', 'b', 'c']],
]

describe('harmless', () => {
  test.each(harmless)('%s is %j', (text, result) => {
    const value = evaluate(text, variables)
    expect(value).toEqual(result)
    expect(structuredClone(value)).toEqual(value)
  })

  test('nothing was polluted by any of them', () => {
    for (const text of [...refused, ...harmless.map(([each]) => each)]) attempt(() => evaluate(text, variables))
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
    expect('polluted' in {}).toBe(false)
    expect(Object.keys(Object.prototype)).toStrictEqual([])
    expect(variables.object).toStrictEqual({ a: 1 })
    expect(variables.list).toStrictEqual([1, 2, { a: 1 }])
  })
})

const big = 'x'.repeat(1000)
const manyItems = Array.from({ length: 2000 }, (_, index) => index)

/** Attempts to take the process's time or memory. Each must end soon, in an error. */
const exhausting = [
  "{{'x'.repeat(1e9)}}",
  "{{'x'.repeat(-1)}}",
  "{{'x'.repeat(1 / 0)}}",
  "{{'x'.padStart(1e9)}}",
  "{{'x'.padEnd(1e9, 'ab')}}",
  '{{big.replaceAll("x", big.repeat(1000))}}',
  '{{big.replaceAll("", big.repeat(1000))}}',
  '{{big.repeat(16000) + big.repeat(16000)}}',
  '{{big.repeat(10000)}}{{big.repeat(10000)}}',
  '{{`${big.repeat(10000)}${big.repeat(10000)}`}}',
  '{{big.repeat(2000).split("")}}',
  '{{[...big.repeat(2000)]}}',
  '{{range(1e9)}}',
  '{{range(0, 1, 1e-12)}}',
  '{{range(1, 2, 0)}}',
  '{{range(0 / 0)}}',
  '{{Array.from({length: 1e9})}}',
  '{{Array.from({length: 4294967296})}}',
  '{{range(1e6).concat(range(1e6))}}',
  '{{[...range(1e6), ...range(1e6)]}}',
  '{{items.map(a => items.map(b => items.map(c => 1)))}}',
  '{{items.flatMap(a => items)}}',
  '{{items.map(a => range(1e6 - a))}}',
  '{{items.map(() => range(1e6 - big.length))}}',
  '{{items.map(a => big.repeat(16000))}}',
  '{{items.reduce((nested, n) => [nested], [])}}',
  '{{items.map(a => items.includes(-1) || items.map(b => items.includes(-1)))}}',
  '{{JSON.stringify(items.map(a => items.map(b => big)))}}',
  "{{items.map(a => items).map(b => items).map(c => sum(items)).map(Number).map(d => items.map(e => e + ''))}}",
  '{{JSON.parse("[".repeat(100000) + "]".repeat(100000))}}',
  '{{(1).toFixed(200)}}',
  '{{(1).toString(99)}}',
  '{{text.normalize("x")}}',
  '{{[1].with(5, 1)}}',
  '{{[].reduce((a, b) => a)}}',
  '{{chunk(items, 0)}}',
  '{{items + items.length - {}}}',
]

describe('bounded', () => {
  test.each(exhausting)('%s', (text) => {
    const error = attempt(() => evaluate(text, { big, items: manyItems, text: 'abc' }))
    expect(error).toBeInstanceOf(StreamstackError)
    expect(error).toMatchObject({ code: 'expression_failed' })
    expect(messageOf(error)).toMatch(/^In `/)
  })

  test('a list that holds itself many times over is refused as text', () => {
    let nested: Value = 'x'.repeat(100)
    for (let level = 0; level < 40; level += 1) nested = [nested, nested]
    expect(() => evaluate('{{nested}}!', { nested })).toThrow('longer than')
    expect(() => evaluate("{{nested + ''}}", { nested })).toThrow('longer than')
    expect(() => evaluate('{{JSON.stringify(nested)}}', { nested })).toThrow('longer than')
  })

  test('a deep value is refused as text, whole it passes', () => {
    let deep: Value = 1
    for (let level = 0; level < 20_000; level += 1) deep = [deep]
    expect(() => evaluate('{{deep}}!', { deep })).toThrow('levels deep')
    expect(() => evaluate('{{isEqual(deep, [deep])}}', { deep })).toThrow('levels deep')
    expect(evaluate('{{deep}}', { deep })).toBe(deep)
  })

  test('messages repeat only a short piece of a long expression', () => {
    const text = `{{nothing.a + ${"'secret' + ".repeat(200)}1}}`
    const message = messageOf(attempt(() => evaluate(text, { nothing: null })))
    expect(message).toContain("the value before 'a' is null")
    expect(message.length).toBeLessThan(200)
  })
})
