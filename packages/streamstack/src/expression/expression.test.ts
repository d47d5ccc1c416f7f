import { StreamstackError } from '@streamstack/protocol'
import { describe, expect, test } from 'vitest'
import { compileCondition, compileValue, ExpressionErrors, type Scope } from './index.ts'
import { conditionFault, evaluate, fault, holds, scopeOf } from './testing/evaluate.ts'

describe("the mission's own expressions", () => {
  const variables = {
    item: 'users',
    loop_index: 2,
    array_length: 5,
    now: '2026-01-01T00:00:00.000Z',
    records: [{ id: 1 }, { id: 2 }],
    batch_size: 2,
    offset: 100,
    total_processed: 50,
    estimated_total: 200,
    has_more: true,
    jwt_token: 'abc',
    xano_instance: 'https://x.example',
    error_message: 'no route',
    is_recoverable: false,
  }

  test.each([
    ['{{item}}', 'users'],
    ['{{records}}', [{ id: 1 }, { id: 2 }]],
    ['{{records.length}}', 2],
    ['{{(total_processed / estimated_total) * 100}}', 25],
    ['{{offset + batch_size}}', 102],
    ['{{total_processed + records.length}}', 52],
    ['{{records.length === batch_size}}', true],
    ['Bearer {{jwt_token}}', 'Bearer abc'],
    ['{{xano_instance}}/api/stream-chat', 'https://x.example/api/stream-chat'],
    ['Error occurred: {{error_message}}', 'Error occurred: no route'],
    ['{{is_recoverable}}', false],
    ['[COMPLETE]', '[COMPLETE]'],
  ])('%s', (text, result) => {
    expect(evaluate(text, variables)).toStrictEqual(result)
  })

  test('metadata, as a deep value', () => {
    const metadata = {
      chunk_index: '{{loop_index}}',
      total_chunks: '{{array_length}}',
      timestamp: '{{now}}',
      fixed: [1],
    }
    expect(evaluate(metadata, variables)).toStrictEqual({
      chunk_index: 2,
      total_chunks: 5,
      timestamp: '2026-01-01T00:00:00.000Z',
      fixed: [1],
    })
  })

  test.each([
    ['{{has_more}} === true', true],
    ["{{item}} === 'users'", true],
    ["{{item}} === 'system'", false],
    ["'{{item}}' === 'users'", true],
    ['"{{item}}-{{loop_index}}" == "users-2"', true],
    ['loop_index > 1 && {{has_more}}', true],
    ['{{records.length > 5}}', false],
    ['!{{has_more}} || {{records}}.length === 2', true],
    ["'it\\'s {{item}}' === \"it's users\"", true],
    ['{{records}}', true],
    [true, true],
    ['false', false],
  ])('the condition %j is %s', (condition, result) => {
    expect(holds(condition, variables)).toBe(result)
  })
})

describe('a text', () => {
  test('that is one whole {{ }} keeps the type, with white space around it too', () => {
    expect(evaluate('{{list}}', { list: [1] })).toStrictEqual([1])
    expect(evaluate('\n  {{ list }}\n', { list: [1] })).toStrictEqual([1])
    expect(evaluate('{{n}} ', { n: 5 })).toBe(5)
  })

  test('keeps the white space around a value that is text', () => {
    expect(evaluate('{{word}} ', { word: 'hello' })).toBe('hello ')
    expect(evaluate(' {{word}}\n', { word: 'hello' })).toBe(' hello\n')
  })

  test('shows null as nothing, objects as JSON', () => {
    expect(evaluate('<{{a}}|{{b}}|{{c}}|{{d}}>', { a: null, b: { x: [1] }, c: true, d: 1.5 })).toBe(
      '<|{"x":[1]}|true|1.5>',
    )
  })

  test('may hold braces and quotes inside its expressions', () => {
    expect(evaluate("{{ {a: {b: '}}'}} }}")).toStrictEqual({ a: { b: '}}' } })
    expect(evaluate('{{{a: 1}}}')).toStrictEqual({ a: 1 })
    expect(evaluate("{{'{{'}}name}}")).toBe('{{name}}')
    expect(evaluate('{{/* }} */ (1) /* }} */}}')).toBe(1)
    expect(evaluate('{{`${a}-${a + 1}`}}', { a: 1 })).toBe('1-2')
  })

  test('is never read twice: braces that come from a value stay text', () => {
    const attack = '{{secret}}'
    expect(evaluate('{{input}}', { input: attack, secret: 's3cret' })).toBe(attack)
    expect(evaluate('Hello {{input}}!', { input: attack, secret: 's3cret' })).toBe('Hello {{secret}}!')
    expect(evaluate("{{'{{' + input + '}}'}}", { input: 'secret', secret: 's3cret' })).toBe('{{secret}}')
    expect(holds("'{{input}}' === 'x'", { input: "x' === 'x' || '1" })).toBe(false)
  })
})

