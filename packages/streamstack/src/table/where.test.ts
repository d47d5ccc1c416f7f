import { StreamstackError } from '@streamstack/protocol'
import type { Value } from '@streamstack/protocol'
import { describe, expect, test } from 'vitest'
import { fillHoles, filterFromValue, parseOrder, templateColumns, whereFromText, whereFromValue } from './index.ts'

function problem(call: () => unknown): { code: string; message: string; offset: unknown } {
  try {
    call()
  } catch (error) {
    if (error instanceof StreamstackError)
      return { code: error.code, message: error.message, offset: error.details?.['offset'] }
    throw error
  }
  throw new Error('The call was expected to fail.')
}

describe('a filter written as text', () => {
  test('has numbered holes, each with its source and place', () => {
    const text = `delay > {{min}} && origin === '{{from}}' && name in [{{ {a: '}}'}.a }}, 'x {{y}}']`
    const where = whereFromText(text)
    expect(where.holes.map((hole) => hole.source)).toEqual(['{{min}}', '{{from}}', `{{ {a: '}}'}.a }}`, 'x {{y}}'])
    for (const hole of where.holes) expect(text.startsWith(hole.source, hole.offset)).toBe(true)
    expect(templateColumns(where.template)).toEqual(['delay', 'origin', 'name'])
    expect(fillHoles(where, [5, 'JFK', 'a', 'b'])).toEqual({
      kind: 'all',
      filters: [
        { kind: 'compare', column: 'delay', operator: 'gt', value: 5 },
        { kind: 'compare', column: 'origin', operator: 'eq', value: 'JFK' },
        { kind: 'compare', column: 'name', operator: 'in', value: ['a', 'b'] },
      ],
    })
  })

  test('means the same in each way of writing it', () => {
    const same: readonly (readonly [string, string])[] = [
      ['a === 1', '1 = a'],
      ['a > 1', '1 < a'],
      ['a == 1 && b != 2', 'a = 1 AND b <> 2'],
      ['a >= 1 || !(b < 2)', 'a >= 1 or not b < 2'],
      ['a in [1, 2]', 'a IN (1, 2)'],
      ['a == null', 'a === undefined'],
      ['`a` = 1', 'a = +1'],
      [`a = 'it\\'s'`, `a = "it's"`],
    ]
    for (const [one, other] of same) expect([one, filterFromValue(one)]).toEqual([one, filterFromValue(other)])
  })

  test('AND binds more than OR, NOT more than both', () => {
    const filter = filterFromValue('a = 1 || b = 2 && !c')
    expect(filter).toMatchObject({
      kind: 'any',
      filters: [
        { column: 'a' },
        { kind: 'all', filters: [{ column: 'b' }, { kind: 'not', filter: { column: 'c', value: true } }] },
      ],
    })
  })

  test('tells the place of what is wrong', () => {
    const wrong: readonly (readonly [string, number])[] = [
      ['delay >', 7],
      ['delay > > 1', 8],
      ['delay 5', 6],
      ["name = 'open", 7],
      ['delay > {{min', 8],
      ['(delay > 1', 10],
      ['delay > 1)', 9],
      ['a = b', 4],
      ['a # 1', 2],
      ['5 = 6', 4],
      ['a is 5', 5],
      ['a in [1 2]', 8],
      [`${'('.repeat(100)}a`, 33],
    ]
    for (const [text, offset] of wrong)
      expect([text, problem(() => whereFromText(text))]).toEqual([
        text,
        { code: 'query_invalid', message: expect.stringContaining(`character ${offset + 1}`), offset },
      ])
  })

  test('digits beyond 2^53 stay exact', () => {
    for (const source of ['9007199254740993', '9007199254740993.0', '9.007199254740993e15'])
      expect(filterFromValue(`id = ${source}`)).toMatchObject({ value: '9007199254740993' })
  })

  test('? drops a comparison whose value is missing', () => {
    const where = whereFromText('origin ==? {{origin}} && delay >? {{min}}')
    expect(fillHoles(where, [null, 5])).toEqual({ kind: 'compare', column: 'delay', operator: 'gt', value: 5 })
    expect(fillHoles(where, ['', null])).toBeNull()
    expect(fillHoles(whereFromText('origin == {{origin}}'), [null])).toMatchObject({ operator: 'eq', value: null })
  })
})

