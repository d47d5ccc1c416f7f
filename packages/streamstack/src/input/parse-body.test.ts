import { StreamstackError } from '@streamstack/protocol'
import type { Value } from '@streamstack/protocol'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseBody } from './index.ts'
import { parseExactJson } from '../text/parse-exact-json.ts'
import { findJsonFault } from './json-fault.ts'

const json = 'application/json'
const form = 'application/x-www-form-urlencoded'

function parse(text: string, type: string | undefined = json): unknown {
  return parseBody(Buffer.from(text), type)
}

function failure(bytes: string | Buffer, type: string | undefined = json): StreamstackError {
  try {
    parseBody(typeof bytes === 'string' ? Buffer.from(bytes) : bytes, type)
  } catch (thrown) {
    if (thrown instanceof StreamstackError) return thrown
    throw thrown
  }
  throw new Error('the body was accepted')
}

function fieldsOf(body: unknown): [string, string][] {
  if (!(body instanceof URLSearchParams)) throw new Error('the body is no form')
  return [...body]
}

function isDeepFrozen(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true
  return Object.isFrozen(value) && Object.values(value).every(isDeepFrozen)
}

describe('bodies that are read', () => {
  test.each<[string, string, string | undefined, object]>([
    ['JSON', '{"a":1,"b":[true,null,{"c":"é"}]}', json, { a: 1, b: [true, null, { c: 'é' }] }],
    ['JSON with a charset', '{"a":1}', 'Application/JSON; Charset="UTF-8"', { a: 1 }],
    ['JSON of a vendor', '{"a":1}', 'application/vnd.api+json', { a: 1 }],
    ['JSON as plain text', '{"a":1}', 'text/plain;charset=UTF-8', { a: 1 }],
    ['JSON without a type', ' {"a":1}\n', undefined, { a: 1 }],
    ['JSON after a byte order mark', '\uFEFF{"a":1}', json, { a: 1 }],
    ['nothing', '', json, {}],
    ['nothing of any type', '', 'multipart/form-data', {}],
    ['blanks', ' \n', json, {}],
    ['emoji', '{"a":"👩‍🚀"}', json, { a: '👩‍🚀' }],
    ['names that only look special', '{"toString":1,"hasOwnProperty":2}', json, { toString: 1, hasOwnProperty: 2 }],
  ])('%s', (_name, text, type, expected) => {
    const body = parse(text, type)
    expect(body).toEqual(expected)
    expect(isDeepFrozen(body)).toBe(true)
  })

  test('a form keeps its fields as texts, in order', () => {
    const body = parse('a=1&a=2&b=x+y%20%C3%A9&c', form)
    expect(fieldsOf(body)).toEqual([
      ['a', '1'],
      ['a', '2'],
      ['b', 'x y é'],
      ['c', ''],
    ])
    expect(fieldsOf(parse('a=%EF%BF%BD', form))).toEqual([['a', '\uFFFD']])
  })

  test('whatever JSON.stringify makes of an object comes back as it was', () => {
    const key = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString'))
    const plain = fc.dictionary(key, fc.oneof(fc.jsonValue(), fc.dictionary(key, fc.jsonValue())))
    fc.assert(
      fc.property(plain, (value) => {
        const text = JSON.stringify(value)
        expect(parse(text)).toEqual(parseExactJson(text))
        expect(JSON.stringify(parse(text))).toBe(JSON.stringify(parseExactJson(text)))
      }),
    )
  })
})

