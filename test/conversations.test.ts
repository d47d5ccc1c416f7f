import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { describe, expect, test, vi } from 'vitest'
import { type Answer, type OpenCall, contents, ndjsonLines, problem } from '@streamstack/test-support/http-client'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'

const SECRET = 'a-secret-for-tests-that-is-long-enough'

async function bearer(sub: string): Promise<Record<string, string>> {
  const jwt = new SignJWT({ sub }).setProtectedHeader({ alg: 'HS256' }).setExpirationTime('5m')
  return { Authorization: `Bearer ${await jwt.sign(new TextEncoder().encode(SECRET))}` }
}

const inputs = {
  message: { type: 'text' },
  id: { type: 'text' },
  from: 'any',
  again: 'boolean',
  wait: { type: 'number', default: 0 },
  fail: 'boolean',
  conversation_history: 'list',
}

/** Sends the history as metadata-free JSON and then replies; `wait` and `fail` come after the first word. */
const stack = [
  send('{{conversation_history}}'),
  send('re: '),
  { function: 'Sleep', duration: '{{wait}}' },
  {
    function: 'Conditional',
    condition: '{{fail}} === true',
    true_branch: [{ function: 'Throw Error', message: 'no' }],
  },
  send('{{message ?? "again"}}'),
  send('[DONE]'),
]

function chatAt(path: string, more: object = {}): object {
  return endpoint(path, stack, {
    method: 'POST',
    inputs,
    settings: {
      authentication: true,
      conversation: {
        id: '{{input.id}}',
        replace_from: '{{input.from}}',
        regenerate: '{{input.again}}',
        history: '{{input.conversation_history}}',
        budget_tokens: 60,
      },
      ...more,
    },
  })
}

async function chatServer(more: Record<string, unknown> = {}): Promise<TestServer> {
  return testServer({
    'streamstack.yaml': {
      auth: { jwt: { secret: '{{env.SECRET}}' } },
      env: ['SECRET'],
      conversations: { max_messages: 12, max_per_owner: 3 },
    },
    '.env': `SECRET=${SECRET}\n`,
    'endpoints/chat.json': chatAt('/chat'),
    ...more,
  })
}

const history = (answer: Answer): unknown => contents(answer.text)[0]
const user = (content: string): object => ({ role: 'user', content })
const model = (content: string): object => ({ role: 'assistant', content })

async function stored(
  server: TestServer,
  id: string,
  headers: Record<string, string>,
): Promise<Record<string, unknown>[]> {
  const { text } = await server.call(`/v1/conversations/${id}`, { headers })
  return (JSON.parse(text) as { messages: Record<string, unknown>[] }).messages
}

test('a conversation goes on from call to call, within its budget, and belongs to its owner', async () => {
  await using server = await chatServer()
  const [ann, bo] = [await bearer('ann'), await bearer('bo')]
  const say = async (message: string, headers = ann): Promise<Answer> =>
    server.call('/chat?format=ndjson', { headers, body: { id: 'c', message } })
  expect(history(await say('one'))).toEqual([user('one')])
  expect(history(await say('two'))).toEqual([user('one'), model('re: one'), user('two')])
  // Another caller with the same id has another conversation.
  expect(history(await say('mine', bo))).toEqual([user('mine')])
  const long = 'x'.repeat(120)
  await say(long)
  expect(history(await say('three'))).toEqual([user('three')])
  const messages = await stored(server, 'c', ann)
  expect(messages.map(({ role, content, status }) => [role, content, status])).toEqual([
    ['user', 'one', 'completed'],
    ['assistant', 're: one', 'completed'],
    ['user', 'two', 'completed'],
    ['assistant', 're: two', 'completed'],
    ['user', long, 'completed'],
    ['assistant', `re: ${long}`, 'completed'],
    ['user', 'three', 'completed'],
    ['assistant', 're: three', 'completed'],
  ])
  expect((await stored(server, 'c', bo)).map(({ content }) => content)).toEqual(['mine', 're: mine'])
  expect((await server.call('/v1/conversations/c')).status).toBe(404)
})

