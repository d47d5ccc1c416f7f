import { FORMAT_NAMES, type Value } from '@streamstack/protocol'
import { type InputDeclaration, createIssueList, normalizeInputs, treeFromValue } from '../definition/index.ts'
import { type InputChecker, compileInputs } from '../input/index.ts'

/** The inputs of a route of the server, declared as those of an endpoint are. */
export interface RouteInputs {
  /** Of the query. What stands in the path is text. */
  readonly query: readonly InputDeclaration[]
  /** Headers that matter to the route, with what each is for. Its handler reads them. */
  readonly headers: Readonly<Record<string, string>>
  /** Of a JSON body; null: there is none, or it has no declared form. */
  readonly body: readonly InputDeclaration[] | null
  /** Checks the query; null: there is nothing to check. */
  readonly checker: InputChecker | null
}

type Declarations = Readonly<Record<string, Value>>

/** The inputs of a list that is read in pages. */
function pageOf(what: string, cursorPattern: string): Declarations {
  return {
    limit: { type: 'integer', min: 1, max: 200, default: 50, description: `Most ${what} of one page.` },
    cursor: { type: 'text', pattern: cursorPattern, description: '`next_cursor` of the page before.' },
  }
}

/** Declares inputs in the words of `input_parameters`. Throws when a declaration is wrong. */
function inputs(
  query: Declarations,
  headers: Readonly<Record<string, string>> = {},
  body: Declarations | null = null,
): RouteInputs {
  const declared = declare(query)
  return Object.freeze({
    query: declared,
    headers: Object.freeze(headers),
    body: body === null ? null : declare(body),
    checker: declared.length === 0 ? null : compileInputs(declared),
  })
}

function declare(value: Declarations): readonly InputDeclaration[] {
  const position = { file: 'http/route-inputs.ts', line: 1, column: 1 }
  const list = createIssueList()
  const declarations = normalizeInputs(treeFromValue(value, position), list)
  const [issue] = list.issues
  if (issue !== undefined) throw new TypeError(issue.message)
  return declarations
}

const text = (description: string): Declarations => ({ type: 'text', description })
const flag = (description: string): Declarations => ({ type: 'boolean', default: false, description })