describe('a filter written as an object', () => {
  test('has a hole for each text with braces', () => {
    const where = whereFromValue({
      origin: '{{from}}',
      delay: { gt: '{{min}}', lte: 60 },
      or: ['a = {{x}}', { b: { in: [1, '{{y}}'] } }],
      not: { c: true },
    })
    expect(where.holes.map((hole) => [hole.source, hole.path.join('.')])).toEqual([
      ['{{from}}', 'origin'],
      ['{{min}}', 'delay.gt'],
      ['{{x}}', 'or.0'],
      ['{{y}}', 'or.1.b.in.1'],
    ])
    expect(fillHoles(where, ['JFK', 10, 1, 2])).toEqual({
      kind: 'all',
      filters: [
        { kind: 'compare', column: 'origin', operator: 'eq', value: 'JFK' },
        {
          kind: 'all',
          filters: [
            { kind: 'compare', column: 'delay', operator: 'gt', value: 10 },
            { kind: 'compare', column: 'delay', operator: 'lte', value: 60 },
          ],
        },
        {
          kind: 'any',
          filters: [
            { kind: 'compare', column: 'a', operator: 'eq', value: 1 },
            { kind: 'compare', column: 'b', operator: 'in', value: [1, 2] },
          ],
        },
        { kind: 'not', filter: { kind: 'compare', column: 'c', operator: 'eq', value: true } },
      ],
    })
  })

  test('names an operator that was meant, and a wrong form', () => {
    expect(problem(() => whereFromValue({ delay: { gtee: 1 } })).message).toContain('Did you mean `gte`')
    const forms: readonly Value[] = [
      5,
      { delay: {} },
      { delay: { in: 5 } },
      { delay: { between: [1] } },
      { or: {} },
      { delay: { gt: [1] } },
      { delay: { is_null: 1 } },
    ]
    for (const wrong of forms) {
      expect([wrong, problem(() => filterFromValue(wrong)).code]).toEqual([wrong, 'query_invalid'])
    }
  })
})

describe('what a caller sends', () => {
  test('is a value to compare with and never an operator', () => {
    for (const where of [whereFromValue({ password: '{{input}}' }), whereFromText('password === {{input}}')]) {
      expect(problem(() => fillHoles(where, [{ neq: null }])).code).toBe('query_invalid')
      expect(problem(() => fillHoles(where, [['a']])).code).toBe('query_invalid')
    }
  })

  test('is never a template', () => {
    expect(filterFromValue({ name: '{{env.SECRET}}' })).toMatchObject({ value: '{{env.SECRET}}' })
    expect(problem(() => filterFromValue('name = {{env.SECRET}}')).message).toContain('only in definitions')
    expect(problem(() => fillHoles(whereFromText('{{filter}}'), ['name = {{x}}'])).code).toBe('query_invalid')
  })

  test('may be a whole filter where the definition says so', () => {
    const where = whereFromValue('{{filter}}')
    expect(fillHoles(where, [{ a: 1 }])).toEqual({ kind: 'compare', column: 'a', operator: 'eq', value: 1 })
    expect(fillHoles(where, ['a = 1'])).toEqual({ kind: 'compare', column: 'a', operator: 'eq', value: 1 })
    expect(fillHoles(where, [null])).toBeNull()
  })

  test('is bounded in depth and size', () => {
    let deep: Value = { a: 1 }
    for (let level = 0; level < 100; level += 1) deep = { not: deep }
    expect(problem(() => filterFromValue(deep)).code).toBe('query_invalid')
    expect(problem(() => filterFromValue({ or: Array.from({ length: 600 }, () => ({ a: 1 })) })).code).toBe(
      'query_invalid',
    )
    expect(problem(() => filterFromValue({ a: { in: Array.from({ length: 2000 }, () => 1) } })).code).toBe(
      'query_invalid',
    )
  })
})

describe('an order', () => {
  test('always says where empty values stand', () => {
    expect(parseOrder('id ASC')).toEqual([{ column: 'id', direction: 'asc', nulls: 'last' }])
    expect(parseOrder('delay desc, `Release Date` nulls first, -x')).toEqual([
      { column: 'delay', direction: 'desc', nulls: 'first' },
      { column: 'Release Date', direction: 'asc', nulls: 'first' },
      { column: 'x', direction: 'desc', nulls: 'first' },
    ])
    expect(parseOrder('  ')).toEqual([])
  })

  test('is refused when it cannot be read', () => {
    for (const wrong of ['id up', 'id,,x', 'id asc desc', 'id; drop table x', 'id, id', 'a b c']) {
      expect([wrong, problem(() => parseOrder(wrong)).code]).toEqual([wrong, 'query_invalid'])
    }
  })
})

describe('a filter that cannot be read', () => {
  test.each([
    ["release date == 'x'", '`release date`'],
    ['is-new == 1', 'backticks: `is-new`'],
    ['user.name == 1', '`user.name`'],
    ['2nd == 1', 'digit stands in backticks'],
    ['a ?= 1', 'directly behind a comparison'],
    ["a =~ 'x'", '`like`, `ilike` or `contains`'],
    ["lower(a) == 'x'", 'call no functions'],
    ['a % 2 == 0', 'do not calculate'],
  ])('%s says what to write', (text, cure) => {
    expect(problem(() => whereFromText(text)).message).toContain(cure)
  })

  test('as an object says what to write, too', () => {
    expect(problem(() => filterFromValue({ a: { '==?': 1 } })).message).toContain(
      '"==" and, beside it, `ignore_null: true`',
    )
  })

  test.each(['like', 'ilike', 'contains', 'starts_with', 'ends_with', 'in'])(
    '%s? falls away without a value',
    (word) => {
      const where = whereFromText(`a == 1 && b ${word}? {{q}}`)
      expect(fillHoles(where, [null])).toEqual(fillHoles(whereFromText('a == 1'), []))
      expect(fillHoles(where, [word === 'in' ? ['x'] : 'x'])).toMatchObject({ kind: 'all' })
    },
  )
})