describe('bodies that are refused, with the place and the cure', () => {
  test.each<[string, string, RegExp]>([
    ['WeWeb turned an object to text', '[object Object]', /bind a raw JSON string/],
    ['with blanks around', ' [object Object]\n', /bind a raw JSON string/],
    ['a list', '[1,2]', /JSON list.*\{"items"/],
    ['a text', '"hello"', /a JSON text.*Send an object/],
    ['stringified twice', JSON.stringify('{"a":1}'), /stringified twice/],
    ['a number', '17', /a JSON number/],
    ['null', 'null', /is null/],
    ['a word', 'undefined', /line 1, column 1: expected a value; found the word undefined/],
    ['a value missing', '{"a":}', /line 1, column 6: expected a value; found "}"/],
    ['a comma missing', '{"a":1\n"b":2}', /line 2, column 1: expected "," or the closing bracket/],
    ['a comma too many', '{"a":1,}', /column 8: expected a name.*no comma may stand after the last entry.*found "}"/],
    ['a comma too many in a list', '{"a":[1,]}', /column 9: expected a value; found "]"/],
    ['the wrong bracket', '{"a":[1}', /column 8: .*found "}"/],
    ['no end', '{"a":[1,2', /found the end/],
    ['single quotes', "{'a':1}", /column 2: .*found a single quote/],
    ['a name without quotes', '{a:1}', /found a word without quotes/],
    ['a comment', '{"a":1 // x\n}', /found a comment/],
    ['NaN', '{"a":NaN}', /found the word NaN/],
    ['Python', '{"a":None}', /found the word None/],
    ['a typographic quote', '{“a”:1}', /found a typographic quote/],
    ['a line break in a text', '{"a":"x\ny"}', /column 8: expected an escape.*found a line break/],
    ['a wrong escape', '{"a":"\\x"}', /expected one of the escapes/],
    ['half an escape', '{"a":"\\u12"}', /expected one of the escapes/],
    ['an open text', '{"a":"x', /expected the closing quote of a text; found the end/],
    ['a leading zero', '{"a":01}', /found a digit/],
    ['more after the end', '{"a":1} {"b":2}', /column 9: expected nothing more; found "{"/],
    ['a number that is too large', '{"a":1e999}', /number that is too large/],
    ['65 levels', `{"a":${'['.repeat(64)}${']'.repeat(64)}}`, /deeper than 64 levels/],
    ['500,000 levels', '['.repeat(500_000), /deeper than 64 levels/],
    ['500,000 closed levels', '['.repeat(500_000) + ']'.repeat(500_000), /deeper than 64 levels/],
    [
      'too many names',
      `{"a":[${Array.from({ length: 50_001 }, (_, index) => `{"k${index}":1,"l":2}`).join(',')}]}`,
      /more than 100,000 names/,
    ],
    [
      'too many names in one object',
      `{"a":{${Array.from({ length: 10_001 }, (_, index) => `"k${index}":1`).join(',')}}}`,
      /more than 10,000 names in one object; send a list/,
    ],
  ])('%s', (_name, text, message) => {
    const error = failure(text)
    expect(error).toMatchObject({ code: 'body_unreadable', status: 400 })
    expect(error.message).toMatch(message)
    expect(error.message.length).toBeLessThan(400)
  })

  test('64 levels and 10,000 names in one object are fine', () => {
    expect(() => parse(`{"a":${'['.repeat(63)}${']'.repeat(63)}}`)).not.toThrow()
    const names = `{${Array.from({ length: 10_000 }, (_, index) => `"k${index}":1`).join(',')}}`
    const nine = Array.from({ length: 9 }, () => names).join(',')
    expect(() => parse(`{"a":[${nine}]}`)).not.toThrow()
  })

  test('the message never repeats what was sent', () => {
    for (const text of [
      '{"password": hunter2}',
      '{"password": "hunter2" x',
      '{"password": "hunter2\n"}',
      '{hunter2:1}',
      'hunter2',
    ]) {
      expect(failure(text).message).not.toContain('hunter')
    }
  })

  test.each([
    ['bytes that are not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), json, 400, /not UTF-8/],
    ['half a character', Buffer.from('{"a":"é').subarray(0, 7), json, 400, /not UTF-8/],
    ['UTF-16', Buffer.from('\uFEFF{"a":1}', 'utf16le'), json, 400, /not UTF-8/],
    ['another charset', Buffer.from('{}'), 'application/json; charset=iso-8859-1', 415, /Send it in UTF-8/],
    ['a form with files', Buffer.from('--x'), 'multipart/form-data; boundary=x', 415, /Forms with files are not read/],
    ['XML', Buffer.from('<a/>'), 'application/xml', 415, /Content-Type is not read/],
    ['JSON lines', Buffer.from('{}'), 'application/x-ndjson', 415, /Content-Type is not read/],
    ['a form of other escapes', Buffer.from('a=%E9'), form, 400, /percent escapes that are not UTF-8/],
    ['JSON sent as a form', Buffer.from('{"a":1}'), form, 400, /Send Content-Type: application\/json/],
    ['a form with too many fields', Buffer.from('a&'.repeat(10_001)), form, 400, /10,000 fields/],
    ['an object as form text', Buffer.from('[object Object]'), form, 400, /bind a raw JSON string/],
  ])('%s', (_name, bytes, type, status, message) => {
    const error = failure(bytes, type)
    expect(error.status).toBe(status)
    expect(error.message).toMatch(message)
  })
})

describe('whatever arrives', () => {
  const types = fc.constantFrom(json, form, 'text/plain', undefined, 'multipart/form-data', 'x')
  const nearlyJson = fc
    .tuple(fc.json(), fc.nat(), fc.constantFrom('', '"', '{', ']', ',', '\\', 'x', ' ', '\u0000'))
    .map(
      ([text, at, piece]) => text.slice(0, at % (text.length + 1)) + piece + text.slice((at % (text.length + 1)) + 1),
    )

  test('only a StreamstackError is thrown', () => {
    const bytes = fc.oneof(
      fc.uint8Array().map((array) => Buffer.from(array)),
      nearlyJson.map((text) => Buffer.from(text)),
    )
    fc.assert(
      fc.property(bytes, types, (body, type) => {
        try {
          expect(typeof parseBody(body, type)).toBe('object')
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(StreamstackError)
        }
      }),
      { numRuns: 1000 },
    )
  })

  test('a place is found exactly where JSON.parse refuses', () => {
    fc.assert(
      fc.property(fc.oneof(nearlyJson, fc.string()), (text) => {
        let value: Value | undefined
        try {
          value = JSON.parse(text)
        } catch {
          value = undefined
        }
        expect(findJsonFault(text) === null).toBe(value !== undefined)
      }),
      { numRuns: 3000 },
    )
  })
})
