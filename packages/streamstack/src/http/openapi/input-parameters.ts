import type { InputDeclaration } from '../../definition/types.ts'
import { inputsJsonSchema } from '../../input/index.ts'
import type { Json, JsonObject } from './json-value.ts'

/** A parameter of the path: a declared input, or any text. */
export function pathParameter(
  name: string,
  input: InputDeclaration | undefined,
  note: string | null = null,
): JsonObject {
  const description = note ?? input?.description ?? null
  return {
    name,
    in: 'path',
    required: true,
    ...(description !== null && { description }),
    schema: input === undefined ? { type: 'string' } : textSchema(input),
  }
}

/** A declared input in the query. Objects are written as `options[delay]=50`, lists by repeating the name. */
export function queryParameter(input: InputDeclaration): JsonObject {
  const { name, type, description, required } = input
  return {
    name,
    in: 'query',
    ...(required && input.default === undefined && { required: true }),
    ...(description !== null && { description }),
    ...(type === 'object' && { style: 'deepObject', explode: true }),
    schema: textSchema(input),
  }
}

/** The JSON Schema of one declared input. */
export function inputSchema(input: InputDeclaration): JsonObject {
  const { properties } = inputsJsonSchema([input])
  return (properties as Readonly<Record<string, JsonObject>>)[input.name] as JsonObject
}

/**
 * The schema of an input that is sent as text. A parameter cannot be null, and `12` in a URL is an integer: the alternatives that a JSON body has would
 * only make generated clients vague.
 */
function textSchema(input: InputDeclaration): JsonObject {
  const { type, enum: values, pattern, ...rest } = inputSchema(input)
  const isInteger = input.type === 'integer'
  const narrowed = Array.isArray(type) ? (type as readonly Json[]).filter((name) => name !== 'null')[0] : type
  return {
    ...(narrowed !== undefined && { type: narrowed }),
    ...(Array.isArray(values) && { enum: (values as readonly Json[]).filter((value) => value !== null) }),
    ...(pattern !== undefined && !isInteger && { pattern }),
    ...rest,
  }
}