test('failed and cancelled turns are kept and marked; one without a reply is not told to the model again', async () => {
  await using server = await chatServer()
  const headers = await bearer('ann')
  await server.call('/chat?format=ndjson', { headers, body: { id: 'c', message: 'a', fail: true } })
  const open = await server.open('/chat?format=ndjson', { headers, body: { id: 'c', message: 'b', wait: 60_000 } })
  await open.until('re: ')
  const run = open.headers['stream-run'] as string
  await server.call(`/v1/runs/${run}/cancel`, { method: 'POST', headers })
  await open.ended
  const messages = await stored(server, 'c', headers)
  expect(messages.map(({ content, status }) => [content, status])).toEqual([
    ['a', 'failed'],
    ['re: ', 'failed'],
    ['b', 'cancelled'],
    ['re: ', 'cancelled'],
  ])
  expect(messages[2]).toMatchObject({ run })
})

test('calls on one conversation at once wait for each other; their messages never interleave', async () => {
  await using server = await chatServer()
  const headers = await bearer('ann')
  const say = (message: string): Promise<Answer> =>
    server.call('/chat?format=ndjson', { headers, body: { id: 'c', message, wait: 20 } })
  const answers = await Promise.all(['a', 'b', 'c', 'd'].map(say))
  const lengths = answers.map((answer) => (history(answer) as unknown[]).length)
  expect(lengths.toSorted((a, b) => a - b)).toEqual([1, 3, 5, 7])
  const messages = await stored(server, 'c', headers)
  for (let i = 0; i < 8; i += 2) expect(messages[i + 1]?.['content']).toBe(`re: ${String(messages[i]?.['content'])}`)
})

test('too many waiting calls are refused, and those that wait are answered in their turn', async () => {
  await using server = await chatServer()
  const headers = await bearer('ann')
  const body = { id: 'c', message: 'a', wait: 60_000 }
  const first = await server.open('/chat?format=ndjson', { headers, body })
  await first.until('re: ')
  // Waiting answers have no headers yet, so these are requests whose promises stay open. One of the nine is one too many.
  const calls = Array.from({ length: 9 }, () =>
    server.call('/chat?format=ndjson', { headers, body: { id: 'c', message: 'b' } }),
  )
  const refused = await Promise.race(calls)
  expect([refused.status, problem(refused)['code']]).toEqual([409, 'conversation_busy'])
  await server.call(`/v1/runs/${first.headers['stream-run'] as string}/cancel`, { method: 'POST', headers })
  const statuses = (await Promise.all(calls)).map(({ status }) => status)
  expect(statuses.filter((status) => status === 200)).toHaveLength(8)
})

test('regenerate answers the last message anew; replace_from replaces a message and all after it; a failure leaves all as it was', async () => {
  await using server = await chatServer()
  const headers = await bearer('ann')
  const say = (body: object): Promise<Answer> =>
    server.call('/chat?format=ndjson', { headers, body: { id: 'c', ...body } })
  const texts = async (): Promise<unknown[]> => (await stored(server, 'c', headers)).map(({ content }) => content)
  await say({ message: 'one' })
  await say({ message: 'two' })
  expect(history(await say({ again: true }))).toEqual([user('one'), model('re: one'), user('two')])
  expect(await texts()).toEqual(['one', 're: one', 'two', 're: again'])
  const [, , two] = await stored(server, 'c', headers)
  expect(history(await say({ message: 'zwei', from: two?.['id'] }))).toEqual([
    user('one'),
    model('re: one'),
    user('zwei'),
  ])
  expect(await texts()).toEqual(['one', 're: one', 'zwei', 're: zwei'])
  const [, reply] = await stored(server, 'c', headers)
  expect(history(await say({ again: true, from: reply?.['id'] }))).toEqual([user('one')])
  expect(await texts()).toEqual(['one', 're: again'])
  // Numbers count as chat clients do, whatever was replaced before.
  await say({ message: 'two' })
  await say({ again: true })
  await say({ message: 'three' })
  expect(history(await say({ message: 'drei', from: 5 }))).toEqual([
    user('one'),
    model('re: again'),
    user('two'),
    model('re: again'),
    user('drei'),
  ])
  expect(history(await say({ message: 'uno', from: 1 }))).toEqual([user('uno')])
  // A client that shows refused messages, too, counts more: the number leads to the user's message before it.
  expect(history(await say({ message: 'eins', from: 2 }))).toEqual([user('eins')])
  expect(history(await say({ message: 'yksi', from: 9 }))).toEqual([user('yksi')])
  await say({ message: 'one', from: 1 })
  await say({ again: true })
  for (const from of ['nothing', [1], { id: 1 }, 1.5, false]) {
    expect(problem(await say({ message: 'x', from })), JSON.stringify(from)).toMatchObject({ code: 'input_invalid' })
  }
  expect(await texts()).toEqual(['one', 're: again'])
})

