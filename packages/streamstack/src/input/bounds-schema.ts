import { type InputDeclaration, type JsonSchema } from '../definition/index.ts'

/** Returns the description and the bounds of an input as members of its JSON Schema. */
export function boundsSchema(declaration: InputDeclaration): JsonSchema {
  const { type, description, min, max, minLength, maxLength, pattern } = declaration
  const isList = type === 'list'
  return {
    ...(description !== null && { description }),
    ...(min !== null && { minimum: min }),
    ...(max !== null && { maximum: max }),
    ...(minLength !== null && { [isList ? 'minItems' : 'minLength']: minLength }),
    ...(maxLength !== null && { [isList ? 'maxItems' : 'maxLength']: maxLength }),
    ...(pattern !== null && { pattern }),
  }
}
