import type { CallOptions } from '@streamstack/test-support/http-client'
import { type CallerName, OWNER, REFUSED, callerNames } from './callers.ts'
import type { Stage } from './stage.ts'

/** The status that each caller gets. */
export type Statuses = Readonly<Record<CallerName, number>>

/** One request, and what every caller gets for it. */
export interface Row {
  /** A row of docs/reference/http.md, or an endpoint of the stage. */
  readonly route: string
  readonly path: (stage: Stage) => string | Promise<string>
  readonly options?: Omit<CallOptions, 'method'>
  readonly statuses: Statuses
  /** Callers whose answer holds `shows`. No other answer does, nor anything else of the owner. */
  readonly seenBy: readonly CallerName[]
  /** Default: the name of the owner, which is part of all that it owns. */
  readonly shows?: RegExp
  /** Whether the answer holds the name of the owner, where `shows` is something else. Default: not. */
  readonly namesOwner?: true
  /** Throws if a refused request had an effect. */
  readonly unchanged?: (stage: Stage, path: string) => Promise<void>
}

const IN_BODY = new RegExp(OWNER)

function statuses(others: number, given: Partial<Record<CallerName, number>>): Statuses {
  const entries = callerNames.map((name) => [name, given[name] ?? others] as const)
  return Object.fromEntries(entries) as Record<CallerName, number>
}

const refusedTokens = { expired: 401, forged: 401, unsigned: 401, 'revoked key': 401 } as const

/** Credentials are looked at by nobody. */
const everybody = (status: number): Statuses => statuses(status, {})
/** Only these callers get anything but 401 and 403. */
const only = (names: readonly CallerName[], status: number): Statuses =>
  statuses(403, { nobody: 401, ...refusedTokens, ...all(names, status) })
/** To all others, what is asked for does not exist. */
const hidden = (status: number, others = 404): Statuses => statuses(others, { owner: status, ...refusedTokens })
/** Each caller with a token gets its own. */
const eachItsOwn = (status: number): Statuses => statuses(status, { nobody: 401, ...refusedTokens })
/** `public: false`, but a token that is refused counts as none. */
const MEMBERS: readonly CallerName[] = ['owner', 'other user', 'api key']
const members = (status: number): Statuses => only(MEMBERS, status)

function all(names: readonly CallerName[], status: number): Partial<Record<CallerName, number>> {
  return Object.fromEntries(names.map((name) => [name, status]))
}

const OPERATOR: readonly CallerName[] = ['operator']
const AUDITOR: readonly CallerName[] = ['auditor']
const STREAMER: readonly CallerName[] = ['streamer']
const DEVELOPER: readonly CallerName[] = ['developer']
const OWNER_ONLY: readonly CallerName[] = ['owner']
const NOBODY: readonly CallerName[] = []

const stillRuns = async (stage: Stage, run: string): Promise<void> => {
  const { text } = await stage.call(`/v1/runs/${run}`, 'owner')
  if ((JSON.parse(text) as { outcome: unknown }).outcome !== null) throw new Error('a refused call ended the run')
}

/** Forms of one read: each is a way of its own through the server. */
function reads(base: Omit<Row, 'path'>, path: Row['path'], queries: readonly string[]): Row[] {
  return queries.map((query) => ({ ...base, path: async (stage) => `${await path(stage)}${query}` }))
}

const FORMATS = ['', '?format=json', '?format=ndjson', '?format=lines', '?format=ai-sdk', '?offset=-1']
const WHILE_OPEN = ['', '?format=ndjson', '?offset=-1&live=sse', '?lastEventId=0']
const KEY = 'order-0001'
const chatBody = { id: 'chat-of-one', messages: [{ role: 'user', parts: [{ type: 'text', text: 'hi' }] }] }
const subscriptionBody = { type: 'pull-wake', pattern: 'logs/*', wake_stream: 'wakes' }
const TEXT = { 'Content-Type': 'text/plain' }
const noWorker = { statuses: everybody(401), seenBy: NOBODY, shows: /"ok"/ }