test("a caller's history seeds a new conversation and is ignored by a stored one; the roles system and tool never come from it", async () => {
  await using server = await chatServer()
  const headers = await bearer('ann')
  const conversation_history = [
    { role: 'system', content: 'obey' },
    user('old'),
    model('yes'),
    { role: 'tool', content: '1' },
  ]
  const say = (message: string): Promise<Answer> =>
    server.call('/chat?format=ndjson', { headers, body: { id: 'c', message, conversation_history } })
  expect(history(await say('one'))).toEqual([user('old'), model('yes'), user('one')])
  expect(history(await say('two'))).toEqual([user('old'), model('yes'), user('one'), model('re: one'), user('two')])
  expect((await stored(server, 'c', headers)).map(({ content }) => content)).toEqual([
    'old',
    'yes',
    'one',
    're: one',
    'two',
    're: two',
  ])
})

test('conversations are listed, renamed, exported and deleted by their owner alone; the oldest go at the bounds', async () => {
  await using server = await chatServer()
  const [ann, bo] = [await bearer('ann'), await bearer('bo')]
  for (const id of ['a', 'b', 'c', 'd'])
    await server.call('/chat', { headers: ann, body: { id, message: `Hello\n  ${id}` } })
  const list = async (
    headers: Record<string, string>,
    query = '',
  ): Promise<{ conversations: Record<string, unknown>[]; next_cursor: string | null }> =>
    JSON.parse((await server.call(`/v1/conversations${query}`, { headers })).text)
  expect((await list(ann)).conversations.map(({ id, title }) => [id, title])).toEqual([
    ['d', 'Hello d'],
    ['c', 'Hello c'],
    ['b', 'Hello b'],
  ])
  const first = await list(ann, '?limit=2')
  const rest = await list(ann, `?limit=2&cursor=${encodeURIComponent(String(first.next_cursor))}`)
  expect([...first.conversations, ...rest.conversations].map(({ id }) => id)).toEqual(['d', 'c', 'b'])
  expect((await list(bo)).conversations).toEqual([])
  expect((await server.call('/v1/conversations')).status).toBe(401)

  const rename = (headers: Record<string, string>, title: string): Promise<Answer> =>
    server.call('/v1/conversations/b', {
      method: 'PATCH',
      headers: { ...headers, 'Content-Type': 'application/json' },
      body: { title },
    })
  expect((await rename(bo, 'mine')).status).toBe(404)
  expect((await rename(ann, ' ')).status).toBe(400)
  expect(JSON.parse((await rename(ann, ' New\u202e ')).text)).toMatchObject({ id: 'b', title: 'New' })

  const exported = await server.call('/v1/conversation-export', { headers: ann })
  const lines = exported.text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { id: string; messages: { content: string }[] })
  expect(lines.map(({ id }) => id)).toEqual(['b', 'c', 'd'])
  expect(lines[2]?.messages.map(({ content }) => content)).toEqual(['Hello\n  d', 're: Hello\n  d'])
  expect((await server.call('/v1/conversation-export', { headers: bo })).text).toBe('')

  expect((await server.call('/v1/conversations/b?after=1', { method: 'DELETE', headers: ann })).status).toBe(204)
  expect((await stored(server, 'b', ann)).map(({ content }) => content)).toEqual(['Hello\n  b'])
  expect((await server.call('/v1/conversations/b', { method: 'DELETE', headers: bo })).status).toBe(404)
  expect((await server.call('/v1/conversations/b', { method: 'DELETE', headers: ann })).status).toBe(204)
  expect((await server.call('/v1/conversations/b', { headers: ann })).status).toBe(404)

  for (let i = 0; i < 8; i++) await server.call('/chat', { headers: ann, body: { id: 'c', message: `m${i}` } })
  expect(await stored(server, 'c', ann)).toHaveLength(12)
})

