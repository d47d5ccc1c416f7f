import { StreamstackError } from '@streamstack/protocol'
import type { Value } from '@streamstack/protocol'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { InputDeclaration, InputType } from '../definition/types.ts'
import { compileInputs, inspectInputs } from './index.ts'
import type { InputFault, RequestBody } from './index.ts'

function declare(name: string, type: InputType, more: Partial<InputDeclaration> = {}): InputDeclaration {
  return {
    name,
    type,
    description: null,
    required: false,
    nullable: false,
    default: undefined,
    values: null,
    min: null,
    max: null,
    minLength: null,
    maxLength: null,
    trim: false,
    sanitize: 'none',
    nonEmpty: false,
    pattern: null,
    items: null,
    properties: null,
    position: { file: 'endpoints/a.yaml', line: 3, column: 5 },
    ...more,
  }
}

function asJson(value: unknown): Record<string, Value> {
  return JSON.parse(JSON.stringify(value))
}

interface Call {
  path?: Record<string, string>
  query?: string
  body?: RequestBody
}

function check(declarations: readonly InputDeclaration[], { path = {}, query = '', body = {} }: Call) {
  return compileInputs(declarations).check({ path, query: new URLSearchParams(query), body })
}

function faults(declarations: readonly InputDeclaration[], call: Call): readonly InputFault[] {
  try {
    check(declarations, call)
  } catch (thrown) {
    if (!(thrown instanceof StreamstackError)) throw thrown
    expect(thrown).toMatchObject({ code: 'input_invalid', status: 400 })
    const errors = thrown.details?.['errors']
    if (Array.isArray(errors)) return errors
    throw new Error('the faults are not listed', { cause: thrown })
  }
  return []
}

const options = declare('options', 'object', {
  properties: [
    declare('chunk_size', 'integer', { min: 1 }),
    declare('delay', 'number'),
    declare('include_metadata', 'boolean'),
  ],
})

describe('where inputs come from', () => {
  const id = declare('id', 'integer')

  test('the path wins over the body, the body over the query', () => {
    expect(check([id], { path: { id: '1' }, query: 'id=3', body: { id: 2 } })).toEqual({ id: 1 })
    expect(check([id], { query: 'id=3', body: { id: 2 } })).toEqual({ id: 2 })
    expect(check([id], { query: 'id=3', body: new URLSearchParams('id=2') })).toEqual({ id: 2 })
    expect(check([id], { query: 'id=3' })).toEqual({ id: 3 })
  })

  test('every declared input is there, null when nothing was sent; nothing else is', () => {
    const values = check([id, declare('name', 'text')], { query: 'x=1', body: { secret: 1, toString: 'x' } })
    expect(values).toEqual({ id: null, name: null })
    expect(Object.isFrozen(values)).toBe(true)
  })

  test('inherited names are not values', () => {
    expect(check([declare('toString', 'any')], {})).toEqual({ toString: null })
    expect(faults([declare('valueOf', 'text', { required: true })], {})).toHaveLength(1)
  })

  test("the mission's own declaration takes what its clients send", () => {
    const declarations = [
      declare('message', 'text', { required: true }),
      declare('options', 'object', { properties: [declare('chunk_size', 'any'), declare('delay', 'any')] }),
    ]
    const body = { message: 'hello', options: { chunk_size: 10, include_metadata: true } }
    expect(check(declarations, { body })).toEqual(body)
  })
})