const format = text(
  `Format of the answer, instead of \`Accept\`: ${FORMAT_NAMES.map((name) => `\`${name}\``).join(', ')}.`,
)
const kinds = text('Kinds of chunks that the answer carries, divided by commas, or `all`.')
const offset = text(
  'Reads what comes after this offset: one that the stream gave out, `-1` for its start, `now` for its end.',
)
const lastEventId = text('The same as the header Last-Event-ID, for clients that can send no header.')
const includeMetadata = flag('Whether chunks come with their metadata in formats that have none by default.')
/** Readers of channels are refused every other spelling, as a slip there shows them to others or does not. */
const includeChannelMetadata = text('`true`: messages come with their metadata in formats that have none by default.')
const accessToken = text('The token, where `channels.token_in_url` allows that; an EventSource can send no header.')
const ticket = text(
  'A ticket of `POST /v1/tickets` for this path, instead of a token; an EventSource can send no header.',
)
const live = text('Waits for what comes, by the Durable Streams protocol: `long-poll` or `sse`.')
const cursor = text('Cursor of the answer before, by the Durable Streams protocol.')
const idempotencyKey = text('The Idempotency-Key, for clients that can send no header.')

const KEY = 'Names the call, so that repeating it does not run it twice.'
const LAST_EVENT_ID = 'The last offset that was received; goes before `offset`.'
const CLOSED = '`true` closes the stream.'

const CONTENT_TYPE = 'Media type of the stream.'

export const noInputs = inputs({})

/** Of OpenAI's Chat Completions API. Other members are inputs of the endpoint, where it declares them. */
export const chatCompletion = inputs(
  {},
  {},
  {
    model: { type: 'text', required: true, description: 'A name of `openai.models` in the settings.' },
    messages: { type: 'list', required: true, description: 'What was said so far: `{role, content}`.' },
    stream: { type: 'boolean', default: false, description: 'Whether the answer streams.' },
    stream_options: { type: 'object', description: '`{"include_usage": true}`: the tokens come with the stream.' },
  },
)

/** One of the server's own streams, in a format or by the Durable Streams protocol. */
export const streamRead = inputs(
  { format, kinds, offset, lastEventId, include_metadata: includeMetadata, live, cursor, ticket },
  { 'Last-Event-ID': LAST_EVENT_ID },
)

export const channelRead = inputs(
  {
    format,
    kinds,
    offset,
    lastEventId,
    include_metadata: includeChannelMetadata,
    access_token: accessToken,
    ticket,
    presence: text('`true`: others see the reader in the presence of the channel.'),
    data: text('JSON that others see beside the reader in the presence of the channel.'),
  },
  { 'Last-Event-ID': LAST_EVENT_ID },
)

export const channelProtocolRead = inputs({ offset, lastEventId, live, cursor, access_token: accessToken, ticket })

export const presenceRead = inputs({
  format,
  kinds,
  offset,
  lastEventId,
  include_metadata: includeChannelMetadata,
  access_token: accessToken,
  ticket,
})

export const channelPublish = inputs(
  { idempotency_key: idempotencyKey, access_token: accessToken },
  { 'Idempotency-Key': KEY },
  {
    content: { type: 'any', required: true, nullable: true, description: 'The message: any JSON.' },
    metadata: { type: 'object', nullable: true, description: 'What readers get beside it.' },
  },
)

const unread = flag(
  'Ends the run only if it has no reader and its endpoint does not say `on_disconnect: continue`, without its `disconnect_grace`.',
)

export const runCancel = inputs({ unread })

export const keyedCancel = inputs(
  { idempotency_key: idempotencyKey, unread },
  { 'Idempotency-Key': 'The key of the call whose run is to end.' },
)

export const runList = inputs({
  endpoint: text('Only runs of this endpoint: its name, or its method and path.'),
  outcome: {
    type: 'text',
    values: ['running', 'completed', 'failed', 'cancelled', 'abandoned'],
    description: 'Only runs with this outcome, or those that still run.',
  },
  ...pageOf('runs', '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'),
})

export const conversationList = inputs(pageOf('conversations', '^\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z~\\d{1,15}$'))

export const conversationRead = inputs({
  after: { type: 'integer', min: 0, default: 0, description: 'Only messages after this position.' },
  limit: { type: 'integer', min: 1, max: 1_000, default: 200, description: 'Most messages of one page.' },
})

export const conversationChange = inputs(
  {},
  {},
  {
    title: {
      type: 'text',
      required: true,
      trim: true,
      sanitize: true,
      non_empty: true,
      max_length: 120,
      description: 'The title.',
    },
  },
)

export const conversationDelete = inputs({
  after: { type: 'integer', min: 0, description: 'Deletes only the messages after this position.' },
})

export const probe = inputs({
  id: {
    type: 'text',
    pattern: '^[A-Za-z0-9_-]{8,64}$',
    description: 'Under which the server remembers what became of the reader.',
  },
  chunks: { type: 'integer', min: 0, max: 100, default: 0, description: 'How many ticks are sent.' },
  interval: { type: 'integer', min: 0, max: 2_000, default: 200, description: 'Milliseconds between two ticks.' },
  bytes: { type: 'integer', min: 0, max: 4_096, default: 0, description: 'Random padding of each tick.' },
  silence: {
    type: 'integer',
    min: 0,
    max: 600_000,
    default: 0,
    description: 'Milliseconds of silence after the last tick.',
  },
  heartbeats: {
    type: 'boolean',
    default: true,
    description: 'Whether the silence is kept alive as that of every stream.',
  },
})

export const ticketRequest = inputs(
  {},
  {},
  {
    stream: {
      type: 'text',
      required: true,
      description:
        'Path of the stream that the ticket opens, without a query, such as `/v1/channels/rooms/1`; `/v1/ws` for a WebSocket.',
    },
  },
)

export const webSocketHandshake = inputs(
  { ticket },
  {
    'Sec-WebSocket-Protocol':
      'Offers `streamstack.v1`, and beside it the token for clients that can send no Authorization.',
  },
)

/** The protocol has faults of its own for these, which its reader reports. */
export const namedRead: RouteInputs = Object.freeze({
  ...inputs(
    { offset, lastEventId, live, cursor, ticket },
    { 'If-None-Match': 'ETag of the page that the client has.', 'Last-Event-ID': LAST_EVENT_ID },
  ),
  checker: null,
})

export const namedCreate = inputs(
  {},
  {
    'Content-Type': CONTENT_TYPE,
    'Stream-TTL': 'Seconds after the last use at which the stream expires.',
    'Stream-Expires-At': 'Time at which the stream expires (RFC 3339).',
    'Stream-Closed': CLOSED,
    'Stream-Forked-From': 'Path of the stream that this one continues.',
    'Stream-Fork-Offset': 'Offset of that stream at which this one begins.',
    'Stream-Fork-Sub-Offset': 'Messages of the append after that offset that belong to it.',
  },
)

export const namedAppend = inputs(
  {},
  {
    'Content-Type': CONTENT_TYPE,
    'Stream-Seq': 'Orders appends of several writers: one that is not greater than the last is refused.',
    'Stream-Closed': CLOSED,
    'Producer-Id': 'With the next two, an append that is repeated is stored once.',
    'Producer-Epoch': 'Grows when a producer starts anew; an older one is refused.',
    'Producer-Seq': 'Counts the appends of an epoch.',
  },
)

const worker = { Authorization: 'Bearer: the token that came with the work.' }
const acks: Declarations = { type: 'list', description: 'What was read: `stream` and `offset` of each.' }
const wake: Declarations = {
  wake_id: text('Id of the work.'),
  generation: { type: 'integer', description: 'Generation of the work.' },
  acks,
  done: flag('Whether the work is finished.'),
}

export const workerReport = inputs({}, worker, wake)

export const workerClaim = inputs(
  {},
  {},
  { worker: { type: 'text', required: true, description: 'Who takes the work.' } },
)

export const subscriptionPut = inputs(
  {},
  {},
  {
    type: { type: 'text', required: true, values: ['webhook', 'pull-wake'], description: 'How workers are called.' },
    pattern: text('Streams that it follows, by a pattern of their names.'),
    streams: { type: 'list', description: 'Streams that it follows, by name.' },
    webhook: { type: 'object', description: '`url` that is called.' },
    wake_stream: text('Stream that gets a message when there is work.'),
    lease_ttl_ms: { type: 'integer', default: 30_000, description: 'How long a worker has its work.' },
    description: text('For people.'),
  },
)

export const subscriptionStreams = inputs(
  {},
  {},
  {
    streams: { type: 'list', required: true, description: 'Streams to follow, by name.' },
  },
)

export const editorPlace = inputs({
  file: { type: 'text', required: true, description: 'File of the workspace, named from its folder.' },
  line: { type: 'integer', min: 1, default: 1, description: 'Line in it, from 1.' },
  column: { type: 'integer', min: 1, default: 1, description: 'Column in the line, from 1.' },
})