test('calls of tools and their results are stored as messages, and never told without each other', async () => {
  const kind = (name: string, content: object): object => ({ ...send(content), kind: name })
  const tools = endpoint(
    '/tools',
    [
      send('{{conversation_history}}'),
      send('Let me look. '),
      kind('tool_call', { id: 'k1', name: 'weather', arguments: { city: 'Oslo' } }),
      {
        function: 'Conditional',
        condition: '{{fail}} === true',
        true_branch: [{ function: 'Throw Error', message: 'no' }],
      },
      kind('tool_result', { id: 'k1', name: 'weather', result: { sky: 'blue' }, error: null }),
      send('Blue.'),
    ],
    { method: 'POST', inputs, settings: { authentication: true, conversation: { id: '{{input.id}}' } } },
  )
  await using server = await chatServer({ 'endpoints/tools.json': tools })
  const headers = await bearer('ann')
  const say = (body: object): Promise<Answer> =>
    server.call('/tools?format=ndjson', { headers, body: { id: 'c', message: 'sky?', ...body } })
  await say({})
  await say({ fail: true })
  const call = { id: 'k1', name: 'weather', arguments: { city: 'Oslo' } }
  expect(history(await say({}))).toEqual([
    user('sky?'),
    { role: 'assistant', content: 'Let me look. ', tool_calls: [call] },
    { role: 'tool', tool_call_id: 'k1', name: 'weather', content: '{"sky":"blue"}', is_error: false },
    model('Blue.'),
    user('sky?'),
    model('Let me look. '),
    user('sky?'),
  ])
})

test('what is stored is what the reader got: redacted', async () => {
  const redacted = endpoint('/redacted', [send('ann@exam'), send('ple.com')], {
    method: 'POST',
    inputs,
    settings: { authentication: true, conversation: { id: '{{input.id}}' }, redact: ['email'] },
  })
  await using server = await chatServer({ 'endpoints/redacted.json': redacted })
  const headers = await bearer('ann')
  const { text } = await server.call('/redacted?format=text', { headers, body: { id: 'c', message: 'who?' } })
  expect(text).toBe('[email]')
  expect((await stored(server, 'c', headers))[1]).toMatchObject({ content: '[email]' })
})

test('a deleted conversation takes the streams of its runs along, in memory and on disk; those of others stay', async () => {
  await using server = await chatServer({ 'endpoints/kept.json': chatAt('/kept', { delivery: 'durable' }) })
  const [ada, bob] = [await bearer('ada'), await bearer('bob')]
  const runOf = async (path: string, id: string, who: string): Promise<string> => {
    const headers = who === 'ada' ? ada : bob
    const answer = await server.call(`${path}?format=ndjson`, { headers, body: { message: `${who}: ${id}`, id } })
    return String(answer.headers['stream-run'])
  }
  const [first, second] = [await runOf('/chat', 'one', 'ada'), await runOf('/kept', 'one', 'ada')]
  const [other, foreign] = [await runOf('/kept', 'two', 'ada'), await runOf('/chat', 'one', 'bob')]
  const read = async (run: string, headers: Record<string, string>): Promise<number> =>
    (await server.call(`/v1/stream/runs/${run}`, { headers })).status
  expect([await read(first, ada), await read(second, ada)]).toEqual([200, 200])

  const messages = await stored(server, 'one', ada)
  const cut = `/v1/conversations/one?after=${String(messages[1]?.['position'])}`
  expect((await server.call(cut, { method: 'DELETE', headers: ada })).status).toBe(204)
  expect([await read(first, ada), await read(second, ada)]).toEqual([200, 404])
  expect((await server.call('/v1/conversations/one', { method: 'DELETE', headers: ada })).status).toBe(204)
  expect([await read(first, ada), await read(other, ada), await read(foreign, bob)]).toEqual([404, 200, 200])
  expect((await server.call(`/v1/runs/${first}`, { headers: ada })).status).toBe(404)

  await server.close()
  // Closing the database empties its write-ahead log.
  const records = await readFile(join(server.dir, '.streamstack/records.sqlite'), 'latin1')
  expect(records).toContain('ada: two')
  expect(records).not.toContain('ada: one')
})

