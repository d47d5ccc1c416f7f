import { StreamstackError } from '@streamstack/protocol'
import type { Value } from '@streamstack/protocol'
import { Ajv2020 } from 'ajv/dist/2020.js'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { InputDeclaration, InputType } from '../definition/types.ts'
import { compileInputs, inputsJsonSchema, toolJsonSchema } from './index.ts'
import type { RequestBody } from './index.ts'

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

function accepts(declarations: readonly InputDeclaration[], body: RequestBody): boolean {
  try {
    compileInputs(declarations).check({ path: {}, query: new URLSearchParams(), body })
    return true
  } catch (thrown) {
    if (!(thrown instanceof StreamstackError) || thrown.code !== 'input_invalid') throw thrown
    return false
  }
}

describe('the JSON Schema', () => {
  test('says what the check says', () => {
    const leaf = fc.constantFrom<InputDeclaration>(
      declare('', 'text', { minLength: 1, maxLength: 3 }),
      declare('', 'text', { values: ['a', 'b'] }),
      declare('', 'text', { pattern: '^a' }),
      declare('', 'integer', { min: 0, max: 5 }),
      declare('', 'number', { max: 2 }),
      declare('', 'boolean'),
      declare('', 'any'),
      declare('', 'integer', { default: 3 }),
      declare('', 'integer', { default: null }),
      declare('', 'list', { maxLength: 2, items: declare('', 'integer') }),
      declare('', 'object', { properties: [declare('a', 'integer', { required: true }), declare('b', 'text')] }),
    )
    const declaration = fc
      .tuple(leaf, fc.boolean(), fc.boolean())
      .map(([base, required, nullable]) => ({ ...base, required, nullable }))
    const scalar = fc.constantFrom<Value>(null, true, 0, 1, 3, 6, -1, 1.5, 2 ** 53, '', 'a', 'b', 'abc', 'abcd', '👩👩')
    const value = fc.oneof(
      scalar,
      fc.array(scalar, { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('a', 'b', 'c'), scalar),
    )
    const body = fc.dictionary(fc.constantFrom('x', 'y', 'z'), value)
    const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, validateFormats: false })
    fc.assert(
      fc.property(declaration, declaration, body, (first, second, sent) => {
        const declarations = [
          { ...first, name: 'x' },
          { ...second, name: 'y' },
        ]
        const accepted = ajv.validate(inputsJsonSchema(declarations), sent)
        expect(accepts(declarations, sent)).toBe(accepted)
        // What a model is asked for is accepted; whole numbers beyond 2^53 and null for `any` are left to the check.
        const isLeft = declarations.some(({ type }) => type === 'any') || JSON.stringify(sent).includes(String(2 ** 53))
        if (!isLeft && ajv.validate(toolJsonSchema(declarations), sent)) expect(accepted).toBe(true)
      }),
      { numRuns: 400 },
    )
  })

  test('of a tool has one type for each input, and null only where it is declared', () => {
    const inputs = [
      declare('count', 'integer', { min: 1, default: 3 }),
      declare('bread', 'text', { values: ['rye', 'wheat'] }),
      declare('at', 'timestamp', { nullable: true }),
      declare('any', 'any'),
      declare('tags', 'list', { items: declare('', 'text'), maxLength: 2 }),
      declare('place', 'object', { required: true, properties: [declare('city', 'text', { required: true })] }),
    ]
    expect(toolJsonSchema(inputs)).toEqual({
      type: 'object',
      properties: {
        count: { type: 'integer', minimum: 1, default: 3 },
        bread: { type: 'string', enum: ['rye', 'wheat'] },
        at: { type: ['string', 'null'], format: 'date-time' },
        any: {},
        tags: { type: 'array', items: { type: 'string' }, maxItems: 2 },
        place: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
      },
      required: ['place'],
    })
  })

  test('carries descriptions, defaults and bounds', () => {
    const schema = inputsJsonSchema([
      declare('message', 'text', { required: true, description: 'What to say', maxLength: 9 }),
      declare('tags', 'list', { items: declare('', 'text'), default: [] }),
    ])
    expect(schema).toEqual({
      type: 'object',
      properties: {
        message: { type: 'string', description: 'What to say', maxLength: 9 },
        tags: { type: ['array', 'null'], default: [], items: { type: 'string' } },
      },
      required: ['message'],
    })
  })
})
