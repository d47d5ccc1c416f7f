import type { Value } from '@streamstack/protocol'

/** A JSON Schema (draft 2020-12) for completion and checks in editors. */
export type JsonSchema = Readonly<Record<string, Value>>

/** Value of `$schema` in each of them. */
export const JSON_SCHEMA_DIALECT = 'https://json-schema.org/draft/2020-12/schema'

/** Schema of a duration: text with a unit, or milliseconds. */
export const durationSchema: JsonSchema = {
  anyOf: [
    { type: 'string', pattern: '^\\d+(\\.\\d+)?\\s*(ms|s|m|min|h|d)$' },
    { type: 'integer', minimum: 0 },
  ],
}
