import type { Value } from '@streamstack/protocol'
import { inputTypeNames } from './input-types.ts'
import type { FunctionShape, ParameterShape, StackShape } from './types.ts'

const dialect = 'https://json-schema.org/draft/2020-12/schema'

type Schema = Readonly<Record<string, Value>>

/** Text with an expression, which may stand wherever a value of another type is expected. */
const expressionText: Schema = { type: 'string', pattern: '\\{\\{' }

const notes: Schema = {
  description: { type: 'string', description: 'A note; changes nothing.' },
  purpose: { type: 'string', description: 'A note; changes nothing.' },
}

/** JSON Schema (draft 2020-12) of an endpoint file, made from the functions: for completion and checks in editors. */
export function endpointJsonSchema(catalog: readonly FunctionShape[]): Schema {
  return {
    $schema: dialect,
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
export function functionJsonSchema(catalog: readonly FunctionShape[]): Schema {
  return {
    $schema: dialect,
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

/** JSON Schema of a file in `tables/`. */
export function tableJsonSchema(): Schema {
  const type: Schema = { enum: ['integer', 'number', 'text', 'boolean', 'timestamp', 'json', 'uuid'] }
  const columns: Schema = { type: 'array', minItems: 1, items: { type: 'string' } }
  return {
    $schema: dialect,
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

const duration: Schema = {
  anyOf: [
    { type: 'string', pattern: '^\\d+(\\.\\d+)?\\s*(ms|s|m|min|h|d)$' },
    { type: 'integer', minimum: 0 },
  ],
}

const byteSize: Schema = {
  anyOf: [
    { type: 'string', pattern: '^\\d+(\\.\\d+)?\\s*([kKmMgG][iI]?)?[bB]?$' },
    { type: 'integer', minimum: 1 },
  ],
}

const names: Schema = { anyOf: [{ type: 'array', items: { type: 'string' } }, { type: 'string' }] }

const limits: Schema = {
  max_duration: { ...duration, description: 'Longest time of one run: 30s, 5m, or milliseconds.' },
  max_chunks: { type: 'integer', minimum: 1, description: 'Most chunks of one run.' },
  max_bytes: { ...byteSize, description: 'Most bytes of one run: 10mb, or bytes.' },
  max_iterations: { type: 'integer', minimum: 1, description: 'Most loop iterations of one run.' },
}

const outputSchema: Schema = {
  type: 'object',
  description: 'What chunks hold, for `streamstack types` and OpenAPI. It is not checked.',
  additionalProperties: false,
  properties: { content: { $ref: '#/$defs/input' }, metadata: { $ref: '#/$defs/input' } },
}

const settingsSchema: Schema = {
  type: 'object',
  description: 'How the endpoint is called and what bounds its runs.',
  additionalProperties: false,
  properties: {
    method: { enum: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'], description: 'POST when absent.' },
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
    limits: { type: 'object', additionalProperties: false, properties: limits },
    ...limits,
    delivery: {
      enum: ['memory', 'durable'],
      description: 'Where chunks are kept: in memory, or on disk before a reader sees them.',
    },
    on_disconnect: { enum: ['continue', 'cancel'], description: 'What happens to a run without readers.' },
    disconnect_grace: { ...duration, description: 'How long it goes on without readers before it is cancelled.' },
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
    description: { type: 'string' },
    tags: { type: 'array', items: { type: 'string' } },
  },
}

const inputsSchema: Schema = {
  type: 'object',
  description: 'What callers send, by name.',
  additionalProperties: { $ref: '#/$defs/input' },
}

const typeName: Schema = { anyOf: [{ enum: inputTypeNames }, { type: 'string' }] }

const inputSchema: Schema = {
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

function stepDefinitions(catalog: readonly FunctionShape[]): Schema {
  const implied = catalog.filter((shape) => shape.name === 'Create Variables' || shape.name === 'Update Variables')
  return {
    stack: { type: 'array', items: { $ref: '#/$defs/step' } },
    step: {
      type: 'object',
      anyOf: [...catalog.map((shape) => stepSchema(shape, true)), ...implied.map((shape) => stepSchema(shape, false))],
    },
  }
}

/** `named`: with its function; the two that need no name are offered without it as well. */
function stepSchema(shape: FunctionShape, named: boolean): Schema {
  const properties: Record<string, Value> = {
    function: { enum: [shape.name, ...(shape.aliases ?? [])], description: shape.summary },
    step: { type: ['string', 'integer'], description: 'A label, or a number.' },
    disabled: { type: 'boolean', description: 'Checked, but not run.' },
    ...notes,
  }
  if (shape.hasResult === true || shape.resultDefault !== undefined) {
    const fallback = shape.resultDefault === undefined ? '' : ` \`${shape.resultDefault}\` when absent.`
    properties['as'] = { type: 'string', description: `The variable that takes the result.${fallback}` }
  }
  /** One `anyOf` per required part: it may be written under any of its spellings. */
  const required: Schema[] = []
  const add = (name: string, part: ParameterShape | StackShape, schema: Schema): void => {
    const spellings = [name, ...(part.aliases ?? [])]
    for (const spelling of spellings) properties[spelling] ??= { ...schema, description: part.summary }
    if (part.required === true) required.push({ anyOf: spellings.map((spelling) => ({ required: [spelling] })) })
  }
  for (const [name, parameter] of Object.entries(shape.parameters)) add(name, parameter, parameterSchema(parameter))
  for (const [name, stack] of Object.entries(shape.stacks ?? {})) add(name, stack, stackSchema(stack))
  return {
    title: shape.name,
    description: shape.summary,
    properties,
    ...(named && { required: ['function'] }),
    ...(required.length > 0 && { allOf: required }),
  }
}

function parameterSchema(parameter: ParameterShape): Schema {
  const common: Schema = parameter.default === undefined ? {} : { default: parameter.default }
  switch (parameter.kind) {
    case 'condition':
      return { type: ['string', 'boolean'], ...common }
    case 'assignments':
      return { type: 'object', ...common }
    case 'variable':
      return { type: 'string', pattern: '^[^\\s{}]+$', ...common }
    case 'where':
      return { type: ['object', 'string', 'null'], ...common }
    case 'literal':
      return { ...typeSchema(parameter), ...common }
    default: {
      const type = typeSchema(parameter)
      return Object.keys(type).length === 0 ? common : { anyOf: [type, expressionText], ...common }
    }
  }
}

function typeSchema(parameter: ParameterShape): Schema {
  if (parameter.values !== undefined) return { enum: parameter.values }
  switch (parameter.type ?? 'any') {
    case 'any':
      return {}
    case 'text':
      return { type: ['string', 'number', 'boolean'] }
    case 'integer':
      return { anyOf: [{ type: 'integer' }, { type: 'string', pattern: '^\\s*[+-]?\\d+\\s*$' }] }
    case 'number':
      return { anyOf: [{ type: 'number' }, { type: 'string', pattern: '^\\s*[+-]?[\\d.]+(e[+-]?\\d+)?\\s*$' }] }
    case 'duration':
      return duration
    case 'boolean':
      return { enum: [true, false, 'true', 'false'] }
    case 'list':
      return { type: 'array' }
    default:
      return { type: 'object' }
  }
}

function stackSchema(stack: StackShape): Schema {
  const steps: Schema = { $ref: '#/$defs/stack' }
  if (stack.form === 'branches') return { type: 'array', items: steps }
  if (stack.form === 'cases') {
    const when: Schema = stack.when === 'value' ? {} : { type: ['string', 'boolean'] }
    const item: Schema = {
      type: 'object',
      properties: { when, condition: when, value: when, steps, true_branch: steps },
    }
    return { type: ['array', 'object'], items: item }
  }
  return steps
}
