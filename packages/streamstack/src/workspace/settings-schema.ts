import type { Value } from '@streamstack/protocol'
import { z } from 'zod'
import { compileStreamRule, corsOriginFault, hostEntryFault, proxyEntryFault } from '../access/index.ts'
import { ExpressionErrors } from '../expression/index.ts'
import { createIssueList, isVariableName, normalizeRateLimits, treeFromValue } from '../definition/index.ts'
import { allowEntryProblem, rewriteProblem } from '../outbound/index.ts'
import { auditHeadShape, auditShape } from './audit-settings.ts'
import { authShape, jwtShape } from './auth-settings.ts'
import {
  addProblem,
  byteSize,
  byteSizeFrom,
  duration,
  durationWithUnit,
  flag,
  names,
  objectMessage,
  text,
  wholeNumber,
} from './setting-types.ts'

/** Levels of the server's log, from least to most. */
export const logLevels = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const

const tlsShape = {
  cert: text.describe(
    'File of the certificate chain (PEM), from the workspace folder. If set, the server speaks HTTPS and HTTP/2. A renewed file is loaded within 10 s.',
  ),
  hsts: durationWithUnit()
    .prefault('180d')
    .describe(
      'How long browsers use only HTTPS for this host after an HTTPS answer (max-age of Strict-Transport-Security); 0s sends no such header. Never sent for names of this machine or by `streamstack dev`.',
    ),
  key: text.describe('File of its private key (PEM).'),
  redirect_port: wholeNumber(1, 65_535)
    .optional()
    .describe('Port for plain HTTP, which redirects to HTTPS. If omitted, the server does not listen for plain HTTP.'),
}

const corsShape = {
  origins: names('must be a list of origins such as https://app.example, or "*"')
    .superRefine((origins, context) => {
      for (const [index, origin] of origins.entries()) addProblem(context, index, corsOriginFault(origin))
    })
    .prefault([])
    .describe('Origins of browser pages that may call, or "*". Without any, other origins are not let in.'),
  credentials: flag.prefault(false).describe('Whether pages may send cookies along; not together with "*".'),
  max_age: durationWithUnit().prefault('10m').describe('How long browsers may remember the answer to a preflight.'),
}

const websocketShape = {
  max_connections: wholeNumber(1, 1_000_000)
    .prefault(10_000)
    .describe('Most WebSocket connections at once; further ones are closed with 1013.'),
  max_streams: wholeNumber(1, 100_000)
    .prefault(100)
    .describe('Most streams, channels and publishes that are open on one connection at once.'),
  message_rate: wholeNumber(1, 1_000_000)
    .prefault(200)
    .describe('Messages a second of one connection; after a burst, more close it with 4429.'),
  queue_bytes: byteSizeFrom(65_536, 'must be a size of at least 64kb')
    .prefault('64kb')
    .describe('How much may wait for one connection to take it, all of its streams together; then they pause.'),
  slow_timeout: duration(100)
    .prefault('1m')
    .describe('A connection that takes nothing of what waits for so long is closed with 4440.'),
  auth_timeout: duration(100)
    .prefault('10s')
    .describe('How long a connection without a token may ask for nothing before it is closed with 4408.'),
}

