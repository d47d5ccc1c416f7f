import type { Value } from '@streamstack/protocol'
import { expect, test } from 'vitest'
import { good, messages, send } from './fixtures/normalize.ts'
import { toCanonical } from './index.ts'

const withInputs = (inputs: Value): Value => ({ input_parameters: inputs, function_stack: [send] })

test('shorthands, spellings of JSON Schema and nested properties are read', () => {
  const endpoint = good(
    withInputs({
      name: 'string',
      tags: 'text[]',
      kind: { type: 'enum', values: ['a', 'b'], default: 'a' },
      age: { type: ['int', 'null'], minimum: 0, maximum: 150 },
      when: { type: 'string', format: 'date-time' },
      options: {
        type: 'object',
        required: ['deep'],
        properties: { chunk_size: 'Words per chunk', deep: { type: 'list', items: 'uuid', max_items: 3 }, n: 'int' },
      },
      free: null,
    }),
  )
  expect(endpoint.inputs.map((input) => [input.name, input.type])).toEqual([
    ['name', 'text'],
    ['tags', 'list'],
    ['kind', 'text'],
    ['age', 'integer'],
    ['when', 'timestamp'],
    ['options', 'object'],
    ['free', 'any'],
  ])
  expect(endpoint.inputs[1]?.items?.type).toBe('text')
  expect(endpoint.inputs[3]).toMatchObject({ nullable: true, min: 0, max: 150, required: false })
  expect(endpoint.inputs[5]?.properties).toMatchObject([
    { name: 'chunk_size', type: 'any', description: 'Words per chunk', required: false },
    { name: 'deep', type: 'list', required: true, maxLength: 3, items: { type: 'uuid' } },
    { name: 'n', type: 'integer', required: false },
  ])
  expect(toCanonical(good(toCanonical(endpoint)))).toEqual(toCanonical(endpoint))
})

test('a list of declarations is read like an object', () => {
  expect(good(withInputs([{ name: 'a', type: 'int', required: true }])).inputs).toMatchObject([
    { name: 'a', type: 'integer', required: true },
  ])
})

test.each<[Value, string]>([
  [{ a: 'txet' }, 'The input `a` has the unknown type "txet". Did you mean `text`?'],
  [{ a: { type: 'text', requird: true } }, 'The input `a` has the unknown key `requird`. Did you mean `required`?'],
  [{ a: { type: 'integer', default: 'x' } }, '`default` of the input `a` must be of the type integer; it is "x".'],
  [
    { a: { type: 'text', values: ['x'], default: 'y' } },
    '`default` of the input `a` is none of the allowed values; it is "y".',
  ],
  [{ a: { type: 'integer', min: 5, max: 1 } }, '`max` of the input `a` is less than `min`; no value could fit.'],
  [
    { a: { type: 'text', min: 5 } },
    '`min` of the input `a` has no meaning for the type text; remove it. Lengths are `min_length` and `max_length`.',
  ],
  [
    { a: { type: 'text', pattern: '(' } },
    '`pattern` of the input `a` is no regular expression: /(/u: Unterminated group.',
  ],
  [{ a: 5 }, 'The input `a` must be a type or a declaration; it is a number.'],
  [[{ type: 'text' }], 'An input of a list needs a `name`; write { "name": "message", "type": "text" }.'],
  [
    { a: { type: 'object', properties: { b: { type: 'text', minLength: -1 } } } },
    '`minLength` of the input `a.b` must be a whole number from 0; it is -1.',
  ],
])('%j is refused with its cure', (inputs, message) => {
  expect(messages(withInputs(inputs))).toEqual([message])
})