describe('texts become what is declared', () => {
  const list = declare('a', 'list', { items: declare('', 'integer') })
  const people = declare('a', 'list', { items: declare('', 'object', { properties: [declare('age', 'integer')] }) })
  test.each<[InputDeclaration, string, Value]>([
    [declare('a', 'integer'), 'a=5', 5],
    [declare('a', 'integer'), 'a=-5', -5],
    [declare('a', 'integer'), 'a=%2B5', 5],
    [declare('a', 'integer'), 'a=', null],
    [declare('a', 'number'), 'a=1.5e3', 1500],
    [declare('a', 'number'), 'a=.5', 0.5],
    [declare('a', 'boolean'), 'a=true', true],
    [declare('a', 'boolean'), 'a=0', false],
    [declare('a', 'boolean'), 'a=on', true],
    [declare('a', 'text'), 'a=5', '5'],
    [declare('a', 'text'), 'a=', ''],
    [declare('a', 'any'), 'a=5', '5'],
    [declare('a', 'any'), 'a=5&a=6', ['5', '6']],
    [declare('a', 'any'), 'a.b=5', { b: '5' }],
    [declare('a', 'timestamp'), 'a=1700000000000', 1_700_000_000_000],
    [declare('a', 'timestamp'), 'a=2026-02-28T10:00:00Z', '2026-02-28T10:00:00Z'],
    [list, 'a=1', [1]],
    [list, 'a=1&a=2', [1, 2]],
    [list, 'a[]=1&a[]=2', [1, 2]],
    [list, 'a[10]=3&a[2]=2&a[0]=1', [1, 2, 3]],
    [list, 'a=[1,2]', [1, 2]],
    [list, 'a=', null],
    [people, 'a[0][age]=3&a[1].age=4', [{ age: 3 }, { age: 4 }]],
    [declare('a', 'list'), 'a=x&a=5', ['x', '5']],
    [options, 'options.chunk_size=5&options[delay]=2.5', { chunk_size: 5, delay: 2.5 }],
    [options, 'options={"chunk_size":5,"x":[1]}', { chunk_size: 5, x: [1] }],
    [options, 'options[other]=5', { other: '5' }],
    [
      options,
      'options[__proto__][admin]=1&options.constructor=2&options.delay=1',
      JSON.parse('{"__proto__":{"admin":"1"},"constructor":"2","delay":1}'),
    ],
    [declare('a', 'any', { values: [1, 'b'] }), 'a=1', 1],
    [declare('a.b', 'integer'), 'a.b=1', 1],
  ])('%#: %o', (declaration, query, expected) => {
    const values = check([declaration], { query })
    expect(values).toEqual({ [declaration.name]: expected })
    expect(check([declaration], { body: new URLSearchParams(query) })).toEqual(values)
  })

  test('JSON says its types itself: nothing is converted but digits to a whole number', () => {
    expect(faults([declare('a', 'number')], { body: { a: '5' } })).toEqual([
      { path: 'a', message: 'must be a number; got "5", in quotes: send it without them' },
    ])
    expect(faults([declare('a', 'text')], { body: { a: 5 } })).toEqual([{ path: 'a', message: 'must be text; got 5' }])
    expect(faults([declare('a', 'boolean')], { body: { a: 1 } })).toEqual([
      { path: 'a', message: 'must be true or false; got 1' },
    ])
    expect(faults([declare('a', 'boolean')], { body: { a: 'true' } })[0]?.message).toMatch(/without them/)
  })
})