describe('missing things', () => {
  test('a missing property is null, a property of null an error with a cure', () => {
    expect(evaluate('{{user.name}}', { user: {} })).toBeNull()
    expect(evaluate('{{user?.address?.city}}', { user: {} })).toBeNull()
    expect(evaluate('{{user?.address.city.name.trim()}}', { user: null })).toBeNull()
    expect(evaluate("{{user.name ?? 'nobody'}}", { user: {} })).toBe('nobody')
    expect(() => evaluate('{{user.address.city}}', { user: {} })).toThrow(
      "In `user.address.city`: the value before 'city' is null. Write ?. before 'city'",
    )
    expect(() => evaluate('{{name.trim()}}', { name: null })).toThrow('In `name.trim()`')
  })

  test('a variable without a value yet is an error that names it', () => {
    expect(() => evaluate('{{later}}', { later: undefined })).toThrow("The variable 'later' has no value yet")
    expect(() => evaluate('{{later + 1}}', { later: undefined })).toThrow(StreamstackError)
  })

  test('a slip on a list or a method without its call is an error, not null', () => {
    expect(() => evaluate('{{records.lenght}}', { records: [] })).toThrow('Did you mean `length`?')
    expect(() => evaluate('{{name.trim}}', { name: 'a' })).toThrow('call it')
    expect(evaluate('{{row.trim}}', { row: { trim: 1 } })).toBe(1)
  })
})

describe('a definition fails to load', () => {
  test.each([
    ['{{recrods}}', "There is no variable 'recrods'. Did you mean `records`?"],
    ['{{batchSize}}', 'Did you mean `batch_size`?'],
    ['{{truncat(name, 3)}}', 'Did you mean `truncate`?'],
    ['{{Math.rond(1)}}', 'Did you mean `Math.round`?'],
    ['{{name.toUppercase()}}', 'Did you mean `toUpperCase`?'],
    ['{{trim(name)}}', 'value.trim(…)'],
    ['{{name.truncate(3)}}', 'truncate(text, length, ending?)'],
    ['{{sum}}', "'sum' is a function"],
    ['{{Math}}', "'Math' alone is not a value"],
    ['{{name(1)}}', 'is a variable, not a function'],
    ['{{name = 1}}', 'Compare with ==='],
    ['{{name++}}', 'Write + 1'],
    ['{{new Date()}}', 'toISOString(value)'],
    ['{{name & 1}}', 'Write &&'],
    ['{{/a/.test(name)}}', 'Regular expressions'],
    ['{{records.map(function (x) { return x })}}', 'arrow function'],
    ['{{records.map(x => { return x })}}', 'one expression'],
    ['{{records.map(1)}}', 'an arrow function such as'],
    ['{{name.includes(x => x)}}', 'not a function'],
    ['{{name.slice(1, 2, 3)}}', 'takes 0 to 2 arguments, not 3'],
    ['{{truncate(name)}}', 'takes 2 to 3 arguments, not 1'],
    ['{{x => x}}', 'stands only as the argument'],
    ['{{}}', 'nothing between'],
    ['{{ name', 'never closed'],
    ['{{ name }', 'never closed'],
    ['{{name name}}', 'cannot go on with "name'],
    ['{{name and name}}', 'Write && for "and"'],
    ['{{name | upper}}', 'There are no pipes: use a method or a function, as {{name.toUpperCase()}}'],
    ['{{name | name}}', 'write || for "or"'],
    ['{{name +}}', 'cannot be read at "}}"'],
    ['{{1n}}', 'big integers as text'],
    ['{{010}}', 'cannot begin with 0'],
    ['{{9007199254740993 + 1}}', 'The number 9007199254740993 has more digits than a number holds. Put it in quotes'],
    ['{{[9007199254740993.0]}}', 'more digits'],
    ['{{0x20000000000001}}', 'more digits'],
    ['{{9_007_199_254_740_993}}', 'more digits'],
    ['{{[1,,2]}}', 'has a gap'],
    [`{{${'('.repeat(70)}1${')'.repeat(70)}}}`, 'nests deeper'],
    [`{{${'['.repeat(4900)}${']'.repeat(4900)}}}`, 'nests deeper'],
    [`{{${'!'.repeat(9000)}1}}`, 'nests deeper'],
    [`{{1${'+1'.repeat(600)}}}`, 'nests deeper'],
    [`{{'${'x'.repeat(10_001)}'}}`, 'longer than 10,000'],
    [`{{name${' '.repeat(10_001)}}}`, 'longer than 10,000'],
  ])('%s', (text, message) => {
    expect(fault(text, { records: [], batch_size: 1, name: 'x' })).toContain(message)
  })

  test.each([
    ['', 'The condition is empty'],
    [5, 'A condition is true, false, or text'],
    ['{{item}} === users', "There is no variable 'users'"],
    ['{{item}} = 1', 'Compare with ==='],
    ['item{{item}}', 'cannot go on'],
    ['{a: {{item}}', 'cannot be read'],
    ['{ {{item}}: 1 }', 'Write a name here, without {{ }}'],
    ['[1].map(({{item}}) => 1)', 'Write a name here, without {{ }}'],
    ['`{{item}}` === 1', 'Inside backticks'],
    ['{{item}}(1)', 'Write a name here, without {{ }}'],
    ["{{item}} === 'a", 'cannot be read'],
    ["{{item}} is 'a'", 'Write === to compare'],
  ])('the condition %j', (condition, message) => {
    expect(conditionFault(condition, { item: 'a' })).toContain(message)
  })

  test('with the place of each fault, the first of every text', () => {
    const value = { a: 'x {{ok + bad}}', list: ['{{ok}}', '{{worse(}} {{never}}'], fine: 1 }
    try {
      compileValue(value, scopeOf({ ok: 1 }))
      expect.unreachable()
    } catch (error) {
      if (!(error instanceof ExpressionErrors)) throw error
      expect(error.errors.map(({ path, offset }) => ({ path, offset }))).toStrictEqual([
        { path: ['a'], offset: 9 },
        { path: ['list', 1], offset: 8 },
      ])
    }
  })

  test('with the place in a long template too', () => {
    const text = `${'line\n'.repeat(1000)}{{ok}} {{bad}}`
    try {
      compileValue(text, scopeOf({ ok: 1 }))
      expect.unreachable()
    } catch (error) {
      if (!(error instanceof ExpressionErrors)) throw error
      expect(text.slice(error.errors[0]?.offset)).toBe('bad}}')
    }
  })
})

