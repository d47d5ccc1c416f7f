import { StreamstackError } from '@streamstack/protocol'
import type { Value } from '@streamstack/protocol'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { normalizeInputs } from '../definition/normalize-inputs.ts'
import { createIssueList } from '../definition/issue-list.ts'
import { treeFromValue } from '../definition/tree.ts'
import { compileInputs, parseBody } from './index.ts'

const declarations = {
  id: 'integer',
  ids: { type: 'list', items: 'integer' },
  user: { type: 'object', properties: { id: 'integer' } },
  name: 'text',
  amount: 'number',
  any: 'any',
  options: 'object',
}
const tree = treeFromValue(declarations, { file: 'endpoints/a.yaml', line: 1, column: 1 })
const checker = compileInputs(normalizeInputs(tree, createIssueList()))

function check(body: string, query = ''): Record<string, Value> {
  const values = checker.check({
    path: {},
    query: new URLSearchParams(query),
    body: parseBody(Buffer.from(body), 'application/json'),
  })
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null))
}

function faultPaths(body: string, query = ''): unknown {
  try {
    check(body, query)
    return []
  } catch (error) {
    if (!(error instanceof StreamstackError) || error.code !== 'input_invalid') throw error
    const errors = error.details?.['errors']
    return Array.isArray(errors) ? errors.map((fault) => fault.path) : null
  }
}

describe('a whole number beyond 2^53', () => {
  test.each([
    ['{"id":9007199254740993}', { id: '9007199254740993' }],
    ['{"id":"9007199254740993"}', { id: '9007199254740993' }],
    ['{"id":"-9223372036854775808"}', { id: '-9223372036854775808' }],
    ['{"id":"+0042"}', { id: 42 }],
    ['{"id":9007199254740991}', { id: 9007199254740991 }],
    ['{"ids":[1,9007199254740993,"2"]}', { ids: [1, '9007199254740993', 2] }],
    ['{"user":{"id":9007199254740993}}', { user: { id: '9007199254740993' } }],
    [
      '{"name":"9007199254740993","any":{"x":["9007199254740993"]}}',
      { name: '9007199254740993', any: { x: ['9007199254740993'] } },
    ],
    ['{"amount":0.1234567890123456,"any":1e300}', { amount: 0.1234567890123456, any: 1e300 }],
    ['{"undeclared":9007199254740993,"id":1}', { id: 1 }],
    ['{"id":9007199254740993.0}', { id: '9007199254740993' }],
    ['{"id":9.007199254740993e15}', { id: '9007199254740993' }],
    ['{"amount":6.02e23,"any":[1e22,1.5e300]}', { amount: 6.02e23, any: [1e22, 1.5e300] }],
  ])('%s is taken', (body, values) => {
    expect(check(body)).toEqual(values)
  })

  test.each([
    ['{"id":9223372036854775808}', ['id']],
    ['{"id":"9223372036854775808"}', ['id']],
    ['{"id":"1.0"}', ['id']],
    ['{"amount":9007199254740993}', ['amount']],
    ['{"amount":9007199254740992}', ['amount']],
    ['{"amount":"5"}', ['amount']],
    ['{"any":-9007199254740993}', ['any']],
    [
      '{"amount":9007199254740993.0,"any":{"x":[9.007199254740993e15,90071992547409.93e2]}}',
      ['amount', 'any.x[0]', 'any.x[1]'],
    ],
    ['{"name":9007199254740993}', ['name']],
    ['{"any":{"a":[{"b":9007199254740993}]}}', ['any.a[0].b']],
    ['{"options":{"a":9007199254740993,"b":9007199254740994}}', ['options.a', 'options.b']],
    ['{"user":{"id":1,"other":9007199254740993},"amount":9007199254740993}', ['user.other', 'amount']],
    ['{"ids":[[9007199254740993]]}', ['ids[0][0]']],
  ])('%s is refused, with its place', (body, paths) => {
    expect(faultPaths(body)).toEqual(paths)
  })

  test.each([
    ['id=9007199254740993', { id: '9007199254740993' }, []],
    ['amount=9007199254740993', null, ['amount']],
    ['amount=9007199254740993.0', null, ['amount']],
    ['amount=%2B9.007199254740993e15', null, ['amount']],
    ['ids=[9007199254740993]', null, ['ids']],
    ['options={"a":9007199254740993}', null, ['options']],
    ['any=9007199254740993', { any: '9007199254740993' }, []],
  ])('a query of %s', (query, values, paths) => {
    expect(faultPaths('{}', query)).toEqual(paths)
    if (values !== null) expect(check('{}', query)).toEqual(values)
  })

  test('is never another number: 64 bits come through digit by digit, and all others are refused', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 66n), max: 2n ** 66n }), fc.boolean(), (big, quoted) => {
        const body = JSON.stringify({ id: 0 }).replace('0', quoted ? `"${big}"` : `${big}`)
        const fits = BigInt.asIntN(64, big) === big
        expect(faultPaths(body)).toEqual(fits ? [] : ['id'])
        if (fits) expect(JSON.stringify(check(body)['id']).replaceAll('"', '')).toBe(String(big))
      }),
    )
  })

  test('is no number of up to 15 digits with an exponent, which a number gives back; with more digits it is found', () => {
    const numeral = fc.tuple(
      fc.stringMatching(/^-?[1-9]\d{0,7}$/),
      fc.stringMatching(/^\d{1,7}$/),
      fc.nat({ max: 290 }),
    )
    fc.assert(
      fc.property(numeral, ([whole, fraction, exponent]) => {
        const text = `${whole}.${fraction}e${exponent}`
        expect(check(`{"amount":${text}}`)['amount']).toBe(Number(text))
      }),
    )
    expect(faultPaths('{"any":[1.5e16,9007199254740993e0,9.007199254740993e15]}')).toEqual(['any[1]', 'any[2]'])
  })

  test('hidden among a megabyte of values costs no more than its neighbours', () => {
    const body = `{"any":[${'1,'.repeat(400_000)}12345678901234567],"id":7}`
    expect(faultPaths(body)).toEqual(['any[400000]'])
  })
})
