import { expect, test } from 'vitest'
import { type ByteReplayer, type Received, type Script, byteReplayer } from '@streamstack/test-support/byte-replayer'
import { makeToken } from '@streamstack/test-support/credentials'
import { events, namedEvents } from '@streamstack/test-support/frames'
import { ndjsonLines } from '@streamstack/test-support/http-client'
import { type TestServer, endpoint, testServer } from '@streamstack/test-support/test-server'

const SECRET = 'a-secret-for-tests-that-is-long-enough'

const weather = {
  description: 'Tells the weather of a city.',
  input_parameters: { city: { type: 'text', required: true } },
  function_stack: [{ function: 'Return', value: 'rain' }],
}

function step(upstream: ByteReplayer, more: object = {}): object {
  return {
    function: 'AI Reply',
    provider: 'openai-compatible',
    base_url: upstream.url,
    model: 'small',
    messages: '{{conversation_history}}',
    tools: ['weather'],
    retries: 0,
    ...more,
  }
}

async function chatServer(
  upstreams: readonly ByteReplayer[],
  steps: Record<string, object>,
  settings: object = {},
  rewrite: Record<string, string> = {},
): Promise<TestServer> {
  const inputs = { message: 'text', id: 'text' }
  const at = (path: string, one: object): object =>
    endpoint(path, [one], {
      method: 'POST',
      inputs,
      settings: { authentication: true, conversation: { id: '{{input.id}}' }, ...settings },
    })
  return testServer({
    'streamstack.yaml': {
      log: { level: 'silent' },
      auth: { jwt: { secret: SECRET } },
      outbound: { allow: upstreams.map(({ host }) => host), rewrite },
    },
    'functions/weather.json': weather,
    ...Object.fromEntries(Object.entries(steps).map(([name, one]) => [`endpoints/${name}.json`, at(`/${name}`, one)])),
  })
}

/** Sends a message in the conversation `c` and returns the text of the reply. */
async function say(server: TestServer, path: string, message = 'And now?'): Promise<string> {
  const headers = { Authorization: `Bearer ${await makeToken({ secret: SECRET, sub: 'ada', expiresSeconds: 60 })}` }
  const { text } = await server.call(`/${path}?format=ndjson`, { headers, body: { id: 'c', message } })
  const all = ndjsonLines(text)
  expect(all.at(-1)).toMatchObject({ outcome: 'completed' })
  return all.flatMap(({ kind, type, content }) => (type === 'chunk' && kind === undefined ? [content] : [])).join('')
}

async function read(server: TestServer, path: string): Promise<string> {
  const headers = { Authorization: `Bearer ${await makeToken({ secret: SECRET, sub: 'ada', expiresSeconds: 60 })}` }
  return (await server.call(path, { headers })).text
}

type Sent = Record<string, unknown>

function sentTo({ received }: ByteReplayer, index: number): readonly Sent[] {
  return (received[index]?.body as { messages: Sent[] } | undefined)?.messages ?? []
}

function chunk(delta: object, finish: string | null = null): object {
  return { model: 'small', choices: [{ index: 0, delta, finish_reason: finish }] }
}

const asksForWeather = (reasoning: string): Script => ({
  body: events(
    chunk({ role: 'assistant', content: null, reasoning_content: '' }),
    ...reasoning.split(/(?<= )/).map((piece) => chunk({ reasoning_content: piece })),
    chunk({ tool_calls: [{ index: 0, id: 'c0', function: { name: 'weather', arguments: '{"city":"Oslo"}' } }] }),
    chunk({}, 'tool_calls'),
    '[DONE]',
  ),
})

const answers = (text: string, reasoning = ''): Script => ({
  body: events(chunk({ reasoning_content: reasoning }), chunk({ content: text }), chunk({}, 'stop'), '[DONE]'),
})

/** Refuses, as DeepSeek does, a conversation whose messages with calls came without their reasoning. */
function deepSeek(scripts: readonly Script[]): (request: Received) => Script {
  let next = 0
  return ({ body }) => {
    const { messages } = body as { messages: Sent[] }
    const isRefused = messages.some((message) => 'tool_calls' in message && !('reasoning_content' in message))
    return isRefused
      ? { status: 400, type: 'application/json', body: '{"error":{"message":"must be passed back"}}' }
      : (scripts[next++] ?? answers('?'))
  }
}