describe('what the plan needs to know', () => {
  const scope: Scope<{ reads: number }> = {
    lookup(name) {
      if (name === 'fixed') return { kind: 'constant', value: 20 }
      if (name !== 'rows') return undefined
      return {
        kind: 'read',
        read(context) {
          context.reads += 1
          return [1, 2, 3]
        },
      }
    },
    names: () => ['fixed', 'rows'],
  }

  test.each([
    ['{{rows}}', [{ name: 'rows', use: 'whole' }]],
    ['{{rows.length}}', [{ name: 'rows', use: 'length' }]],
    ['{{rows?.length}}', [{ name: 'rows', use: 'length' }]],
    ['{{rows.length + rows.length}}', [{ name: 'rows', use: 'length' }]],
    ['{{rows[0]}}', [{ name: 'rows', use: 'other' }]],
    ['{{rows}}!', [{ name: 'rows', use: 'other' }]],
    [['{{rows}}'], [{ name: 'rows', use: 'other' }]],
    ['{{rows.map(rows => rows.length)}}', [{ name: 'rows', use: 'other' }]],
    ['{{[1].map(rows => rows)}}', []],
    [
      { n: '{{rows.length}}', all: '{{rows}}' },
      [
        { name: 'rows', use: 'length' },
        { name: 'rows', use: 'other' },
      ],
    ],
    ['plain', []],
  ])('%j refers to %j', (value, references) => {
    expect(compileValue(value, scope).references).toStrictEqual(references)
  })

  test.each([
    ['{{fixed * 2 + 2}}', 42],
    ["{{'a'.toUpperCase() + [1, 2].length}}", 'A2'],
    ['n={{fixed}}', 'n=20'],
    [{ deep: ['{{fixed}}', 1] }, { deep: [20, 1] }],
    [null, null],
  ])('%j is constant', (value, result) => {
    const expression = compileValue(value, scope)
    const context = { reads: 0 }
    expect(expression.constant).toBe(true)
    expect(expression.evaluate(context)).toStrictEqual(result)
    expect(context.reads).toBe(0)
  })

  test.each(['{{uuid()}}', '{{Date.now()}}', '{{Math.random()}}', '{{rows}}'])('%s is not constant', (text) => {
    expect(compileValue(text, scope).constant).toBe(false)
  })

  test('a condition is constant where its value is known', () => {
    expect(compileCondition('{{fixed}} > 3', scope).constant).toBe(true)
    expect(compileCondition('{{rows}}.length > 3', scope).constant).toBe(false)
  })

  test('a branch that is not taken is not read', () => {
    const context = { reads: 0 }
    expect(compileValue('{{fixed > 3 ? 1 : rows}}', scope).evaluate(context)).toBe(1)
    expect(compileValue('{{fixed || rows}}', scope).evaluate(context)).toBe(20)
    expect(context.reads).toBe(0)
  })
})
