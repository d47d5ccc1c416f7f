import { FORMAT_NAMES } from '@streamstack/protocol'
import { inputTypeNames } from './input-types.ts'
import { type JsonSchema, durationSchema, JSON_SCHEMA_DIALECT } from './json-schema.ts'
import { METHODS } from './methods.ts'
import { NOTE_KEYS } from './notes.ts'
import { stepDefinitions } from './step-schema.ts'
import type { FunctionShape } from './types.ts'

/** JSON Schema (draft 2020-12) of an endpoint file, made from the functions: for completion and checks in editors. */
export function endpointJsonSchema(catalog: readonly FunctionShape[]): JsonSchema {
  return {
    $schema: JSON_SCHEMA_DIALECT,
    title: 'Streamstack endpoint',
    description: 'One endpoint: its settings, its inputs and the function stack that it runs.',
    type: 'object',
    required: ['function_stack'],
    properties: {
      $schema: { type: 'string' },
      description: { type: 'string' },
      endpoint_settings: settingsSchema,
      input_parameters: inputsSchema,
      output: outputSchema,
      function_stack: { $ref: '#/$defs/stack', description: 'The steps, in the order in which they run.' },
    },
    $defs: { input: inputSchema, ...stepDefinitions(catalog) },
  }
}

/** JSON Schema of a file in `functions/`. */
export function functionJsonSchema(catalog: readonly FunctionShape[]): JsonSchema {
  return {
    $schema: JSON_SCHEMA_DIALECT,
    title: 'Streamstack function',
    description: 'A stack that other stacks run with Run Function.',
    type: 'object',
    required: ['function_stack'],
    properties: {
      $schema: { type: 'string' },
      description: { type: 'string' },
      input_parameters: inputsSchema,
      function_stack: { $ref: '#/$defs/stack', description: 'The steps, in the order in which they run.' },
    },
    $defs: { input: inputSchema, ...stepDefinitions(catalog) },
  }
}

const byteSize: JsonSchema = {
  anyOf: [
    { type: 'string', pattern: '^\\d+(\\.\\d+)?\\s*([kKmMgG][iI]?)?[bB]?$' },
    { type: 'integer', minimum: 1 },
  ],
}

const names: JsonSchema = { anyOf: [{ type: 'array', items: { type: 'string' } }, { type: 'string' }] }

/** Notes may stand anywhere here. */
const notes: JsonSchema = Object.fromEntries([...NOTE_KEYS].map((key) => [key, true]))
const notePatterns: JsonSchema = { '^(?://|x-)': true }

const limits: JsonSchema = {
  max_duration: { ...durationSchema, description: 'Longest time of one run: 30s, 5m, or milliseconds.' },
  max_chunks: { type: 'integer', minimum: 1, description: 'Most chunks of one run.' },
  max_bytes: { ...byteSize, description: 'Most bytes of one run: 10mb, or bytes.' },
  max_iterations: { type: 'integer', minimum: 1, description: 'Most loop iterations of one run.' },
}

const outputSchema: JsonSchema = {
  type: 'object',
  description: 'What chunks hold, for `streamstack types` and OpenAPI. It is not checked.',
  additionalProperties: false,
  properties: { content: { $ref: '#/$defs/input' }, metadata: { $ref: '#/$defs/input' } },
}

const rateLimit: JsonSchema = {
  type: 'object',
  required: ['per'],
  additionalProperties: false,
  properties: {
    calls: { type: 'integer', minimum: 1, description: 'Most calls in the time `per`.' },
    tokens: { type: 'integer', minimum: 1, description: 'Most tokens of models, instead of calls.' },
    bytes: { ...byteSize, description: 'Most bytes of answers, instead of calls.' },
    per: { ...durationSchema, description: 'Such as 1m.' },
    by: {
      anyOf: [{ enum: ['caller', 'address'] }, { type: 'string', pattern: '^input\\.[A-Za-z_]\\w*$' }],
      description: 'What is counted for: caller when absent, address, or an input such as input.email.',
    },
    roles: { ...names, description: 'Only callers with one of these roles.' },
    keys: { ...names, description: 'Only callers with one of these API keys.' },
    mode: { enum: ['enforce', 'report'], description: 'report refuses nothing; enforce when absent.' },
    ...notes,
  },
  patternProperties: notePatterns,
}

const concurrency: JsonSchema = {
  type: 'object',
  required: ['runs'],
  additionalProperties: false,
  properties: {
    runs: { type: 'integer', minimum: 1, description: 'Most runs at once.' },
    queue: { type: 'integer', minimum: 0, description: 'Most calls that wait for a place; 100 when absent.' },
    wait: { ...durationSchema, description: 'How long a call waits at most; 10s when absent.' },
    ...notes,
  },
  patternProperties: notePatterns,
}

/** Editors offer capitals; any case is read. */
const METHOD_PATTERN = `^\\s*(?:${METHODS.map(anyCase).join('|')})\\s*$`