test('reasoning of a turn with tools goes back to its server with each later message, and to nobody else', async () => {
  const scripts = [asksForWeather('Ask the secret thought.'), answers('Rain.', 'So it is.'), answers('Still.')]
  await using upstream = await byteReplayer(deepSeek([...scripts, answers('Yes.')]))
  await using other = await byteReplayer([answers('Hm.')])
  await using server = await chatServer([upstream, other], {
    chat: step(upstream),
    plain: step(upstream, { tools: undefined }),
    elsewhere: step(other),
  })
  expect(await say(server, 'chat', 'Weather?')).toBe('Rain.')
  expect(await say(server, 'chat')).toBe('Still.')
  const reasoned = [
    { role: 'assistant', content: null, reasoning_content: 'Ask the secret thought.', tool_calls: [expect.anything()] },
    { role: 'tool', tool_call_id: 'c0', content: '"rain"' },
    { role: 'assistant', content: 'Rain.', reasoning_content: 'So it is.' },
  ]
  expect(sentTo(upstream, 2).slice(1)).toEqual([...reasoned, { role: 'user', content: 'And now?' }])
  // A turn without tools needs none; one step of the same server without tools sends the reasoning all the same.
  expect(await say(server, 'plain')).toBe('Yes.')
  expect(sentTo(upstream, 3).slice(1, 6)).toEqual([
    ...reasoned,
    { role: 'user', content: 'And now?' },
    { role: 'assistant', content: 'Still.' },
  ])
  await say(server, 'elsewhere')
  expect(sentTo(other, 0)[1]).toMatchObject({ role: 'assistant', tool_calls: [{ id: 'c0' }] })
  expect(JSON.stringify(other.received)).not.toMatch(/secret thought|reasoning|So it is/)
  for (const path of ['/v1/conversations/c', '/v1/conversation-export', '/v1/conversations']) {
    const text = await read(server, path)
    expect(text).toContain('Weather?')
    expect(text).not.toMatch(/secret thought|reasoning|So it is/)
  }
})

test('a call without any reasoning gives the empty text back that its server sent', async () => {
  await using upstream = await byteReplayer(deepSeek([asksForWeather(''), answers('Rain.'), answers('Still.')]))
  await using server = await chatServer([upstream], { chat: step(upstream) })
  expect(await say(server, 'chat')).toBe('Rain.')
  expect(await say(server, 'chat')).toBe('Still.')
  expect(sentTo(upstream, 2)[1]).toMatchObject({ reasoning_content: '' })
})

test('what filters take out of an answer is not kept in its reasoning either', async () => {
  const thought = 'Write to ann@example.com about it.'
  await using upstream = await byteReplayer(deepSeek([asksForWeather(thought), answers('Rain.'), answers('Still.')]))
  await using server = await chatServer([upstream], { chat: step(upstream) }, { redact: ['email'] })
  await say(server, 'chat')
  await say(server, 'chat')
  expect(sentTo(upstream, 2)[1]).toMatchObject({ reasoning_content: 'Write to [email] about it.' })
})

test('thinking of a turn with tools goes back with its signature to the server that signed it', async () => {
  const start = { type: 'message_start', message: { model: 'c', usage: { input_tokens: 1 } } }
  const end = (reason: string): { type: string }[] => [
    { type: 'message_delta', delta: { stop_reason: reason }, usage: { output_tokens: 3 } } as { type: string },
    { type: 'message_stop' },
  ]
  const block = (index: number, content_block: object, ...deltas: object[]): { type: string }[] => [
    { type: 'content_block_start', index, content_block } as { type: string },
    ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
    { type: 'content_block_stop', index } as { type: string },
  ]
  const text = (index: number, said: string): { type: string }[] =>
    block(index, { type: 'text', text: '' }, { type: 'text_delta', text: said })
  const thinking = block(
    0,
    { type: 'thinking', thinking: '', signature: '' },
    { type: 'thinking_delta', thinking: 'Ask.' },
    { type: 'signature_delta', signature: 'c2ln' },
  )
  const call = block(
    3,
    { type: 'tool_use', id: 't1', name: 'weather', input: {} },
    { type: 'input_json_delta', partial_json: '{"city":"Oslo"}' },
  )
  const rounds = [
    namedEvents(
      start,
      ...thinking,
      ...block(1, { type: 'redacted_thinking', data: 'eA==' }),
      ...text(2, 'Let me look. '),
      ...call,
      ...end('tool_use'),
    ),
    namedEvents(start, ...text(0, 'Rain.'), ...end('end_turn')),
  ].map((body): Script => ({ body }))
  await using upstream = await byteReplayer(rounds)
  await using other = await byteReplayer(rounds.slice(1))
  await using server = await chatServer([upstream, other], {
    chat: step(upstream, { provider: 'anthropic' }),
    elsewhere: step(other, { provider: 'anthropic' }),
  })
  await say(server, 'chat')
  await say(server, 'chat')
  const plain = [
    { type: 'text', text: 'Let me look. ' },
    { type: 'tool_use', id: 't1', name: 'weather', input: { city: 'Oslo' } },
  ]
  expect(sentTo(upstream, 2)[1]).toEqual({
    role: 'assistant',
    content: [
      { type: 'thinking', thinking: 'Ask.', signature: 'c2ln' },
      { type: 'redacted_thinking', data: 'eA==' },
      ...plain,
    ],
  })
  await say(server, 'elsewhere')
  expect(sentTo(other, 0)[1]).toEqual({ role: 'assistant', content: plain })
  expect(await read(server, '/v1/conversations/c')).not.toMatch(/thinking|c2ln|Ask\./)
})