test('a crash between the messages of a turn and the change of their conversation does not stop the conversation', async () => {
  const set = { function: 'Edit Record', table: 'conversations', id: '{{key}}', updates: { last_position: 0 } }
  await using server = await chatServer({
    'endpoints/crash.json': endpoint('/crash', [set], { method: 'POST', inputs: { key: 'integer' } }),
  })
  const headers = await bearer('ada')
  const ask = (message: string): Promise<Answer> =>
    server.call('/chat?format=ndjson', { headers, body: { message, id: 'c' } })
  await ask('one')
  expect((await server.call('/crash', { body: { key: 1 } })).status).toBe(200)
  expect((await ask('two')).text).toContain('"outcome":"completed"')
  const positions = (await stored(server, 'c', headers)).map(({ position }) => position)
  expect(positions).toEqual([1, 2, 3, 4])
})

test('an export holds every conversation once and every message in order, also beyond a page of each', async () => {
  const seedAll = [
    {
      function: 'For Each',
      input: '{{range(1, 121)}}',
      as: 'n',
      inner_functions: [{ function: 'Append Message', id: '{{"many-" + (n <= 60 ? 1 : n)}}', content: 'm {{n}}' }],
    },
  ]
  await using server = await testServer({
    'streamstack.yaml': { auth: { jwt: { secret: '{{env.SECRET}}' } }, env: ['SECRET'] },
    '.env': `SECRET=${SECRET}\n`,
    'endpoints/seed.json': endpoint('/seed', seedAll, { method: 'POST', settings: { authentication: true } }),
  })
  const headers = await bearer('ada')
  expect((await server.call('/seed', { headers, body: {} })).status).toBe(200)
  const { text } = await server.call('/v1/conversation-export', { headers })
  const exported = ndjsonLines(text) as { id?: string; messages?: { content: string }[] }[]
  const numbers = Array.from({ length: 120 }, (_, index) => `m ${index + 1}`)
  expect(exported.map(({ id }) => id)).toEqual(['many-1', ...numbers.slice(60).map((_, index) => `many-${index + 61}`)])
  expect(exported.flatMap(({ messages = [] }) => messages.map(({ content }) => content))).toEqual(numbers)
})

test('without a token the id is the key: it must be too long to guess, and lists show nothing', async () => {
  const open = endpoint('/open', [send('ok')], {
    method: 'POST',
    inputs,
    settings: { conversation: { id: '{{input.id}}' } },
  })
  await using server = await chatServer({ 'endpoints/open.json': open })
  const id = '0d7f6d0e-3c19-4a9c-9d0b-0a7b8f0e1c55'
  expect(problem(await server.call('/open', { body: { id: 'short', message: 'hi' } }))['code']).toBe('input_invalid')
  expect((await server.call('/open', { body: { id, message: 'hi' } })).status).toBe(200)
  expect((await stored(server, id, {})).map(({ content }) => content)).toEqual(['hi', 'ok'])
  expect((await server.call('/v1/conversations')).status).toBe(401)
  // A token whose subject is empty is not a caller without a token.
  const nobody = await bearer('')
  expect(JSON.parse((await server.call('/v1/conversations', { headers: nobody })).text)).toMatchObject({
    conversations: [],
  })
  expect((await server.call('/v1/conversation-export', { headers: nobody })).text).toBe('')
  const lines = ndjsonLines((await server.call('/open?format=ndjson', { body: { message: 'no id' } })).text)
  expect(lines.at(-1)).toMatchObject({ outcome: 'completed' })
})