const serverShape = {
  host: text.default('127.0.0.1').describe('Address to listen on; 0.0.0.0 for all of the machine.'),
  hosts: names('must be a list of host names such as api.example.com')
    .superRefine((hosts, context) => {
      for (const [index, host] of hosts.entries()) addProblem(context, index, hostEntryFault(host))
    })
    .optional()
    .describe(
      'Accepted hosts of requests, such as api.example.com or *.example.com; others get 421. If omitted, `streamstack serve` accepts every host, which allows DNS rebinding. `streamstack dev` accepts only names of this machine.',
    ),
  public_url: text
    .refine((url) => /^https?:\/\/[^/?#@\s]+$/i.test(url), 'must be an origin such as https://api.example.com')
    .optional()
    .describe('URL at which clients reach the server, for URLs that it sends to webhooks.'),
  forwarded: z
    .enum(['x-forwarded', 'forwarded'], 'must be x-forwarded or forwarded')
    .default('x-forwarded')
    .describe(
      'Which headers the trusted proxies set: X-Forwarded-For, -Host and -Proto, or Forwarded (RFC 7239). The server ignores the other kind, because a client could have sent it.',
    ),
  slow_timeout: duration(100)
    .prefault('1m')
    .describe(
      'A client is disconnected if it reads nothing for this long from a complete answer or a stream without an end. For WebSockets set `server.websocket.slow_timeout`.',
    ),
  trusted_proxies: names('must be a list of addresses such as 10.0.0.5 or 10.0.0.0/8')
    .superRefine((entries, context) => {
      for (const [index, entry] of entries.entries()) addProblem(context, index, proxyEntryFault(entry))
    })
    .prefault([])
    .describe(
      'Addresses of proxies in front of the server. The server trusts their headers for the address, host and scheme of the client (`server.forwarded`), and ignores these headers from all other addresses.',
    ),
  port: wholeNumber(0, 65_535).prefault(8080).describe('Port to listen on; 0 takes any free one.'),
  max_connections: wholeNumber(1, 1_000_000)
    .prefault(20_000)
    .describe(
      'Maximum number of open connections, WebSockets and HTTP/2 sessions included; further ones are closed at once.',
    ),
  body_limit: byteSize.prefault('1mb').describe('Largest request body; a larger one is answered with 413.'),
  errors: z
    .enum(['detailed', 'public'], 'must be detailed or public')
    .optional()
    .describe(
      'Details of failures for callers and catch blocks. detailed: the whole message; public: for failures inside the workspace only the kind of failure and the id of the run, under which the log has the whole message. Default: detailed for `streamstack dev`, public for `streamstack serve`.',
    ),
  half_close: flag
    .prefault(false)
    .describe(
      'Whether a client may close its side of the connection after its request and still get the answer (RFC 9112 §9.6). By default this counts as a disconnect, because the server cannot distinguish the two.',
    ),
  stop_grace: duration(0)
    .prefault('10s')
    .describe('How long active runs may continue after SIGTERM; then they are cancelled.'),
  tls: z.strictObject(tlsShape, objectMessage).optional(),
  xano: flag
    .prefault(false)
    .describe(
      "Whether Xano's URLs reach the endpoints: `/api:<canonical>[:<branch>]/<name>` is the endpoint `/name` or `/api/name`, answered in the format `xano`, so that @xano/js-sdk streams from this server. A proxy that guards a path must guard these URLs, too.",
    ),
  cors: z.strictObject(corsShape, objectMessage).prefault({}),
  websocket: z.strictObject(websocketShape, objectMessage).prefault({}),
}

const rewriteShape = { to: text, unless: text }

const outboundShape = {
  allow: z
    .array(text, 'must be a list such as [127.0.0.1:9000, 10.0.0.0/8]')
    .superRefine((entries, context) => {
      for (const [index, entry] of entries.entries()) addProblem(context, index, allowEntryProblem(entry) ?? null)
    })
    .default([])
    .meta({
      title: 'list of texts',
      description:
        'Addresses that outbound requests may reach although they are private: a host, an address or a range, each with a port if it should be only that.',
    }),
  rewrite: z
    .record(
      z.string(),
      z.union([text, z.strictObject(rewriteShape, objectMessage)]),
      'must be an object such as { "https://api.openai.com": "http://127.0.0.1:9000" }',
    )
    .default({})
    .meta({
      title: 'object of origin and address',
      description:
        'Sends requests for an origin to another address, for example to a mock, without a change to definitions. The address must be listed under `outbound.allow`; `self` or a path stands for this server. A provider key without a value is then sent as a placeholder. `{ to, unless }` applies only while the environment variable `unless` has no value: a mock until there is a key.',
    }),
  connect_timeout: duration(1)
    .prefault('10s')
    .describe('Time limit for a connection: DNS, TCP, TLS, and the wait for a free one.'),
  first_byte_timeout: duration(1)
    .optional()
    .describe(
      'Time limit from the call to the headers of the answer, redirects included. Default: `timeout`, or 30s without it.',
    ),
  idle_timeout: duration(1)
    .optional()
    .describe('Longest silence within an answer. Default: `timeout`, or 2m without it.'),
  total_timeout: duration(1)
    .optional()
    .describe('Time limit from the call to the end of the answer. If omitted, only the limits of the run apply.'),
  timeout: duration(1).optional().describe('Default of both `first_byte_timeout` and `idle_timeout`.'),
  max_connections: wholeNumber(1, 100_000)
    .prefault(500)
    .describe(
      'Maximum number of connections to one host; further requests wait for a free one, for up to `connect_timeout`.',
    ),
}

const outbound = z.strictObject(outboundShape, objectMessage).superRefine(({ allow, rewrite }, context) => {
  for (const [from, to] of Object.entries(rewrite)) {
    const problem = rewriteProblem(from, typeof to === 'string' ? to : to.to, allow)
    if (problem !== null) context.addIssue({ code: 'custom', message: problem, path: ['rewrite', from] })
  }
})

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
    .record(z.string(), z.strictObject(priceShape, objectMessage), 'must be an object of model and prices')
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

const openStreamsShape = {
  total: wholeNumber(1, 10_000_000).optional().describe('Maximum number of concurrent streams; further ones get 503.'),
  per_caller: wholeNumber(1, 1_000_000)
    .optional()
    .describe('The same for one subject, or for one address without a token; further ones get 429.'),
  per_address: wholeNumber(1, 1_000_000)
    .optional()
    .describe('The same for one address, IPv6 by /64; further ones get 429.'),
}

const limitsShape = {
  max_duration: duration(1).prefault('10m').describe('Longest time of one run.'),
  max_chunks: wholeNumber(1, Number.MAX_SAFE_INTEGER).prefault(10_000_000).describe('Most chunks of one run.'),
  max_bytes: byteSize.prefault('4gb').describe('Most bytes of content and metadata of one run.'),
  max_iterations: wholeNumber(1, Number.MAX_SAFE_INTEGER)
    .prefault(10_000_000)
    .describe('Most rounds of all loops of one run together.'),
  max_stack_depth: wholeNumber(1, 1000).prefault(64).describe('How deep functions may call each other.'),
  active_runs: wholeNumber(1, 1_000_000)
    .optional()
    .describe(
      'Maximum number of concurrent runs; further calls get 503. Default: as many as a tenth of the heap can hold, at 32 kB each.',
    ),
  rate_limit: z
    .unknown()
    .transform((value, context) => {
      const list = createIssueList()
      const limits = normalizeRateLimits(
        treeFromValue((value ?? null) as Value, { file: 'streamstack.yaml', line: 1, column: 1 }),
        list,
      )
      const [issue] = list.issues
      if (issue !== undefined)
        context.addIssue({ code: 'custom', message: issue.message.replace(/^`rate_limit` /, '').replace(/\.$/, '') })
      return limits
    })
    .optional()
    .meta({
      title: 'object, or list of objects',
      description:
        'How often all endpoints together may be called: `{ calls: 600, per: 1m, by: caller }`, or with `tokens` of models or `bytes` of answers instead of `calls`. `by` is `caller` (the subject of the token, else the address) or `address`; `roles` restricts it to callers with one of these roles, `keys` to those API keys; `mode: report` refuses nothing. Endpoints declare their own `rate_limit`.',
    }),
  open_streams: z.strictObject(openStreamsShape, objectMessage).prefault({}),
}

const streamsShape = {
  window_bytes: byteSize
    .prefault('4mb')
    .describe('How much of a stream is kept for readers that are behind or come later.'),
  retained_bytes: byteSize
    .prefault('64mb')
    .describe('How much all runs that are over may keep together; the oldest go first.'),
  retention: duration(0).prefault('5m').describe('How long a run that is over can still be read.'),
  durable_retention: duration(0)
    .prefault('1d')
    .describe('How long a run with `delivery: durable` can be read after it was last written or read.'),
  heartbeat: duration(100)
    .prefault('15s')
    .describe('After so much silence a reader gets a sign of life, where the format has one.'),
  access: z
    .enum(['closed', 'open'], 'must be closed or open')
    .default('closed')
    .describe(
      'Who may use `/v1/stream/<name>`. closed: tokens with the scope or role `streams:read` or `streams:write`; open: everybody on this machine, and the server listens on no other address.',
    ),
  allow: text
    .superRefine((condition, context) => {
      try {
        compileStreamRule(condition)
      } catch (error) {
        if (!(error instanceof ExpressionErrors)) throw error
        for (const { message } of error.errors) addProblem(context, null, message)
      }
    })
    .optional()
    .describe(
      "Condition that must hold beside the scope for each stream by name, over `auth`, `stream` (its name) and `act` (read or write): `stream.startsWith('users/' + auth.sub + '/')`. Written without braces.",
    ),
  log: z
    .enum(['memory', 'sqlite'], 'must be memory or sqlite')
    .default('sqlite')
    .describe(
      'Where streams are kept. memory: gone when the server stops; sqlite: in the data folder, told as kept when on disk.',
    ),
  memory_bytes: byteSize
    .prefault('256mb')
    .describe('What all streams with `log: memory` may hold together; more is refused with 507.'),
  max_age: duration(1_000)
    .optional()
    .describe('Chunks older than this are dropped. Without it they stay as long as their stream.'),
  max_bytes: byteSize
    .optional()
    .describe('How much one stream keeps; the oldest chunks go first. Without it all stay.'),
  long_poll_timeout: duration(1)
    .prefault('30s')
    .describe('How long a long-poll waits for new chunks before it answers 204.'),
}

const streams = z
  .strictObject(streamsShape, objectMessage)
  .refine((value) => value.retained_bytes >= value.window_bytes, {
    path: ['retained_bytes'],
    message: 'must not be less than `streams.window_bytes`',
  })

const channelsShape = {
  max_open: wholeNumber(1, 1_000_000)
    .prefault(100_000)
    .describe(
      'Maximum number of channels in memory. At the bound, channels without readers are evicted; if all have readers, further ones get 503. One caller may use half.',
    ),
  memory_bytes: byteSize
    .prefault('256mb')
    .describe(
      'Memory for the messages of all channels together. At the bound, channels without readers are evicted with their messages in memory; if all have readers, publishers get 507. The channels of one caller may hold half.',
    ),
  presence_grace: duration(0)
    .prefault('5s')
    .describe(
      'How long a member stays present after its last connection closes; reconnecting within this time does not count as leaving.',
    ),
  token_in_url: flag
    .prefault(false)
    .describe(
      'Whether `?access_token=` is read for GET of channels and presence, for EventSource, which can send no header. URLs end up in logs: only with tokens that expire soon.',
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
    .enum(logLevels, `must be one of ${logLevels.join(', ')}`)
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
  server: z.strictObject(serverShape, objectMessage).prefault({}),
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
  auth: z.strictObject(authShape, objectMessage).prefault({}),
  audit: z.strictObject(auditShape, objectMessage).prefault({}),
  outbound: outbound.prefault({}),
  ai: z.strictObject(aiShape, objectMessage).prefault({}),
  conversations: z.strictObject(conversationsShape, objectMessage).prefault({}),
  openai: z.strictObject(openaiShape, objectMessage).prefault({}),
  limits: z.strictObject(limitsShape, objectMessage).prefault({}),
  streams: streams.prefault({}),
  channels: z.strictObject(channelsShape, objectMessage).prefault({}),
  console: z.strictObject(consoleShape, objectMessage).prefault({}),
  data: text.default('.streamstack').describe('Folder of the database, from the workspace folder.'),
  log: z.strictObject(logShape, objectMessage).prefault({}),
}

/** The schema of `streamstack.yaml`, with defaults. */
export const settingsSchema = z.strictObject(rootShape, objectMessage)

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