test("signatures of Gemini and reasoning items of OpenAI go back within a turn, and not with the next one's message", async () => {
  const signed = { functionCall: { name: 'weather', args: { city: 'Oslo' } }, thoughtSignature: 'c2ln' }
  const gemini = (parts: object[]): string => events({ candidates: [{ content: { parts }, finishReason: 'STOP' }] })
  const thought = { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'c2ln' }
  const called = { type: 'function_call', id: 'fc_1', call_id: 'f1', name: 'weather', arguments: '{"city":"Oslo"}' }
  const done = { type: 'response.completed', response: { status: 'completed' } }
  const apis = {
    google: {
      more: { provider: 'google' },
      rounds: [gemini([{ text: 'Hm.', thought: true }, signed]), gemini([{ text: 'Rain.' }])],
      member: 'contents',
      turn: [{ role: 'model', parts: [{ text: 'Hm.', thought: true }, signed] }],
    },
    openai: {
      more: { provider: 'openai', api: 'responses', api_key: 'k' },
      rounds: [
        namedEvents(
          { type: 'response.output_item.done', item: thought },
          { type: 'response.output_item.done', item: called },
          done,
        ),
        namedEvents({ type: 'response.output_text.delta', delta: 'Rain.' }, done),
      ],
      member: 'input',
      turn: [thought, called],
    },
  }
  for (const { more, rounds, member, turn } of Object.values(apis)) {
    await using upstream = await byteReplayer(rounds.map((body) => ({ body })))
    await using server = await chatServer([upstream], { chat: step(upstream, { api_key: 'k', ...more }) })
    expect(await say(server, 'chat')).toBe('Rain.')
    await say(server, 'chat')
    const [, second, third] = upstream.received.map(({ body }) => (body as Record<string, unknown[]>)[member] ?? [])
    expect(second?.slice(1, 1 + turn.length)).toEqual(turn)
    expect(third).toHaveLength(5)
    expect(JSON.stringify(third)).toContain('Oslo')
    expect(JSON.stringify(third)).not.toContain('c2ln')
  }
})

test('calls of another model go to Gemini with the sign that they have none, and to DeepSeek with empty reasoning', async () => {
  const asks: Script = {
    body: events(
      chunk({
        tool_calls: [0, 1].map((index) => ({
          index,
          id: `c${index}`,
          function: { name: 'weather', arguments: '{"city":"Oslo"}' },
        })),
      }),
      chunk({}, 'tool_calls'),
      '[DONE]',
    ),
  }
  await using upstream = await byteReplayer([asks, { status: 401, body: '' }])
  const rain = { candidates: [{ content: { parts: [{ text: 'Rain.' }] }, finishReason: 'STOP' }] }
  await using google = await byteReplayer([{ body: events(rain) }])
  await using deepseek = await byteReplayer([answers('Still.')])
  const gemini = (model: string): object => ({ provider: 'google', base_url: google.url, api_key: 'k', model })
  await using server = await chatServer(
    [upstream, google, deepseek],
    {
      chat: step(upstream, { fallback: [gemini('gemini-3-pro-preview')] }),
      old: step(google, gemini('gemini-2.5-flash')),
      deep: step(deepseek, { base_url: 'https://api.deepseek.com/v1' }),
    },
    {},
    { 'https://api.deepseek.com': deepseek.url },
  )
  expect(await say(server, 'chat')).toBe('Rain.')
  const call = { functionCall: { name: 'weather', args: { city: 'Oslo' } } }
  const modelParts = (index: number): unknown =>
    (google.received[index]?.body as { contents: { parts: unknown }[] } | undefined)?.contents[1]?.parts
  expect(modelParts(0)).toEqual([{ ...call, thoughtSignature: 'skip_thought_signature_validator' }, call])
  // Calls of earlier turns are not checked, and older models know no such sign.
  await say(server, 'old')
  expect(modelParts(1)).toEqual([call, call])
  await say(server, 'deep')
  expect(sentTo(deepseek, 0)[1]).toMatchObject({ reasoning_content: '', tool_calls: [{ id: 'c0' }, { id: 'c1' }] })
})
