import { type JsonSchema, JSON_SCHEMA_DIALECT } from '../definition/index.ts'
import {
  HISTORY_AGE_MS_DEFAULT,
  HISTORY_COUNT_DEFAULT,
  HISTORY_COUNT_MAX,
  MESSAGE_BYTES_DEFAULT,
} from './declaration.ts'

const names: JsonSchema = { anyOf: [{ type: 'string' }, { type: 'array', minItems: 1, items: { type: 'string' } }] }

const condition: JsonSchema = { anyOf: [{ type: 'string' }, { type: 'boolean' }] }

function rule(who: string): JsonSchema {
  return {
    description: `${who} false: no caller; true: every caller; token: every caller with a valid token; or callers that have one of the roles, one of the scopes, and fulfil the condition.`,
    default: false,
    anyOf: [
      { type: 'boolean' },
      { enum: ['token'] },
      {
        type: 'object',
        minProperties: 1,
        additionalProperties: false,
        properties: {
          roles: { ...names, description: 'One of them suffices.' },
          scopes: { ...names, description: 'One of them suffices.' },
          when: {
            ...condition,
            description:
              'Over `auth` (the claims of the token, or null), `channel` (its name) and the parameters of the name.',
          },
        },
      },
    ],
  }
}

/** JSON Schema (draft 2020-12) of a file in `channels/`, for completion and checks in editors. */
export function channelJsonSchema(): JsonSchema {
  return {
    $schema: JSON_SCHEMA_DIALECT,
    title: 'Streamstack channel',
    description: 'Named streams that endpoints and clients publish to: who may, and what is kept.',
    type: 'object',
    additionalProperties: false,
    properties: {
      $schema: { type: 'string' },
      description: { type: 'string', description: 'A note; changes nothing.' },
      purpose: { type: 'string', description: 'A note; changes nothing.' },
      channel: {
        type: 'string',
        description:
          'The name, as rooms/{room}: what stands in braces is one segment, whatever it is. Default: the name of the file.',
      },
      publish: rule('Who may publish.'),
      subscribe: rule('Who may read.'),
      presence: rule('Who may see who is there, and be seen.'),
      history: {
        description: 'The messages that a new reader receives first. Default: none.',
        anyOf: [
          { const: false },
          {
            type: 'object',
            minProperties: 1,
            additionalProperties: false,
            properties: {
              count: {
                type: 'integer',
                minimum: 1,
                maximum: HISTORY_COUNT_MAX,
                description: `The newest messages. Default: ${HISTORY_COUNT_DEFAULT}.`,
              },
              age: {
                description: `None older than this, from 1s to 30d. Default: ${HISTORY_AGE_MS_DEFAULT / 3_600_000}h.`,
                anyOf: [
                  { type: 'string', pattern: '^\\d+(\\.\\d+)?\\s*(ms|s|m|min|h|d)$' },
                  { type: 'integer', minimum: 1000 },
                ],
              },
            },
          },
        ],
      },
      delivery: {
        enum: ['memory', 'durable'],
        default: 'memory',
        description:
          'Where messages are kept. durable: on disk before a reader receives them, so that they survive a restart.',
      },
      deliver: {
        ...condition,
        description:
          'Which messages a subscriber gets: over `message` (the content), `metadata`, `auth` of the subscriber, `channel` and the parameters of the name. Default: all.',
      },
      max_bytes: {
        description: `Of content and metadata of one message as JSON, up to 1mb. Default: ${MESSAGE_BYTES_DEFAULT / 1024}kb.`,
        anyOf: [
          { type: 'string', pattern: '^\\d+(\\.\\d+)?\\s*(b|bytes|k|kb|kib|m|mb|mib)?$' },
          { type: 'integer', minimum: 1 },
        ],
      },
    },
  }
}
