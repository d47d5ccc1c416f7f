import { type CallOptions, type OpenCall, problem } from '@streamstack/test-support/http-client'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'
import { type CallerName, OWNER, SECRET, bearer, headersOf, revoked, robot, tokenOf } from './callers.ts'

const settings = (keys: object): object => ({
  log: { level: 'silent' },
  name: 'matrix',
  auth: { jwt: { secret: SECRET, clock_tolerance: '0s' }, keys },
  audit: { enabled: true, inputs: { message: 'hash' } },
  console: { access: { roles: ['developer'] } },
  openai: { models: { mine: 'POST /mine' } },
  server: { xano: true, errors: 'public' },
  streams: {
    long_poll_timeout: '100ms',
    allow: "!stream.startsWith('secrets/') || auth.sub === 'keeper-1'",
  },
})

const robotKey = { robot: { hash: robot.hash, roles: ['member'] } }
const member = { authentication: { type: 'jwt', roles: ['member'] } }

const files = {
  'streamstack.yaml': settings({ ...robotKey, revoked: { hash: revoked.hash, roles: ['member', 'developer'] } }),
  'endpoints/public.json': endpoint('/public', [send('open to all')]),
  'endpoints/said.json': endpoint('/said', [send('said: {{content}}')], { method: 'POST', inputs: { content: 'any' } }),
  // Sends what belongs to its caller, and stays open on demand.
  'endpoints/mine.json': endpoint(
    '/mine',
    [
      send('secret of {{auth.sub}}'),
      {
        function: 'Conditional',
        condition: '{{input.hold}} === true',
        true_branch: [{ function: 'Sleep', duration: '60s' }],
      },
    ],
    {
      method: 'POST',
      settings: { ...member, description: `The route of ${OWNER}.` },
      inputs: { hold: { type: 'boolean', default: false }, message: 'text' },
    },
  ),
  'endpoints/notes.json': endpoint(
    '/notes',
    [{ function: 'Get Records', table: 'notes', where: 'owner == {{auth.sub}}', as: 'rows' }, send('{{rows}}')],
    { settings: member },
  ),
  // Its table lets each caller see its own records; the step filters nothing.
  'endpoints/diary.json': endpoint(
    '/diary',
    [{ function: 'Get Records', table: 'diary', as: 'rows' }, send('{{rows}}')],
    { settings: member },
  ),
  'endpoints/diaries.json': endpoint('/diaries', [
    { function: 'Get Records', table: 'diary', as: 'rows' },
    send('{{rows.length}} of all'),
  ]),
  'endpoints/of.json': endpoint('/of/:whom', [send('secret of {{whom}}')], {
    settings: { allow: '{{auth.sub}} === {{whom}}' },
    inputs: { whom: 'text' },
  }),
  'endpoints/shown.json': endpoint('/shown', [send('shown by {{auth.sub}}')], {
    settings: { ...member, allow_read: "{{auth.roles.includes('developer')}}" },
  }),
  'endpoints/chat.json': endpoint(
    '/chat',
    [send('reply to {{auth.sub}}: {{message}}'), { function: 'Sleep', duration: '{{wait}}' }],
    {
      method: 'POST',
      settings: { ...member, format: 'ai-sdk', conversation: { id: '{{input.id}}' } },
      inputs: { id: 'text', message: 'text', messages: 'list', wait: { type: 'number', default: 0 } },
    },
  ),
  'channels/vault.yaml': {
    publish: { roles: ['member'], when: `{{auth.sub}} === '${OWNER}'` },
    subscribe: { when: `{{auth?.sub}} === '${OWNER}'` },
    presence: { when: `{{auth?.sub}} === '${OWNER}'` },
    history: { count: 10 },
  },
  'dashboards/sales.yaml': 'title: Sales of the house\ncomponents: [{ component: Data Table, source: GET /notes }]\n',
}

const notes = {
  declaration: { columns: { owner: 'text', text: 'text' } },
  records: [
    { owner: OWNER, text: `a note of ${OWNER}` },
    { owner: 'other-91cc', text: 'a note of another' },
  ],
}

const diary = { declaration: { ...notes.declaration, allow: 'owner == {{auth.sub}}' }, records: notes.records }