describe('faults', () => {
  const text = (more: Partial<InputDeclaration>): InputDeclaration => declare('a', 'text', more)
  test.each<[InputDeclaration, Value, string]>([
    [declare('a', 'integer', { min: 1 }), 'many', 'must be a whole number of at least 1; got "many"'],
    [declare('a', 'integer', { min: 1, max: 10 }), 11, 'must be a whole number from 1 to 10; got 11'],
    [declare('a', 'integer', { max: 10 }), 10.5, 'must be a whole number of at most 10; got 10.5'],
    [declare('a', 'integer'), 2 ** 53, 'must be a whole number; got 9007199254740992'],
    [declare('a', 'number'), true, 'must be a number; got true'],
    [declare('a', 'number', { min: 0 }), -0.1, 'must be a number of at least 0; got -0.1'],
    [text({ minLength: 2 }), 'x', 'must be text of at least 2 characters; got "x"'],
    [text({ maxLength: 2 }), '👩👩👩', 'must be text of at most 2 characters; got "👩👩👩"'],
    [text({ maxLength: 2 }), 'x'.repeat(5000), 'must be text of at most 2 characters; got a text of 5,000 characters'],
    [text({ pattern: '^[a-z]+$' }), 'A', 'must be text that matches the pattern ^[a-z]+$; got "A"'],
    [text({ values: ['x', 'y'] }), 'z', 'must be one of "x", "y"; got "z"'],
    [text({}), ['x'], 'must be text; got a list of 1 item'],
    [text({}), { x: 1 }, 'must be text; got an object'],
    [declare('a', 'any', { values: [1, { b: 2 }] }), { b: 3 }, 'must be one of 1, {"b":2}; got an object'],
    [declare('a', 'list', { maxLength: 1 }), [1, 2], 'must be a list of at most 1 items; got a list of 2 items'],
    [declare('a', 'list'), 'x', 'must be a list; got "x"'],
    [declare('a', 'object'), [1], 'must be an object; got a list of 1 item'],
    [declare('a', 'email'), 'ann@', 'must be an email address; got "ann@"'],
    [declare('a', 'uuid'), 'x', 'must be a UUID; got "x"'],
    [declare('a', 'integer', { required: true }), null, 'is required: it must be a whole number'],
    [declare('a', 'any', { required: true }), null, 'is required'],
  ])('%#: %o', (declaration, value, message) => {
    expect(faults([declaration], { body: { a: value } })).toEqual([{ path: 'a', message }])
  })

  test('a default of null does not make a required input needless', () => {
    expect(faults([declare('a', 'integer', { default: null, required: true })], {})).toHaveLength(1)
  })

  test('every fault is listed, with its path, and the summary names them', () => {
    const declarations = [
      declare('message', 'text', { required: true }),
      options,
      declare('items', 'list', {
        items: declare('', 'object', { properties: [declare('n', 'integer', { required: true })] }),
      }),
    ]
    const body: RequestBody = { options: { chunk_size: 'many', delay: [] }, items: [{ n: 1 }, {}, 7, null] }
    expect(faults(declarations, { body }).map(({ path }) => path)).toEqual([
      'message',
      'options.chunk_size',
      'options.delay',
      'items[1].n',
      'items[2]',
      'items[3]',
    ])
    expect(() => check(declarations, { body })).toThrow(/^6 inputs do not fit: message, options\.chunk_size, /)
    expect(() => check([declarations[0] ?? options], {})).toThrow('Input message is required: it must be text.')
  })

  test('a long list of faults stays a short answer', () => {
    const declaration = declare('a', 'list', { items: declare('', 'integer') })
    const errors = faults([declaration], { body: { a: Array.from({ length: 10_000 }, () => 'x') } })
    expect(errors).toHaveLength(101)
    expect(errors.at(-1)).toEqual({ path: '', message: 'and 9900 more faults like these' })
  })

  test('what sounds like a secret is not repeated', () => {
    const declarations = ['password', 'api_key', 'accessToken'].map((name) => declare(name, 'integer'))
    const errors = faults(declarations, { body: { password: 'hunter2', api_key: 'hunter2', accessToken: 'hunter2' } })
    expect(errors).toHaveLength(3)
    expect(JSON.stringify(errors)).not.toContain('hunter')
    expect(faults([declare('max_tokens', 'integer')], { body: { max_tokens: 'many' } })[0]?.message).toContain('"many"')
  })

  test.each(['a=many', 'a=5.0', 'a=9223372036854775808', 'a=0x10', 'a= 5', 'a=1&a=2', 'a.b=1', 'a=1&a.b=1', 'a=1e3'])(
    'a query of %s is no whole number',
    (query) => expect(faults([declare('a', 'integer')], { query })).toHaveLength(1),
  )

  test.each(['a=', 'a=maybe', 'a=2'])('a query of %s is neither true nor false', (query) => {
    expect(faults([declare('a', 'boolean')], { query })).toHaveLength(1)
  })

  test.each(['options=x', 'options=[1]', 'options={', `options=${'['.repeat(10_000)}`, 'options=1&options.delay=2'])(
    'a query of %s is no object',
    (query) => expect(faults([options], { query })).toHaveLength(1),
  )
})

