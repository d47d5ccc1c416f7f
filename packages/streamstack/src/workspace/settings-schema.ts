import { z } from 'zod'
import { isVariableName } from '../definition/index.ts'
import { auditHeadShape, auditShape } from './audit-settings.ts'
import { authShape, jwtShape } from './auth-settings.ts'
import { channelsShape } from './channels-settings.ts'
import { limitsShape, openStreamsShape } from './limits-settings.ts'
import { outbound, outboundShape } from './outbound-settings.ts'
import { corsShape, serverShape, tlsShape, websocketShape } from './server-settings.ts'
import { duration, names, OBJECT_MESSAGE, text, wholeNumber } from './setting-types.ts'
import { streams, streamsShape } from './streams-settings.ts'

/** Levels of the server's log, from least to most. */
export const LOG_LEVELS = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const

const price = z.number('must be a number').min(0, 'must be a number of at least 0')

const priceShape = {
  input: price.meta({ title: 'number', description: 'Price of a million input tokens.' }),
  output: price.meta({ title: 'number', description: 'Price of a million output tokens, reasoning included.' }),
  cached: price.optional().meta({
    title: 'number',
    description: 'Price of a million input tokens that were read from the cache. Default: the price of `input`.',
  }),
}

const aiShape = {
  prices: z
    .record(z.string(), z.strictObject(priceShape, OBJECT_MESSAGE), 'must be an object of model and prices')
    .default({})
    .meta({
      title: 'object of model and prices',
      description:
        'Prices of models, each `{ input, output, cached }` per million tokens, in one currency of your choice. Runs then record their cost. A name that ends in `*` applies to all models with that prefix.',
    }),
}

const conversationsShape = {
  retention: duration(60_000)
    .optional()
    .describe('Conversations without a new message for this long are deleted. If omitted, they are kept.'),
  max_messages: wholeNumber(2, 1_000_000)
    .prefault(2_000)
    .describe(
      'Maximum number of messages in one conversation; the oldest are deleted first, system messages are kept.',
    ),
  max_per_owner: wholeNumber(1, 10_000_000)
    .prefault(2_000)
    .describe(
      'Maximum number of conversations of one caller; those without a new message for longest are deleted first. All callers without a token count as one.',
    ),
}

const openaiShape = {
  models: z
    .record(
      z.string(),
      z
        .string('must be method and path of an endpoint')
        .regex(
          /^(?:GET|POST|PUT|PATCH|DELETE) \/\S*$/,
          'must be method and path of an endpoint, such as POST /api/chat',
        ),
      'must be an object such as { assistant: POST /api/chat }',
    )
    .default({})
    .meta({
      title: 'object of model and endpoint',
      description:
        "Models of `POST /v1/chat/completions`, which answers like OpenAI's API, each with the endpoint that produces the answer. `GET /v1/models` lists them.",
    }),
}

const roleNames = names('must be a list of names, such as [admin]')

const consoleShape = {
  access: z
    .union(
      [text, z.strictObject({ roles: roleNames.default([]), scopes: roleNames.default([]) })],
      'must be the name of a role, or { roles: [admin] }',
    )
    .optional()
    .meta({
      title: 'name of a role, or object of roles and scopes',
      description:
        'Roles and scopes of tokens that may use the console of `streamstack serve`, and read `/v1/workspace` and traces of runs. If omitted, there is no console. `streamstack dev` always serves it, to this machine only.',
    }),
}

const logShape = {
  level: z
    .enum(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(', ')}`)
    .default('info')
    .describe('How much the server writes to its log.'),
}

const variableName = z
  .string()
  .refine(isVariableName, 'is no variable name; use letters, digits and _, no leading digit')

const rootShape = {
  $schema: z.string().optional(),
  name: text
    .max(100, 'must not be longer than 100 characters')
    .optional()
    .describe('What the workspace is called in lists.'),
  server: z.strictObject(serverShape, OBJECT_MESSAGE).prefault({}),
  env: z
    .array(
      z
        .string('must be the name of an environment variable')
        .regex(/^[A-Za-z_]\w*$/, 'must be the name of an environment variable'),
      'must be a list of names',
    )
    .default([])
    .meta({
      title: 'list of names',
      description: 'Environment variables, of `.env` or of the process, that `{{env.NAME}}` may read.',
    }),
  variables: z.record(variableName, z.json(), 'must be an object of name and value').default({}).meta({
    title: 'object of name and value',
    description: 'Constants that every expression of the workspace can use.',
  }),
  auth: z.strictObject(authShape, OBJECT_MESSAGE).prefault({}),
  audit: z.strictObject(auditShape, OBJECT_MESSAGE).prefault({}),
  outbound: outbound.prefault({}),
  ai: z.strictObject(aiShape, OBJECT_MESSAGE).prefault({}),
  conversations: z.strictObject(conversationsShape, OBJECT_MESSAGE).prefault({}),
  openai: z.strictObject(openaiShape, OBJECT_MESSAGE).prefault({}),
  limits: z.strictObject(limitsShape, OBJECT_MESSAGE).prefault({}),
  streams: streams.prefault({}),
  channels: z.strictObject(channelsShape, OBJECT_MESSAGE).prefault({}),
  console: z.strictObject(consoleShape, OBJECT_MESSAGE).prefault({}),
  data: text.default('.streamstack').describe('Folder of the database, from the workspace folder.'),
  log: z.strictObject(logShape, OBJECT_MESSAGE).prefault({}),
}

/** The schema of `streamstack.yaml`, with defaults. */
export const settingsSchema = z.strictObject(rootShape, OBJECT_MESSAGE)

/** Known keys by the path of their object, for suggestions. */
export const knownKeys: Readonly<Record<string, readonly string[]>> = {
  '': Object.keys(rootShape),
  server: Object.keys(serverShape),
  'server.tls': Object.keys(tlsShape),
  'server.cors': Object.keys(corsShape),
  'server.websocket': Object.keys(websocketShape),
  audit: Object.keys(auditShape),
  'audit.head': Object.keys(auditHeadShape),
  auth: Object.keys(authShape),
  'auth.jwt': Object.keys(jwtShape),
  outbound: Object.keys(outboundShape),
  ai: Object.keys(aiShape),
  conversations: Object.keys(conversationsShape),
  openai: Object.keys(openaiShape),
  limits: Object.keys(limitsShape),
  'limits.open_streams': Object.keys(openStreamsShape),
  streams: Object.keys(streamsShape),
  channels: Object.keys(channelsShape),
  console: Object.keys(consoleShape),
  log: Object.keys(logShape),
}
