import type { InputDeclaration, InputType, JsonSchema } from '../definition/index.ts'
import { boundsSchema } from './bounds-schema.ts'
import { hasDefault } from './input-check.ts'

const typeNames: Readonly<Record<InputType, readonly string[]>> = {
  text: ['string'],
  // Digits in a text, for what a number cannot hold.
  integer: ['integer', 'string'],
  number: ['number'],
  boolean: ['boolean'],
  object: ['object'],
  list: ['array'],
  timestamp: ['string', 'integer'],
  email: ['string'],
  uuid: ['string'],
  any: [],
}

const NOT_NULL = ['array', 'boolean', 'number', 'object', 'string']

const typeBounds: Readonly<Partial<Record<InputType, JsonSchema>>> = {
  integer: { minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER, pattern: String.raw`^[+-]?\d{1,19}$` },
  email: { format: 'email' },
  uuid: { format: 'uuid' },
}

/**
 * The JSON Schema (draft 2020-12) of a JSON body with these inputs, for OpenAPI. It accepts what the check
 * accepts: null counts as absent, so optional inputs may be null.
 */
export function inputsJsonSchema(declarations: readonly InputDeclaration[]): JsonSchema {
  return { type: 'object', ...propertiesSchema(declarations) }
}

function propertiesSchema(declarations: readonly InputDeclaration[]): JsonSchema {
  const properties = Object.fromEntries(declarations.map((declaration) => [declaration.name, inputSchema(declaration)]))
  const required = declarations.filter(mustBeSent).map(({ name }) => name)
  return { properties, ...(required.length > 0 && { required }) }
}

function mustBeSent(declaration: InputDeclaration): boolean {
  return declaration.required && !hasDefault(declaration)
}

/** The same of one declared value. */
export function inputSchema(declaration: InputDeclaration): JsonSchema {
  const { type, values } = declaration
  const isNullable = declaration.nullable || !mustBeSent(declaration)
  // Not `{ not: { type: 'null' } }`, which generators of clients cannot read.
  const types = type === 'any' && !isNullable ? NOT_NULL : typeNames[type]
  return {
    ...(types.length > 0 && { type: isNullable ? [...types, 'null'] : types.length === 1 ? types[0] : types }),
    ...typeBounds[type],
    ...boundsSchema(declaration),
    ...(values !== null && { enum: isNullable && !values.includes(null) ? [...values, null] : values }),
    ...(hasDefault(declaration) && { default: declaration.default }),
    ...innerSchema(declaration),
  }
}

function innerSchema({ type, properties, items }: InputDeclaration): JsonSchema {
  if (type === 'object' && properties !== null) return propertiesSchema(properties)
  return type === 'list' && items !== null ? { items: inputSchema({ ...items, required: true }) } : {}
}
