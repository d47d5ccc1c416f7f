import type { InputDeclaration, InputType, JsonSchema } from '../definition/index.ts'
import { boundsSchema } from './bounds-schema.ts'
import { hasDefault } from './input-check.ts'

const TYPES: Readonly<Record<InputType, string | null>> = {
  text: 'string',
  integer: 'integer',
  number: 'number',
  boolean: 'boolean',
  object: 'object',
  list: 'array',
  timestamp: 'string',
  email: 'string',
  uuid: 'string',
  any: null,
}

const FORMATS: Readonly<Partial<Record<InputType, string>>> = { timestamp: 'date-time', email: 'email', uuid: 'uuid' }

/**
 * The JSON Schema of what a model writes as arguments: one type for each input, and null only where it is declared. The check accepts more,
 * such as digits in a text, but some providers refuse schemas with several types, and models write what they see.
 */
export function toolJsonSchema(declarations: readonly InputDeclaration[]): JsonSchema {
  const properties = Object.fromEntries(declarations.map((declaration) => [declaration.name, schemaOf(declaration)]))
  const required = declarations
    .filter((declaration) => declaration.required && !hasDefault(declaration))
    .map(({ name }) => name)
  return { type: 'object', properties, ...(required.length > 0 && { required }) }
}

function schemaOf(declaration: InputDeclaration): JsonSchema {
  const { type, nullable, values, properties, items } = declaration
  const name = TYPES[type]
  const format = FORMATS[type]
  return {
    ...(name !== null && { type: nullable ? [name, 'null'] : name }),
    ...(format !== undefined && { format }),
    ...boundsSchema(declaration),
    ...(values !== null && { enum: values }),
    ...(hasDefault(declaration) && declaration.default !== null && { default: declaration.default }),
    ...(type === 'object' && properties !== null && toolJsonSchema(properties)),
    ...(type === 'list' && items !== null && { items: schemaOf(items) }),
  }
}
