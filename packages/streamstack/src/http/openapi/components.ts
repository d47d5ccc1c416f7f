import { ERRORS, type ErrorCode, FORMAT_NAMES } from '@streamstack/protocol'
import type { JsonObject } from './json-value.ts'

/** Name of the security scheme: JWTs by `auth.jwt`, API keys by `auth.keys`. */
export const BEARER = 'bearer'

export const problemSchema: JsonObject = {
  description: 'A problem document (RFC 9457).',
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'code', 'recoverable', 'retry_after'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'What went wrong, for a person.' },
    code: { type: 'string', description: 'What went wrong, for a program.' },
    recoverable: { type: 'boolean', description: 'Whether the same call may succeed later, unchanged.' },
    retry_after: { type: ['number', 'null'], description: 'Seconds; null: a retry does not help.' },
    errors: {
      description: 'With `input_invalid`: every fault.',
      type: 'array',
      items: {
        type: 'object',
        properties: { path: { type: 'string' }, message: { type: 'string' } },
      },
    },
  },
}

/** Of the format `json`. */
const resultSchema: JsonObject = {
  description: 'The whole result of a run.',
  type: 'object',
  required: ['run', 'outcome', 'chunks', 'error'],
  properties: {
    run: { type: ['string', 'null'] },
    outcome: { enum: ['completed', 'failed', 'cancelled', 'abandoned', null] },
    chunks: {
      type: 'array',
      items: {
        type: 'object',
        required: ['offset', 'content', 'metadata'],
        properties: {
          offset: { type: 'integer', minimum: 0 },
          kind: { type: 'string', description: 'Present where the chunk is neither text nor JSON.' },
          content: {},
          metadata: { type: ['object', 'null'] },
        },
      },
    },
    error: { oneOf: [{ $ref: '#/components/schemas/Error' }, { type: 'null' }] },
  },
}

/** An error inside a stream. */
const errorSchema: JsonObject = {
  type: 'object',
  required: ['code', 'message', 'recoverable', 'retry_after'],
  properties: {
    code: { type: 'string' },
    message: { type: 'string' },
    recoverable: { type: 'boolean' },
    retry_after: { type: ['number', 'null'], description: 'Seconds; null: a retry does not help.' },
  },
}

/** Parameters that every endpoint takes, by the name that an input of the same name displaces. */
export const callParameters: Readonly<Record<string, JsonObject>> = {
  format: {
    name: 'format',
    in: 'query',
    description: 'The format of the answer; goes before `Accept`.',
    schema: { type: 'string', enum: [...FORMAT_NAMES] },
  },
  kinds: {
    name: 'kinds',
    in: 'query',
    description: 'Kinds of chunks that the answer carries, separated by commas, or `all`.',
    schema: { type: 'string' },
  },
  include_metadata: {
    name: 'include_metadata',
    in: 'query',
    description: 'Whether chunks carry their metadata in formats that leave it out by default.',
    schema: { type: 'boolean', default: false },
  },
  escape_formulas: {
    name: 'escape_formulas',
    in: 'query',
    description: 'With `csv`: whether text that a spreadsheet would compute begins with a quotation mark.',
    schema: { type: 'boolean', default: false },
  },
  'Idempotency-Key': {
    name: 'Idempotency-Key',
    in: 'header',
    description: 'A call that repeats the key attaches to the run of the first call instead of starting another.',
    schema: { type: 'string', minLength: 1, maxLength: 255 },
  },
}

export const components: JsonObject = {
  schemas: { Problem: problemSchema, Error: errorSchema, Result: resultSchema },
  parameters: callParameters,
  headers: {
    'Stream-Run': { description: 'The id of the run.', schema: { type: 'string' } },
    'Stream-Url': {
      description: 'The path at which the stream is read again, from any offset.',
      schema: { type: 'string' },
    },
    'RateLimit-Policy': { description: 'The limits of the call.', schema: { type: 'string' } },
    RateLimit: { description: 'What is left of each limit, and when it is reset.', schema: { type: 'string' } },
    'Retry-After': { description: 'Seconds to wait before a retry.', schema: { type: 'integer', minimum: 0 } },
  },
  securitySchemes: { [BEARER]: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
}

/** Errors as responses by status, with the titles of their codes. */
export function problemResponses(codes: readonly ErrorCode[]): Record<string, JsonObject> {
  const byStatus = Map.groupBy(codes, (code) => ERRORS[code].status)
  const responses = [...byStatus]
    .toSorted(([one], [other]) => one - other)
    .map(([status, sameStatus]) => {
      const retries = sameStatus.some((code) => ERRORS[code].recoverable)
      return [
        String(status),
        {
          description: sameStatus.map((code) => `\`${code}\`: ${ERRORS[code].title}`).join('\n\n'),
          ...(retries && {
            headers: headersNamed(sameStatus.includes('rate_limited') ? RATE_HEADERS : ['Retry-After']),
          }),
          content: problemContent,
        },
      ] as const
    })
  return Object.fromEntries(responses)
}

const RATE_HEADERS = ['Retry-After', 'RateLimit', 'RateLimit-Policy']

/** References to headers of the components. */
export function headersNamed(names: readonly string[]): JsonObject {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]))
}

const problemContent: JsonObject = {
  'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
}

/** For every status that is not listed. */
export const otherProblem: JsonObject = { description: 'Any other error.', content: problemContent }
