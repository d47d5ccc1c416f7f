import { type JsonSchema, JSON_SCHEMA_DIALECT } from '../definition/index.ts'
import { COLUMN_TYPES } from './column-type.ts'

/** JSON Schema of a file in `tables/`. */
export function tableJsonSchema(): JsonSchema {
  const type: JsonSchema = { enum: COLUMN_TYPES }
  const columns: JsonSchema = { type: 'array', minItems: 1, items: { type: 'string' } }
  return {
    $schema: JSON_SCHEMA_DIALECT,
    title: 'Streamstack table',
    description: 'The columns and indexes of one table.',
    type: 'object',
    required: ['columns'],
    properties: {
      $schema: { type: 'string' },
      description: { type: 'string' },
      columns: {
        type: 'object',
        description: 'By name.',
        additionalProperties: {
          anyOf: [
            { type: 'string', description: 'A type alone: text.' },
            {
              type: 'object',
              required: ['type'],
              properties: {
                type: { anyOf: [type, { type: 'string' }] },
                primary: { type: 'boolean', description: 'Whether it identifies a record.' },
                required: { type: 'boolean', description: 'Whether it must not be null.' },
                unique: { type: 'boolean', description: 'Whether no two records may have the same value.' },
                private: { type: 'boolean', description: 'Whether it is read only where a step names it.' },
                default: { description: 'The value of records that do not give one.' },
                values: { type: 'array', description: 'The only values allowed.' },
                description: { type: 'string' },
              },
            },
          ],
        },
      },
      allow: {
        description:
          'Which records callers may read and change: a filter as in `where` over `auth`, such as `owner == {{auth.sub}}`, or a rule for each act. An act that is not named is forbidden.',
        anyOf: [
          { type: 'string' },
          { type: 'boolean' },
          {
            type: 'object',
            minProperties: 1,
            additionalProperties: false,
            properties: {
              read: { description: 'Records that can be read and counted.' },
              write: { description: 'Short for `add`, `edit` and `delete`.' },
              add: { description: 'Records that can be added.' },
              edit: { description: 'Records that can be changed. They must fit before and after.' },
              delete: { description: 'Records that can be deleted.' },
            },
          },
        ],
      },
      seed: {
        description:
          'First records of the table, imported when the server starts and finds it empty: a list, or the path of a .csv, .json or .ndjson file from the workspace folder.',
        anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'object' } }],
      },
      indexes: {
        type: 'array',
        description: 'Columns that are searched or ordered by together.',
        items: {
          anyOf: [
            columns,
            { type: 'object', required: ['columns'], properties: { columns, unique: { type: 'boolean' } } },
          ],
        },
      },
    },
  }
}