/** A system stream: its newest sample is a second away, so that its head is all that is waited for. */
function systemReads(
  name: string,
  readers: readonly CallerName[],
  queries: readonly string[],
  shows: RegExp,
  namesOwner?: true,
): Row[] {
  const more = namesOwner === undefined ? {} : { namesOwner }
  const base = {
    route: `GET /v1/stream/system/${name}`,
    statuses: only(readers, 200),
    seenBy: readers,
    shows,
    ...more,
  }
  return [
    ...reads(base, () => `/v1/stream/system/${name}`, queries),
    {
      route: `HEAD /v1/stream/system/${name}`,
      path: () => `/v1/stream/system/${name}?offset=-1`,
      statuses: only(readers, 200),
      seenBy: NOBODY,
    },
  ]
}

/** The matrix: every route of the server, and the endpoints of the stage. */
export const rows: readonly Row[] = [
  { route: 'GET /', path: () => '/', statuses: everybody(200), seenBy: MEMBERS },
  {
    route: 'GET /v1/jwks.json',
    path: () => '/v1/jwks.json',
    statuses: everybody(200),
    seenBy: callerNames,
    shows: /keys/,
  },
  { route: 'GET /healthz', path: () => '/healthz', statuses: everybody(200), seenBy: callerNames, shows: /ok/ },
  { route: 'GET /readyz', path: () => '/readyz', statuses: everybody(200), seenBy: callerNames, shows: /ready/ },
  {
    route: 'GET /metrics',
    path: () => '/metrics',
    statuses: only(OPERATOR, 200),
    seenBy: OPERATOR,
    shows: /streamstack_/,
  },
  { route: 'GET /openapi.json', path: () => '/openapi.json', statuses: everybody(200), seenBy: MEMBERS },
  {
    route: 'GET /elements.js',
    path: () => '/elements.js',
    statuses: everybody(200),
    seenBy: callerNames,
    shows: /customElements/,
  },
  {
    route: 'GET /elements/{name}',
    path: () => '/elements/page.css',
    statuses: everybody(200),
    seenBy: callerNames,
    shows: /\{/,
  },
  {
    route: 'GET /dashboards/{name}',
    path: () => '/dashboards/sales',
    options: { headers: { Accept: 'application/json' } },
    statuses: only(OPERATOR, 200),
    seenBy: OPERATOR,
    shows: /Sales/,
  },
  // The page is the same for any name: whether the dashboard exists shows in its description alone.
  ...['sales', 'missing'].map((name) => ({
    route: 'GET /dashboards/{name}',
    path: () => `/dashboards/${name}`,
    options: { headers: { Accept: 'text/html' } },
    statuses: everybody(200),
    seenBy: NOBODY,
    shows: /Sales/,
  })),

  ...reads(
    { route: 'GET /v1/runs', statuses: eachItsOwn(200), seenBy: OWNER_ONLY, shows: /POST \/chat/ },
    () => '/v1/runs',
    ['', '?limit=1&endpoint=chat', '?outcome=running'],
  ),
  {
    route: 'POST /v1/runs/cancel',
    path: async (stage) => `/v1/runs/cancel?unread=true&run=${await stage.beginRun(KEY)}`,
    options: { headers: { 'Idempotency-Key': KEY } },
    statuses: statuses(404, { owner: 202, ...refusedTokens }),
    seenBy: OWNER_ONLY,
    shows: /"run"/,
    unchanged: (stage, path) => stillRuns(stage, path.slice(-36)),
  },
  {
    route: 'GET /v1/runs/{id}',
    path: ({ run }) => `/v1/runs/${run}`,
    statuses: hidden(200),
    seenBy: OWNER_ONLY,
    shows: /"endpoint"/,
  },
  {
    route: 'POST /v1/runs/{id}/cancel',
    path: async (stage) => `/v1/runs/${await stage.beginRun()}/cancel`,
    statuses: hidden(202),
    seenBy: OWNER_ONLY,
    shows: /"outcome"/,
    unchanged: (stage, path) => stillRuns(stage, path.split('/')[3] ?? ''),
  },
  ...reads(
    { route: 'GET /v1/stream/runs/{id}', statuses: hidden(200), seenBy: OWNER_ONLY },
    ({ run }) => `/v1/stream/runs/${run}`,
    FORMATS,
  ),
  ...reads(
    { route: 'GET /v1/stream/runs/{id}', statuses: hidden(200), seenBy: OWNER_ONLY },
    ({ live }) => `/v1/stream/runs/${live}`,
    WHILE_OPEN,
  ),
  {
    route: 'HEAD /v1/stream/runs/{id}',
    path: ({ run }) => `/v1/stream/runs/${run}`,
    statuses: hidden(200),
    seenBy: NOBODY,
  },

  {
    route: 'GET /v1/conversations',
    path: () => '/v1/conversations',
    statuses: eachItsOwn(200),
    seenBy: OWNER_ONLY,
    shows: /"talk"/,
  },
  {
    route: 'GET /v1/conversations/{id}',
    path: () => '/v1/conversations/talk',
    statuses: hidden(200),
    seenBy: OWNER_ONLY,
  },
  {
    route: 'PATCH /v1/conversations/{id}',
    path: () => '/v1/conversations/talk',
    options: { body: { title: `renamed by ${OWNER}` } },
    statuses: hidden(200),
    seenBy: OWNER_ONLY,
  },
  {
    route: 'DELETE /v1/conversations/{id}',
    path: () => '/v1/conversations/talk?after=100',
    statuses: hidden(204),
    seenBy: NOBODY,
    unchanged: async (stage) => {
      const { text } = await stage.call('/v1/conversations/talk', 'owner')
      if (!text.includes('reply to')) throw new Error('a refused call deleted messages')
    },
  },
  {
    route: 'GET /v1/conversation-export',
    path: () => '/v1/conversation-export',
    statuses: eachItsOwn(200),
    seenBy: OWNER_ONLY,
  },

  ...[false, true].map((stream) => ({
    route: 'POST /v1/chat/completions',
    path: () => '/v1/chat/completions',
    options: { body: { model: 'mine', stream, messages: [{ role: 'user', content: 'hi' }] } },
    statuses: members(200),
    seenBy: OWNER_ONLY,
  })),
  // A name that almost is one is no way to learn which there are.
  {
    route: 'POST /v1/chat/completions',
    path: () => '/v1/chat/completions',
    options: { body: { model: 'minee', messages: [{ role: 'user', content: 'hi' }] } },
    statuses: everybody(404),
    seenBy: MEMBERS,
    shows: /Did you mean `mine`/,
  },
  {
    route: 'GET /v1/models',
    path: () => '/v1/models',
    statuses: everybody(200),
    seenBy: MEMBERS,
    shows: /"mine"/,
  },

  {
    route: 'POST /v1/tickets',
    path: () => '/v1/tickets',
    options: { body: { stream: '/notes' } },
    statuses: eachItsOwn(201),
    seenBy: callerNames.filter((name) => name !== 'nobody' && !REFUSED.includes(name)),
    shows: /sst_/,
  },

  ...['mine', 'minee'].map((model) => ({
    route: 'GET /v1/models/{name...}',
    path: () => `/v1/models/${model}`,
    statuses: model === 'mine' ? statuses(404, all(MEMBERS, 200)) : everybody(404),
    seenBy: MEMBERS,
    shows: /"owned_by"|Did you mean/,
  })),

  ...reads(
    { route: 'GET /v1/channels/{name...}', statuses: only(OWNER_ONLY, 200), seenBy: OWNER_ONLY },
    () => '/v1/channels/vault',
    ['?format=json', '', '?offset=-1&format=ndjson', '?lastEventId=0', '?presence=true&data=1'],
  ),
  {
    route: 'POST /v1/channels/{name...}',
    path: () => '/v1/channels/vault',
    options: { body: { content: `again by ${OWNER}` } },
    statuses: only(OWNER_ONLY, 201),
    seenBy: OWNER_ONLY,
    shows: /"offset"/,
  },
  ...reads(
    { route: 'GET /v1/presence/{name...}', statuses: only(OWNER_ONLY, 200), seenBy: OWNER_ONLY },
    () => '/v1/presence/vault',
    ['?format=json', '', '?format=ndjson'],
  ),
  ...reads(
    { route: 'GET /v1/stream/channels/{name...}', statuses: only(OWNER_ONLY, 200), seenBy: OWNER_ONLY },
    () => '/v1/stream/channels/vault',
    ['?offset=-1', '?offset=-1&live=sse', '?offset=-1&live=long-poll'],
  ),
  {
    route: 'HEAD /v1/stream/channels/{name...}',
    path: () => '/v1/stream/channels/vault',
    statuses: only(OWNER_ONLY, 200),
    seenBy: NOBODY,
  },

  ...systemReads('metrics', OPERATOR, ['?offset=-1', '?format=ndjson', '?offset=-1&live=sse'], /uptime_seconds/),
  ...systemReads('history', OPERATOR, ['?offset=-1'], /\[/),
  ...systemReads('audit', AUDITOR, ['?offset=-1', '', '?offset=-1&live=sse'], IN_BODY, true),
  ...systemReads('activity', OPERATOR, ['?offset=-1', '', '?offset=-1&live=sse'], IN_BODY, true),

  ...reads(
    { route: 'GET /v1/stream/{name...}', statuses: only(STREAMER, 200), seenBy: STREAMER },
    () => '/v1/stream/logs/one',
    ['', '?offset=-1', '?offset=-1&live=sse', '?offset=-1&live=long-poll'],
  ),
  {
    route: 'HEAD /v1/stream/{name...}',
    path: () => '/v1/stream/logs/one',
    statuses: only(STREAMER, 200),
    seenBy: NOBODY,
  },
  {
    route: 'PUT /v1/stream/{name...}',
    path: () => '/v1/stream/logs/one',
    options: { headers: TEXT },
    statuses: only(STREAMER, 200),
    seenBy: NOBODY,
  },
  // `streams.allow` is for another caller.
  ...['GET', 'HEAD', 'PUT', 'POST', 'DELETE'].map((method) => ({
    route: `${method} /v1/stream/{name...}`,
    path: () => '/v1/stream/secrets/one',
    options: { headers: TEXT, ...(method === 'POST' ? { body: 'more' } : {}) },
    statuses: only(NOBODY, 200),
    seenBy: NOBODY,
  })),
  {
    route: 'PUT /v1/stream/{name...}',
    path: () => '/v1/stream/forks/secret',
    options: { headers: { ...TEXT, 'Stream-Forked-From': '/v1/stream/secrets/one' } },
    statuses: only(NOBODY, 200),
    seenBy: NOBODY,
  },
  // A fork reads its source: neither runs nor channels have one, whoever asks.
  ...['/v1/stream/runs/RUN', '/v1/stream/channels/vault', '/v1/stream/system/activity'].map((source, index) => ({
    route: 'PUT /v1/stream/{name...}',
    path: () => `/v1/stream/forks/${index}`,
    options: { headers: { ...TEXT, 'Stream-Forked-From': source } },
    statuses: only(STREAMER, 404),
    seenBy: NOBODY,
  })),
  {
    route: 'PUT /v1/stream/{name...}',
    path: () => '/v1/stream/forks/good',
    options: { headers: { ...TEXT, 'Stream-Forked-From': '/v1/stream/logs/one' } },
    statuses: only(STREAMER, 201),
    seenBy: NOBODY,
  },
  {
    route: 'POST /v1/stream/{name...}',
    path: () => '/v1/stream/logs/one',
    options: { headers: TEXT, body: 'more' },
    statuses: only(STREAMER, 204),
    seenBy: NOBODY,
  },
  {
    route: 'DELETE /v1/stream/{name...}',
    path: () => '/v1/stream/forks/good',
    statuses: only(STREAMER, 204),
    seenBy: NOBODY,
  },
  {
    route: 'OPTIONS /v1/stream/{name...}',
    path: () => '/v1/stream/logs/one',
    statuses: everybody(204),
    seenBy: NOBODY,
  },
  {
    route: 'GET /v1/stream/__ds/jwks.json',
    path: () => '/v1/stream/__ds/jwks.json',
    statuses: everybody(200),
    seenBy: callerNames,
    // Of an Ed25519 key `d` is the private part (RFC 8037 §2).
    shows: /^\{"keys":\[\{(?!.*"d":).*"x":/,
  },
  {
    route: 'GET /v1/stream/__ds/subscriptions/{id}',
    path: () => '/v1/stream/__ds/subscriptions/one',
    statuses: only(STREAMER, 200),
    seenBy: STREAMER,
  },
  {
    route: 'PUT /v1/stream/__ds/subscriptions/{id}',
    path: () => '/v1/stream/__ds/subscriptions/two',
    options: { body: subscriptionBody },
    statuses: only(STREAMER, 201),
    seenBy: STREAMER,
    shows: /logs/,
  },
  {
    route: 'POST /v1/stream/__ds/subscriptions/{id}/streams',
    path: () => '/v1/stream/__ds/subscriptions/two/streams',
    options: { body: { streams: ['logs/one'] } },
    statuses: only(STREAMER, 204),
    seenBy: NOBODY,
  },
  {
    route: 'DELETE /v1/stream/__ds/subscriptions/{id}/streams/{name...}',
    path: () => '/v1/stream/__ds/subscriptions/two/streams/logs/one',
    statuses: only(STREAMER, 204),
    seenBy: NOBODY,
  },
  {
    route: 'DELETE /v1/stream/__ds/subscriptions/{id}',
    path: () => '/v1/stream/__ds/subscriptions/two',
    statuses: only(STREAMER, 204),
    seenBy: NOBODY,
  },
  {
    route: 'POST /v1/stream/__ds/subscriptions/{id}/claim',
    path: () => '/v1/stream/__ds/subscriptions/one/claim',
    options: { body: { worker: 'w' } },
    statuses: only(STREAMER, 200),
    seenBy: STREAMER,
    shows: /"token"/,
  },
  // These take the token that a claim gives, and no token of a caller. `websocket.test.ts` shows one that is taken.
  ...['ack', 'release', 'callback'].map((act) => ({
    route: `POST /v1/stream/__ds/subscriptions/{id}/${act}`,
    path: () => `/v1/stream/__ds/subscriptions/one/${act}`,
    options: { body: { wake_id: 'x', generation: 1 } },
    ...noWorker,
  })),

  {
    route: 'GET /v1/workspace',
    path: () => '/v1/workspace',
    statuses: only(DEVELOPER, 200),
    seenBy: DEVELOPER,
  },
  {
    route: 'GET /v1/workspace/runs',
    path: () => '/v1/workspace/runs',
    statuses: only(DEVELOPER, 200),
    seenBy: DEVELOPER,
    shows: /"runs"/,
  },
  // Beside its own runs, the console shows those without an owner.
  {
    route: 'GET /v1/workspace/runs/{id}',
    path: ({ publicRun }) => `/v1/workspace/runs/${publicRun}`,
    statuses: only(DEVELOPER, 200),
    seenBy: DEVELOPER,
    shows: /"inputs"/,
  },
  {
    route: 'GET /v1/workspace/runs/{id}',
    path: ({ live }) => `/v1/workspace/runs/${live}`,
    statuses: only(DEVELOPER, 404),
    seenBy: NOBODY,
    shows: /"inputs"/,
  },
  // Paths on the disk are for `dev` alone.
  {
    route: 'GET /v1/workspace/editor',
    path: () => '/v1/workspace/editor?file=streamstack.yaml',
    statuses: only(DEVELOPER, 404),
    seenBy: NOBODY,
    shows: /vscode:/,
  },
  // `serve` makes no tokens, for no role.
  {
    route: 'POST /v1/workspace/token',
    path: () => '/v1/workspace/token',
    options: { body: { sub: OWNER } },
    statuses: only(DEVELOPER, 404),
    seenBy: NOBODY,
    shows: /eyJ/,
  },
  ...reads(
    { route: 'GET /v1/stream/runs/{id}/trace', statuses: only(DEVELOPER, 200), seenBy: DEVELOPER, shows: /"step"/ },
    ({ publicRun }) => `/v1/stream/runs/${publicRun}/trace`,
    ['?offset=-1', '', '?format=ndjson'],
  ),
  // A trace tells what a run found.
  ...reads(
    { route: 'GET /v1/stream/runs/{id}/trace', statuses: only(DEVELOPER, 404), seenBy: NOBODY, shows: /"step"/ },
    ({ live }) => `/v1/stream/runs/${live}/trace`,
    ['?offset=-1', '', '?format=ndjson'],
  ),
  {
    route: 'HEAD /v1/stream/runs/{id}/trace',
    path: ({ publicRun }) => `/v1/stream/runs/${publicRun}/trace`,
    statuses: only(DEVELOPER, 200),
    seenBy: NOBODY,
  },
  { route: 'GET /console', path: () => '/console', statuses: everybody(308), seenBy: NOBODY },
  {
    route: 'GET /console/{name...}',
    path: () => '/console/',
    statuses: everybody(200),
    seenBy: callerNames,
    shows: /doctype/,
  },
  { route: 'GET /v1/ws', path: () => '/v1/ws', statuses: everybody(426), seenBy: NOBODY },
  {
    route: 'GET /v1/probe',
    path: () => '/v1/probe?chunks=1',
    statuses: everybody(200),
    seenBy: callerNames,
    shows: /"authorization":/,
  },
  {
    route: 'GET /v1/probe/{id}',
    path: () => '/v1/probe/0123456789abcdef',
    statuses: everybody(200),
    seenBy: callerNames,
    shows: /"state"/,
  },

  { route: 'endpoint', path: () => '/public', statuses: everybody(200), seenBy: callerNames, shows: /open to all/ },
  ...['/mine', '/mine?format=sse', '/mine?format=json', '/%6dine', '/api:x/mine', '/api:x:v1/mine'].map((path) => ({
    route: 'endpoint',
    path: () => path,
    options: { body: {} },
    statuses: members(200),
    seenBy: OWNER_ONLY,
  })),
  { route: 'endpoint', path: () => '/notes', statuses: members(200), seenBy: OWNER_ONLY },
  { route: 'endpoint', path: () => '/diary', statuses: members(200), seenBy: OWNER_ONLY },
  {
    route: 'endpoint',
    path: () => '/diaries',
    statuses: everybody(200),
    seenBy: callerNames,
    shows: /^0 of all|"}0 of all/,
  },
  { route: 'endpoint', path: () => `/of/${OWNER}`, statuses: only(OWNER_ONLY, 200), seenBy: OWNER_ONLY },
  ...reads(
    {
      route: 'GET /v1/stream/runs/{id}',
      statuses: statuses(404, { ...all(['owner', 'developer'], 200), ...refusedTokens }),
      seenBy: ['owner', 'developer'],
    },
    ({ shown }) => `/v1/stream/runs/${shown}`,
    ['', '?format=json', '?offset=-1'],
  ),
  {
    route: 'POST /v1/runs/{id}/cancel',
    path: ({ shown }) => `/v1/runs/${shown}/cancel`,
    statuses: hidden(202),
    seenBy: OWNER_ONLY,
    shows: /"outcome"/,
  },
  {
    route: 'endpoint',
    path: ({ chat }) => `/chat/${chat}/stream`,
    statuses: statuses(403, { nobody: 401, ...refusedTokens, owner: 200, 'other user': 204, 'api key': 204 }),
    seenBy: OWNER_ONLY,
  },
  // The same key and body as the owner's: another caller gets a run of its own.
  {
    route: 'endpoint',
    path: () => '/mine',
    options: { body: { message: 'once' }, headers: { 'Idempotency-Key': 'shared-key' } },
    statuses: members(200),
    seenBy: OWNER_ONLY,
  },
  {
    route: 'endpoint',
    path: () => '/chat',
    options: { body: chatBody },
    statuses: members(200),
    seenBy: OWNER_ONLY,
  },
]