/** One server on which the owner has one of everything that can be read. */
export interface Stage extends AsyncDisposable {
  readonly server: TestServer
  /** A run of the owner that is over. */
  readonly run: string
  /** A traced run that has no owner. */
  readonly publicRun: string
  /** A run of the owner that developers may read. */
  readonly shown: string
  /** A traced run of the owner that goes on. */
  readonly live: string
  /** A chat of the owner whose reply goes on. */
  readonly chat: string
  call(path: string, who: CallerName, options?: CallOptions): ReturnType<TestServer['call']>
  open(path: string, who: CallerName, options?: CallOptions): Promise<OpenCall>
  /** Starts another run of the owner, which goes on until it is cancelled. `key`: its Idempotency-Key. */
  beginRun(key?: string): Promise<string>
}

export async function stage(): Promise<Stage> {
  const server = await testServer(files, { watch: true, tables: { notes, diary } })
  const opened: OpenCall[] = []
  const withCaller = (who: CallerName, { headers, ...options }: CallOptions = {}): CallOptions => ({
    ...options,
    headers: { ...headersOf(who), ...headers },
  })
  const call: Stage['call'] = (path, who, options) => server.call(path, withCaller(who, options))
  const open: Stage['open'] = (path, who, options) => server.open(path, withCaller(who, options))
  const hold = async (path: string, options: CallOptions, piece: string): Promise<OpenCall> => {
    const answer = await open(path, 'owner', options)
    await answer.until(piece)
    opened.push(answer)
    return answer
  }
  const runOf = ({ headers }: OpenCall): string => String(headers['stream-run'])
  const beginRun = async (key?: string): Promise<string> => {
    const headers: Record<string, string> = key === undefined ? {} : { 'Idempotency-Key': key }
    return runOf(await hold('/mine', { body: { hold: true }, headers }, OWNER))
  }
  try {
    const asDeveloper = bearer(tokenOf({ claims: { sub: OWNER, roles: ['member', 'developer'] } }))
    const live = await hold(
      '/mine',
      { body: { hold: true }, headers: { ...asDeveloper, 'Stream-Trace': 'true' } },
      OWNER,
    )
    const chat = 'chat-of-one'
    await hold(
      '/chat',
      { body: { id: chat, messages: [{ role: 'user', parts: [{ type: 'text', text: 'hi' }] }], wait: 60_000 } },
      OWNER,
    )
    await call('/chat', 'owner', { body: { id: 'talk', message: 'hi' } })
    const publicRun = await call('/public', 'developer', { headers: { 'Stream-Trace': 'true' } })
    const shown = await call('/shown', 'owner')
    const done = await call('/mine', 'owner', { body: {} })
    const message = { content: `published by ${OWNER}` }
    await hold(`/v1/channels/vault?presence=true&data=%22seen%22`, {}, '')
    await call('/v1/channels/vault', 'owner', { body: message })
    const stream = { method: 'PUT', headers: { 'Content-Type': 'text/plain' }, body: `log of ${OWNER}` }
    await call('/v1/stream/logs/one', 'streamer', stream)
    const keeper = bearer(tokenOf({ claims: { sub: 'keeper-1', scope: 'streams:write' } }))
    await call('/v1/stream/secrets/one', 'streamer', { ...stream, headers: { ...stream.headers, ...keeper } })
    await call('/v1/stream/wakes', 'streamer', { method: 'PUT', headers: { 'Content-Type': 'application/json' } })
    const wakes = JSON.stringify({ type: 'pull-wake', pattern: 'logs/*', wake_stream: 'wakes', description: OWNER })
    await call('/v1/stream/__ds/subscriptions/one', 'streamer', { method: 'PUT', body: wakes })
    await revokeKey(server)
    return {
      server,
      run: String(done.headers['stream-run']),
      publicRun: String(publicRun.headers['stream-run']),
      shown: String(shown.headers['stream-run']),
      live: runOf(live),
      chat,
      call,
      open,
      beginRun,
      async [Symbol.asyncDispose]() {
        for (const answer of opened) answer.leave()
        await server[Symbol.asyncDispose]()
      },
    }
  } catch (error) {
    await server[Symbol.asyncDispose]()
    throw error
  }
}

/** Removes a key that was accepted from the settings of the running server. */
async function revokeKey(server: TestServer): Promise<void> {
  const attempt = { headers: headersOf('revoked key'), body: {} }
  const before = await server.call('/mine', attempt)
  if (before.status !== 200) throw new Error(`the key was never accepted: ${before.text}`)
  await server.write('streamstack.yaml', settings(robotKey))
  for (;;) {
    const answer = await server.call('/mine', attempt)
    if (answer.status === 401 && problem(answer)['reason'] === 'api_key') return
  }
}