/** A pattern for a word in any case: patterns of JSON Schema have no flags. */
function anyCase(word: string): string {
  return word.replace(/./g, (letter) => `[${letter}${letter.toLowerCase()}]`)
}

const settingsSchema: JsonSchema = {
  type: 'object',
  description: 'How the endpoint is called and what bounds its runs.',
  additionalProperties: false,
  patternProperties: notePatterns,
  properties: {
    ...notes,
    name: { type: 'string' },
    endpoint: { type: 'string', description: 'The path, with the method before it if wanted: POST /api/chat.' },
    method: {
      anyOf: [{ enum: METHODS }, { type: 'string', pattern: METHOD_PATTERN }],
      description: 'POST when absent.',
    },
    path: { type: 'string', description: 'Such as /api/users/:id; the name of the file when absent.' },
    response_type: {
      enum: ['streaming', 'standard'],
      description: 'standard: one plain answer for callers who ask for no format that streams.',
    },
    headers: {
      type: 'object',
      description: 'Response headers; Content-Type sets the format of callers that ask for none.',
      additionalProperties: { type: ['string', 'number'] },
    },
    format: { enum: [...FORMAT_NAMES], description: 'Format of callers that ask for none.' },
    authentication: {
      description: 'Whether a valid JWT is needed.',
      anyOf: [
        { type: 'boolean' },
        { type: 'string' },
        {
          type: 'object',
          additionalProperties: false,
          properties: { type: { const: 'jwt' }, required: { type: 'boolean' }, roles: names, scopes: names },
        },
      ],
    },
    roles: { ...names, description: 'Any one of these roles suffices.' },
    scopes: { ...names, description: 'Any one of these scopes suffices.' },
    allow: {
      type: ['string', 'boolean'],
      description:
        'A condition over `auth` and the inputs that a call must meet, such as {{auth.team}} === {{team}}; it asks for a token, too.',
    },
    allow_read: {
      type: ['string', 'boolean'],
      description:
        "A condition over `auth` and `owner` (a subject) for callers who may also read the runs of others, such as {{auth.roles.includes('support')}}.",
    },
    limits: {
      type: 'object',
      additionalProperties: false,
      properties: { ...limits, ...notes },
      patternProperties: notePatterns,
    },
    ...limits,
    rate_limit: {
      description: 'How often it may be called; a list for several limits.',
      anyOf: [rateLimit, { type: 'array', items: rateLimit }],
    },
    concurrency: {
      description: 'Most runs at once, or how many with a queue for further calls.',
      anyOf: [{ type: 'integer', minimum: 1 }, concurrency],
    },
    delivery: {
      enum: ['memory', 'durable'],
      description: 'Where chunks are kept: in memory, or on disk before a reader sees them.',
    },
    on_disconnect: { enum: ['continue', 'cancel'], description: 'What happens to a run without readers.' },
    disconnect_grace: { ...durationSchema, description: 'How long it goes on without readers before it is cancelled.' },
    redact: {
      anyOf: [{ type: 'boolean' }, { type: 'array', items: { type: 'string' } }, { type: 'object' }],
      description: 'Redact over the whole run: true, a list of kinds, or the parameters of the step.',
    },
    filter: {
      anyOf: [{ type: 'array', items: { type: 'string' } }, { type: 'object' }],
      description: 'Filter Stream over the whole run: a list of words, or the parameters of the step.',
    },
    conversation: {
      type: 'object',
      description:
        'Load Conversation before the first step that uses `conversation_history`: the parameters of the step.',
    },
  },
}

const inputsSchema: JsonSchema = {
  type: 'object',
  description: 'What callers send, by name.',
  additionalProperties: { $ref: '#/$defs/input' },
}

const typeName: JsonSchema = { anyOf: [{ enum: inputTypeNames }, { type: 'string' }] }

const inputSchema: JsonSchema = {
  anyOf: [
    { ...typeName, description: 'A type alone, such as text.' },
    {
      type: 'object',
      properties: {
        type: typeName,
        description: { type: 'string' },
        required: { type: ['boolean', 'array'], description: 'false when absent.' },
        nullable: { type: 'boolean' },
        default: { description: 'The value when the caller sends none.' },
        values: { type: 'array', description: 'The only values allowed.' },
        enum: { type: 'array', description: 'The only values allowed.' },
        min: { type: 'number' },
        max: { type: 'number' },
        min_length: { type: 'integer', minimum: 0 },
        max_length: { type: 'integer', minimum: 0 },
        trim: { type: 'boolean', description: 'Removes white space at both ends of texts first.' },
        sanitize: {
          enum: [true, false, 'strip_html', 'escape_html'],
          description: 'Cleans texts first: Unicode NFC, no control, bidirectional-override or invisible characters.',
        },
        non_empty: { type: 'boolean', description: 'Refuses an empty text or list.' },
        pattern: { type: 'string', description: 'A regular expression.' },
        items: { $ref: '#/$defs/input' },
        properties: { type: 'object', additionalProperties: { $ref: '#/$defs/input' } },
      },
    },
  ],
}