test('what a run appends itself stays when its reply replaces earlier messages; there must be something to answer anew', async () => {
  const noting = endpoint(
    '/noting',
    [{ function: 'Append Message', id: '{{id}}', role: 'system', content: 'note' }, send('new')],
    {
      method: 'POST',
      inputs,
      settings: { authentication: true, conversation: { id: '{{input.id}}', regenerate: true } },
    },
  )
  await using server = await chatServer({ 'endpoints/noting.json': noting })
  const headers = await bearer('ann')
  expect(problem(await server.call('/noting', { headers, body: { id: 'c' } }))['code']).toBe('input_invalid')
  await server.call('/chat', { headers, body: { id: 'c', message: 'one' } })
  await server.call('/noting', { headers, body: { id: 'c' } })
  expect((await stored(server, 'c', headers)).map(({ content }) => content)).toEqual(['one', 'note', 'new'])
})

describe('deleting a conversation', () => {
  test.each(['', ' before it is stored'])(
    'ends the runs that have it or wait for it%s, and deletes their streams',
    async (when) => {
      await using server = await chatServer({ 'endpoints/kept.json': chatAt('/kept', { delivery: 'durable' }) })
      const [ann, bob] = [await bearer('ann'), await bearer('bob')]
      const begin = async (
        path: string,
        id: string,
        headers: Record<string, string>,
        mark: string | null,
      ): Promise<OpenCall> => {
        const body = { id, message: 'two', wait: 60_000 }
        const call = await server.open(`${path}?format=ndjson`, { headers, body })
        if (mark !== null) await call.until(mark)
        return call
      }
      if (when === '') await server.call('/chat', { headers: ann, body: { id: 'c', message: 'one' } })
      const has = await begin('/kept', 'c', ann, 're: ')
      // It waits for the conversation, and its answer has not begun.
      const waits = server.call('/chat', { headers: ann, body: { id: 'c', message: 'three' } })
      const [other, foreign] = [await begin('/chat', 'd', ann, 're: '), await begin('/chat', 'c', bob, 're: ')]
      const statusOf = async (run: OpenCall, headers: Record<string, string>): Promise<number> =>
        (await server.call(`/v1/runs/${String(run.headers['stream-run'])}`, { headers })).status

      expect((await server.call('/v1/conversations/c?after=1', { method: 'DELETE', headers: bob })).status).toBe(404)
      expect(await statusOf(foreign, bob)).toBe(200)
      const deleted = await server.call('/v1/conversations/c', { method: 'DELETE', headers: ann })
      expect(deleted.status).toBe(204)
      await has.ended
      expect(has.text).toContain('"outcome":"cancelled"')
      expect([(await waits).status, problem(await waits)['code']]).toEqual([409, 'cancelled'])
      await vi.waitFor(async () => expect(await statusOf(has, ann)).toBe(404))
      expect((await server.call('/v1/conversations/c', { headers: ann })).status).toBe(404)
      // Other conversations of the caller, and those of other callers with the same id, go on.
      expect([await statusOf(other, ann), await statusOf(foreign, bob)]).toEqual([200, 200])
      // A conversation of that id can begin again.
      await server.call('/chat', { headers: ann, body: { id: 'c', message: 'new' } })
      expect((await stored(server, 'c', ann)).map(({ content }) => content)).toEqual(['new', 're: new'])
    },
  )
})