describe('what is absent', () => {
  test.each<[string, InputDeclaration, RequestBody, Value]>([
    ['a default', declare('a', 'integer', { default: 5 }), {}, 5],
    ['a default for null', declare('a', 'integer', { default: 5 }), { a: null }, 5],
    ['a default makes required needless', declare('a', 'integer', { default: 5, required: true }), {}, 5],
    ['null where it is allowed', declare('a', 'integer', { default: 5, nullable: true }), { a: null }, null],
    [
      'null where it is allowed and required',
      declare('a', 'integer', { nullable: true, required: true }),
      { a: null },
      null,
    ],
    ['a default of null is none', declare('a', 'integer', { default: null }), {}, null],
    [
      'a default of null where null is a value',
      declare('a', 'integer', { default: null, nullable: true, required: true }),
      {},
      null,
    ],
    ['an empty text is there', declare('a', 'text', { required: true, default: 'x' }), { a: '' }, ''],
    ['false is there', declare('a', 'boolean', { required: true }), { a: false }, false],
    [
      'defaults inside',
      declare('a', 'object', { properties: [declare('b', 'integer', { default: 1 })] }),
      {},
      { b: 1 },
    ],
    [
      'defaults beside what was sent',
      declare('a', 'object', { properties: [declare('b', 'integer', { default: 1 })] }),
      { a: { c: 2 } },
      { b: 1, c: 2 },
    ],
    [
      'defaults inside a default',
      declare('a', 'object', { default: { c: 2 }, properties: [declare('b', 'integer', { default: 1 })] }),
      {},
      { b: 1, c: 2 },
    ],
    [
      'no half object',
      declare('a', 'object', {
        properties: [declare('b', 'integer', { default: 1 }), declare('c', 'text', { required: true })],
      }),
      {},
      null,
    ],
    ['no object out of nothing', options, {}, null],
  ])('%s', (_name, declaration, body, expected) => {
    const values = check([declaration], { body })
    expect(values).toEqual({ [declaration.name]: expected })
    expect(Object.isFrozen(values[declaration.name])).toBe(true)
  })

  test('a default is shared by calls and cannot be changed by one', () => {
    const fallback = { list: [1] }
    const checker = compileInputs([declare('a', 'object', { default: fallback })])
    const call = { path: {}, query: new URLSearchParams(), body: {} }
    const value = checker.check(call)['a']
    expect(checker.check(call)['a']).toBe(value)
    expect(value).toEqual({ list: [1] })
    expect(Object.values(value ?? {}).every((inner) => Object.isFrozen(inner))).toBe(true)
    expect(Object.isFrozen(fallback)).toBe(false)
  })
})

describe('formats', () => {
  test.each<[InputType, Value, boolean]>([
    ['email', 'ann@example.com', true],
    ['email', "o'neil+tag@sub.example.co.uk", true],
    ['email', 'ann@localhost', true],
    ['email', 'ann@exa mple.com', false],
    ['email', 'ann@@example.com', false],
    ['email', '@example.com', false],
    ['email', 'ann@-example.com', false],
    ['email', 'ann@example..com', false],
    ['email', `${'a'.repeat(300)}@example.com`, false],
    ['uuid', '123E4567-e89b-12d3-a456-426614174000', true],
    ['uuid', '123e4567e89b12d3a456426614174000', false],
    ['uuid', '{123e4567-e89b-12d3-a456-426614174000}', false],
    ['timestamp', '2026-01-31', true],
    ['timestamp', '2026-01-31T23:59:59.123+05:30', true],
    ['timestamp', '2026-01-31 23:59Z', true],
    ['timestamp', '2024-02-29', true],
    ['timestamp', '2026-02-29', false],
    ['timestamp', '2026-13-01', false],
    ['timestamp', '2026-01-31T24:00:00Z', false],
    ['timestamp', '2026-01-31T10:00:00', false],
    ['timestamp', 'now', false],
    ['timestamp', 0, true],
    ['timestamp', 1.5, false],
    ['timestamp', 1e300, false],
  ])('%s: %o fits: %s', (type, value, fits) => {
    expect(faults([declare('a', type)], { body: { a: value } })).toHaveLength(fits ? 0 : 1)
  })
})