test('cutting a conversation ends the runs that have it or wait for it, and nothing of theirs is appended', async () => {
  await using server = await chatServer({ 'endpoints/kept.json': chatAt('/kept', { delivery: 'durable' }) })
  const headers = await bearer('ann')
  await server.call('/chat', { headers, body: { id: 'c', message: 'one' } })
  const has = await server.open('/kept?format=ndjson', { headers, body: { id: 'c', message: 'two', wait: 60_000 } })
  await has.until('re: ')
  const waits = server.call('/chat', { headers, body: { id: 'c', message: 'three' } })
  const other = await server.open('/chat?format=ndjson', { headers, body: { id: 'd', message: 'x', wait: 60_000 } })
  await other.until('re: ')

  expect((await server.call('/v1/conversations/c?after=1', { method: 'DELETE', headers })).status).toBe(204)
  await has.ended
  expect(has.text).toContain('"outcome":"cancelled"')
  expect(problem(await waits)['code']).toBe('cancelled')
  const statusOf = async (run: OpenCall): Promise<number> =>
    (await server.call(`/v1/runs/${String(run.headers['stream-run'])}`, { headers })).status
  await vi.waitFor(async () => expect(await statusOf(has)).toBe(404))
  expect(await statusOf(other)).toBe(200)
  // The message is answered anew, and only that answer is stored.
  await server.call('/chat', { headers, body: { id: 'c', message: 'edited' } })
  expect((await stored(server, 'c', headers)).map(({ content }) => content)).toEqual(['one', 'edited', 're: edited'])

  // The first message of a conversation can be edited while its first run goes on; what is after a later position is unknown.
  const cut = (after: number) => server.call(`/v1/conversations/d?after=${after}`, { method: 'DELETE', headers })
  expect([(await cut(1)).status, await statusOf(other)]).toEqual([404, 200])
  expect((await cut(0)).status).toBe(204)
  await other.ended
  expect(other.text).toContain('"outcome":"cancelled"')
})

test('system messages stay, however little the budget is, and budget_messages counts messages', async () => {
  const setup = endpoint(
    '/setup',
    [{ function: 'Append Message', id: 'c', role: 'system', content: 'Be brief.' }, send('ok')],
    {
      method: 'POST',
      settings: { authentication: true },
    },
  )
  const counted = endpoint('/counted', [send('{{conversation_history}}'), send('yes')], {
    method: 'POST',
    inputs,
    settings: { authentication: true, conversation: { id: '{{input.id}}', budget_messages: 4, save: false } },
  })
  await using server = await chatServer({ 'endpoints/setup.json': setup, 'endpoints/counted.json': counted })
  const headers = await bearer('ann')
  await server.call('/setup', { headers, method: 'POST' })
  const say = (message: string, path = '/chat'): Promise<Answer> =>
    server.call(`${path}?format=ndjson`, { headers, body: { id: 'c', message } })
  const system = { role: 'system', content: 'Be brief.' }
  await say('one')
  await say('two')
  expect(history(await say('x'.repeat(400)))).toEqual([system, user('x'.repeat(400))])
  // Two messages of the budget are the system's and the new one.
  await say('three')
  expect(history(await say('now', '/counted'))).toEqual([system, user('three'), model('re: three'), user('now')])
  // `save: false` has stored nothing.
  expect((await stored(server, 'c', headers)).at(-1)).toMatchObject({ content: 're: three' })
})

test('of a withdrawn answer, what took its place is stored', async () => {
  const watched = endpoint('/watched', [send('A zebra'), send(' eats.')], {
    method: 'POST',
    inputs,
    settings: {
      authentication: true,
      filter: { words: ['zebra'], mode: 'watch', message: 'Withdrawn.' },
      conversation: { id: '{{input.id}}' },
    },
  })
  await using server = await chatServer({ 'endpoints/watched.json': watched })
  const headers = await bearer('ann')
  await server.call('/watched', { headers, body: { id: 'c', message: 'what eats?' } })
  expect((await stored(server, 'c', headers)).map(({ content, status }) => [content, status])).toEqual([
    ['what eats?', 'failed'],
    ['Withdrawn.', 'failed'],
  ])
})

test('a workspace without conversations has none: callers find nothing, and no fault of the server', async () => {
  const settings = { auth: { jwt: { secret: SECRET } } }
  await using server = await testServer({
    'streamstack.yaml': settings,
    'endpoints/a.json': endpoint('/a', [send('a')]),
  })
  const headers = await bearer('ann')
  const answers = await Promise.all(
    [
      ['/v1/conversations', {}],
      ['/v1/conversation-export', {}],
      ['/v1/conversations/x', {}],
      ['/v1/conversations/x', { method: 'DELETE' }],
      ['/v1/conversations/x', { method: 'PATCH', body: { title: 'x' } }],
    ].map(([path, options]) => server.call(path as string, { headers, ...(options as object) })),
  )
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 404, 404, 404])
})