describe('declarations that cannot work', () => {
  test.each<[string, InputDeclaration, RegExp]>([
    ['bounds swapped', declare('a', 'integer', { min: 5, max: 1 }), /min of 5 above its max of 1/],
    ['lengths swapped', declare('a', 'text', { minLength: 5, maxLength: 1 }), /min_length of 5/],
    ['min on text', declare('a', 'text', { min: 5 }), /Use min_length/],
    ['a length on a number', declare('a', 'integer', { minLength: 5 }), /Drop them/],
    ['a pattern on a number', declare('a', 'integer', { pattern: 'x' }), /Drop it/],
    ['no values', declare('a', 'text', { values: [] }), /no value at all/],
    [
      'a value of another type',
      declare('a', 'integer', { values: [1, 'two'] }),
      /"two", which is not of its type integer/,
    ],
    [
      'a default that does not fit',
      declare('a', 'integer', { default: 'x' }),
      /default that does not fit: it must be a whole number/,
    ],
    [
      'a default that is not offered',
      declare('a', 'text', { default: 'z', values: ['x'] }),
      /default that does not fit/,
    ],
    [
      'a default inside',
      declare('o', 'object', { properties: [declare('a', 'integer', { default: 0, min: 1 })] }),
      /Input o\.a /,
    ],
    ['a forbidden name', declare('__proto__', 'text'), /name that is not allowed/],
    ['a wrong pattern', declare('a', 'text', { pattern: '(' }), /not a regular expression/],
    ['a needless escape', declare('a', 'text', { pattern: '\\-' }), /escape only what needs it/],
    ['a look ahead', declare('a', 'text', { pattern: '^(?=.*x).+$' }), /ahead or behind/],
    ['a look behind', declare('a', 'text', { pattern: '(?<!x)y' }), /ahead or behind/],
    ['a back-reference', declare('a', 'text', { pattern: '(a)\\1' }), /refers back/],
    ['a named back-reference', declare('a', 'text', { pattern: '(?<x>a)\\k<x>' }), /refers back/],
    ['a huge pattern', declare('a', 'text', { pattern: '((a{100}){100}){100}' }), /too large/],
    ['a huge count', declare('a', 'text', { pattern: 'a{100000}' }), /counts too far|too large/],
    ['many groups', declare('a', 'text', { pattern: '('.repeat(99) + ')'.repeat(99) }), /nested deeper/],
  ])('%s', (_name, declaration, message) => {
    const issues = inspectInputs([declaration])
    expect(issues).toHaveLength(1)
    expect(issues[0]).toMatchObject({ severity: 'error', position: declaration.position })
    expect(issues[0]?.message).toMatch(message)
    expect(() => compileInputs([declaration])).toThrow(/^endpoints\/a\.yaml:3:5 Input /)
  })

  test('a name declared twice, and all problems at once', () => {
    expect(inspectInputs([declare('a', 'text'), declare('a', 'text', { min: 1 })])).toHaveLength(2)
    expect(inspectInputs([declare('a', 'text', { pattern: '^a$', default: 'a' }), options])).toEqual([])
  })
})

describe('patterns', () => {
  test('a text too long for its pattern is refused, not matched for seconds', () => {
    const [fault] = faults([declare('a', 'text', { pattern: '^(x{1,100}y)*$' })], {
      body: { a: 'x'.repeat(1_000_000) },
    })
    expect(fault?.message).toMatch(/too long to be matched with its pattern: at most \d+ characters/)
  })

  test('decide about the whole text, whatever its length', () => {
    const declaration = declare('a', 'text', { pattern: '^(a+)+$' })
    expect(faults([declaration], { body: { a: 'a'.repeat(20_000) } })).toEqual([])
    expect(faults([declaration], { body: { a: `${'a'.repeat(20_000)}!` } })).toHaveLength(1)
  })
})

describe('whatever is sent', () => {
  const declarations = [
    options,
    declare('n', 'integer'),
    declare('tags', 'list', { items: declare('', 'number') }),
    declare('any', 'any'),
    declare('when', 'timestamp'),
  ]

  test('values are frozen and of the declared types, or a StreamstackError says why', () => {
    const key = fc.oneof(
      fc.constantFrom(
        'n',
        'tags',
        'tags[]',
        'tags[0]',
        'options.delay',
        'options[chunk_size]',
        'any[a][b]',
        'when',
        'options',
      ),
      fc.string(),
    )
    const query = fc
      .array(fc.tuple(key, fc.oneof(fc.string(), fc.constantFrom('1', '[1]', '{"delay":1}', 'true'))))
      .map((pairs) => new URLSearchParams(pairs))
    const body = fc.oneof(
      query,
      fc.object().map((value) => asJson(value)),
    )
    const checker = compileInputs(declarations)
    fc.assert(
      fc.property(query, body, (queryParams, bodyValue) => {
        try {
          const values = checker.check({ path: {}, query: queryParams, body: bodyValue })
          expect(Object.keys(values)).toEqual(['options', 'n', 'tags', 'any', 'when'])
          expect(values['n'] === null || Number.isSafeInteger(values['n'])).toBe(true)
          expect(() => structuredClone(values)).not.toThrow()
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(StreamstackError)
        }
      }),
      { numRuns: 500 },
    )
  })
})
