import { setTimeout as sleep } from 'node:timers/promises'
import { LLMock } from '@copilotkit/aimock'
import { describe, expect, test } from 'vitest'
import { type ByteReplayer, type Script, byteReplayer } from '@streamstack/test-support/byte-replayer'
import { withEnoughTime } from '@streamstack/test-support/enough-time'
import { makeToken } from '@streamstack/test-support/credentials'
import { events, lines, namedEvents } from '@streamstack/test-support/frames'
import { type Answer, ndjsonLines, problem } from '@streamstack/test-support/http-client'
import { type TestServer, endpoint, testServer } from '@streamstack/test-support/test-server'

const KINDS = '/reply?format=ndjson'

function delta(content: string, finish: string | null = null): object {
  return { model: 'small', choices: [{ index: 0, delta: { content }, finish_reason: finish }] }
}

const used = {
  choices: [],
  usage: { prompt_tokens: 10, completion_tokens: 4, prompt_tokens_details: { cached_tokens: 2 } },
}
const GOOD = events(delta('Hel'), delta('lo'), delta('', 'stop'), used, '[DONE]')

/** A step that asks the replayer. */
function reply(upstream: { url: string }, more: object = {}): object {
  return {
    function: 'AI Reply',
    provider: 'openai-compatible',
    base_url: `${upstream.url}/v1`,
    model: 'small',
    messages: '{{message}}',
    retries: 0,
    ...more,
  }
}

function workspace(
  upstreams: readonly { host: string }[],
  stack: readonly object[],
  more: object = {},
): Record<string, unknown> {
  return {
    'streamstack.yaml': {
      log: { level: 'silent' },
      outbound: { allow: upstreams.map(({ host }) => host) },
      ai: { prices: { 'small*': { input: 1, output: 2, cached: 0.5 } } },
    },
    'endpoints/reply.json': endpoint('/reply', stack, {
      method: 'POST',
      inputs: { message: { type: 'text', default: 'Hi' } },
    }),
    ...more,
  }
}

/** The same, with a heartbeat after 100 ms of silence. */
function workspaceWithHeartbeats(upstream: ByteReplayer): Record<string, unknown> {
  const files = workspace([upstream], [reply(upstream)])
  return { ...files, 'streamstack.yaml': { ...(files['streamstack.yaml'] as object), streams: { heartbeat: 100 } } }
}

interface Told {
  text: string
  kinds: string[]
  end: object
  errors: unknown[]
  run: Record<string, unknown>
}

async function told(server: TestServer, answer: Answer): Promise<Told> {
  const all = ndjsonLines(answer.text)
  const run = await server.call(`/v1/runs/${String(answer.headers['stream-run'])}`)
  return {
    text: all
      .flatMap(({ type, kind, content }) => (type === 'chunk' && kind === undefined ? [String(content)] : []))
      .join(''),
    kinds: all.flatMap(({ type, kind }) => (type === 'chunk' ? [typeof kind === 'string' ? kind : 'text'] : [])),
    end: all.at(-1) ?? {},
    errors: all.filter(({ type }) => type === 'error'),
    run: JSON.parse(run.text) as Record<string, unknown>,
  }
}

/** The model says `Hel` and fails: the run fails with it, and nothing is asked a second time. */
async function failsOnce(script: Script, code: string, limits: object = {}): Promise<void> {
  await using upstream = await byteReplayer([script])
  const { told: result } = await ask(upstream, { ...limits, retries: 3, fallback: [{ model: 'other' }] })
  expect(result?.text).toBe('Hel')
  expect(result?.errors).toMatchObject([{ error: { code } }])
  expect(JSON.stringify(result)).not.toContain('sk-9')
  expect(result?.end).toMatchObject({ outcome: 'failed', error: { code } })
  expect(upstream.received).toHaveLength(1)
}

async function ask(upstream: ByteReplayer, more: object = {}): Promise<{ answer: Answer; told: Told | null }> {
  await using server = await testServer(workspace([upstream], [reply(upstream, more)]))
  const answer = await server.call(KINDS, { body: {} })
  return { answer, told: answer.status === 200 ? await told(server, answer) : null }
}

describe('an answer', () => {
  test('streams as chunks of its kinds, with progress, and what it used is told with the run', async () => {
    await using upstream = await byteReplayer([{ body: GOOD, pieceBytes: 7 }])
    await using server = await testServer(
      workspace([upstream], [reply(upstream, { temperature: 0.3, max_tokens: 50, system: 'Be kind.' })]),
    )
    const answer = await server.call(KINDS, { body: { message: 'Hi there' } })
    const { text, kinds, end, run } = await told(server, answer)
    expect(text).toBe('Hello')
    expect(kinds).toEqual(['status', 'text', 'text', 'usage', 'status'])
    expect(end).toMatchObject({ outcome: 'completed' })
    expect(ndjsonLines(answer.text)[2]?.['metadata']).toMatchObject({ chunk_index: 1, characters: 5 })
    expect(run['usage']).toMatchObject({
      calls: 1,
      input_tokens: 10,
      output_tokens: 4,
      cached_tokens: 2,
      reasoning_tokens: null,
      // 8 fresh, 2 cached, 4 out.
      cost: (8 * 1 + 2 * 0.5 + 4 * 2) / 1_000_000,
      first_token_ms: expect.any(Number) as number,
      last_calls: [{ provider: 'openai-compatible', model: 'small', attempts: 1, finish_reason: 'stop' }],
    })
    expect(upstream.received[0]).toMatchObject({
      method: 'POST',
      path: '/v1/chat/completions',
      body: {
        model: 'small',
        stream: true,
        stream_options: { include_usage: true },
        temperature: 0.3,
        max_tokens: 50,
        messages: [
          { role: 'system', content: 'Be kind.' },
          { role: 'user', content: 'Hi there' },
        ],
      },
    })
    // Plain clients get the text and nothing else.
    expect((await server.call('/reply?format=text', { body: {} })).text).toBe('Hello')
  })

  test('is counted from zero each time', async () => {
    await using upstream = await byteReplayer([{ body: GOOD }])
    const loop = { function: 'For', count: 2, inner_functions: [reply(upstream)] }
    await using server = await testServer(workspace([upstream], [loop]))
    const answer = await server.call(KINDS, { body: {} })
    const counted = ndjsonLines(answer.text).flatMap(({ metadata }) => (metadata ? [metadata] : []))
    expect(counted.map((one) => [one['chunk_index'], one['characters']])).toEqual([
      [0, 3],
      [1, 5],
      [0, 3],
      [1, 5],
    ])
  })

  test.each<[number, [string, number, number][]]>([
    [
      1,
      [
        ['One ', 0, 4],
        ['two ', 1, 8],
        ['three ', 2, 14],
        ['four ', 3, 19],
        ['five', 4, 23],
      ],
    ],
    [
      2,
      [
        ['One two ', 0, 8],
        ['three four ', 1, 19],
        ['five', 2, 23],
      ],
    ],
    [
      4,
      [
        ['One two three four ', 0, 19],
        ['five', 1, 23],
      ],
    ],
  ])('counts the pieces of %i words that it sends, whichever deltas they came in', async (size, expected) => {
    const body = events(
      ...['One two th', 'ree', ' ', 'four five'].map((text) => delta(text)),
      delta('', 'stop'),
      used,
      '[DONE]',
    )
    await using upstream = await byteReplayer([{ body }])
    await using server = await testServer(workspace([upstream], [reply(upstream)]))
    const answer = await server.call(KINDS, { body: { options: { chunk_size: size } } })
    const pieces = ndjsonLines(answer.text).flatMap(({ metadata, content }) =>
      metadata ? [[content, metadata['chunk_index'], metadata['characters']]] : [],
    )
    expect(pieces).toEqual(expected)
  })

  test('of a server that ignores `stream` comes in one piece, with its usage; a document of another kind is one error', async () => {
    const message = { role: 'assistant', content: 'Hello' }
    const whole = {
      object: 'chat.completion',
      model: 'small',
      choices: [{ index: 0, message, finish_reason: 'stop' }],
      usage: used.usage,
    }
    const json = (document: object): Script => ({ type: 'application/json', body: JSON.stringify(document) })
    await using upstream = await byteReplayer([json(whole), json(whole), json({ healthy: true })])
    await using server = await testServer(workspace([upstream], [reply(upstream)]))
    const { text, kinds, end, run } = await told(server, await server.call(KINDS, { body: {} }))
    expect(text).toBe('Hello')
    expect(kinds).toEqual(['status', 'text', 'usage', 'status'])
    expect(end).toMatchObject({ outcome: 'completed' })
    expect(run['usage']).toMatchObject({ input_tokens: 10, output_tokens: 4, last_calls: [{ finish_reason: 'stop' }] })
    expect((await server.call('/reply?format=text', { body: {} })).text).toBe('Hello')
    const failed = problem(await server.call(KINDS, { body: {} }))
    expect(failed).toMatchObject({ status: 502, code: 'upstream_failed' })
    expect(failed['detail']).toContain('a JSON document that is no answer of a model')
    expect(JSON.stringify(failed)).not.toContain('healthy')
  })

  test('that says [DONE] ends nothing', async () => {
    await using upstream = await byteReplayer([
      { body: events(delta('Then comes '), delta('[DONE]'), delta(' and more.', 'stop'), '[DONE]') },
    ])
    await using server = await testServer(workspace([upstream], [reply(upstream)]))
    const read = async (format: string): Promise<string> =>
      (await server.call(`/reply?format=${format}`, { body: {} })).text
    expect(await read('sse')).toContain('data: "[DONE]"\n')
    expect(await read('sse')).not.toContain('data: [DONE]')
    expect(await read('openai')).toContain('"content":"[DONE]"')
    expect(await read('ai-sdk')).toContain('"delta":"[DONE]"')
    expect(await read('text')).toBe('Then comes [DONE] and more.')
  })

  test('counts in metrics and activity', async () => {
    await using upstream = await byteReplayer([{ body: GOOD }])
    const secret = 'a-secret-of-the-ai-reply-tests-32-bytes'
    const settings = { log: { level: 'silent' }, auth: { jwt: { secret } }, outbound: { allow: [upstream.host] } }
    await using server = await testServer(workspace([upstream], [reply(upstream)], { 'streamstack.yaml': settings }))
    await server.call(KINDS, { body: {} })
    const token = await makeToken({ secret, sub: 'ops', expiresSeconds: 60, claims: { scope: 'system:read' } })
    const read = async (path: string): Promise<string> =>
      (await server.call(path, { headers: { Authorization: `Bearer ${token}` } })).text
    const metrics = await read('/metrics')
    expect(metrics).toContain('streamstack_model_calls_total{endpoint="reply"} 1\n')
    expect(metrics).toContain('streamstack_model_tokens_total{endpoint="reply",kind="input"} 10\n')
    expect(metrics).toContain('streamstack_model_tokens_total{endpoint="reply",kind="output"} 4\n')
    expect(metrics).toContain('streamstack_model_first_token_seconds_count{endpoint="reply"} 1\n')
    const of = async (stream: string): Promise<Record<string, unknown>> => {
      const { chunks } = JSON.parse(await read(`/v1/stream/system/${stream}?format=json`)) as {
        chunks: { content: Record<string, unknown> }[]
      }
      return chunks.at(-1)?.content ?? {}
    }
    expect((await of('metrics'))['models']).toMatchObject({ calls: 1, input_tokens: 10, output_tokens: 4 })
    const { usage } = await of('activity')
    expect(usage).toMatchObject({ calls: 1, input_tokens: 10, output_tokens: 4, cost: null })
    expect(usage).not.toHaveProperty('last_calls')
  })

  test.each([
    ['length', delta('cut', 'length'), 'length'],
    ['content filter', delta('', 'content_filter'), 'content_filter'],
    ['refusal', { model: 'small', choices: [{ delta: { refusal: 'No.' }, finish_reason: 'stop' }] }, 'refusal'],
  ])('that ends with a %s is complete, and says why it ended', async (_, last, reason) => {
    await using upstream = await byteReplayer([{ body: events(delta('a'), last, '[DONE]') }])
    const { told: result } = await ask(upstream)
    expect(result?.end).toMatchObject({ outcome: 'completed' })
    expect(result?.run['usage']).toMatchObject({ last_calls: [{ finish_reason: reason }] })
  })

  test.each<[string, Script, string]>([
    ['is reset', { body: events(delta('Hel')), end: 'reset' }, 'upstream_failed'],
    ['ends without its mark', { body: events(delta('Hel')) }, 'upstream_failed'],
    ['ends with [DONE] alone', { body: events(delta('Hel'), '[DONE]') }, 'upstream_failed'],
    [
      'holds an error frame',
      { body: events(delta('Hel'), { error: { message: 'secret sk-9' } }, '[DONE]') },
      'upstream_failed',
    ],
    ['goes on as JSON', { body: `${events(delta('Hel'))}{"error":{"code":503}}\n` }, 'upstream_failed'],
    ['goes on as garbage', { body: `${events(delta('Hel'))}data: {"cho\n\n` }, 'upstream_failed'],
  ])('that %s is one error and a failed run, and keeps what was sent', async (_, script, code) => {
    for (const pieceBytes of [1, 1_000_000]) await failsOnce({ ...script, pieceBytes }, code)
  })

  test('that falls silent is one error and a failed run, and keeps what was sent', () =>
    withEnoughTime(async (seconds) => {
      const script: Script = { body: events(delta('Hel')), end: 'silence' }
      await failsOnce(script, 'upstream_timeout', { idle_timeout: seconds * 1_000 })
    }, 0.15))

  test('that breaks off leaves what there is of it to catch and finally blocks', async () => {
    await using upstream = await byteReplayer([
      { body: events(delta('Hel'), { choices: [], usage: { prompt_tokens: 7 } }), end: 'reset' },
    ])
    const block = {
      function: 'Try/Catch Block',
      try_block: [reply(upstream)],
      catch_block: [
        {
          function: 'Streaming API Response',
          content: '|{{reply.text}}|{{reply.finish_reason}}|{{reply.usage.input_tokens}}|',
        },
      ],
    }
    await using server = await testServer(workspace([upstream], [block]))
    const { text, end } = await told(server, await server.call(KINDS, { body: {} }))
    expect(text).toBe('Hel|Hel||7|')
    expect(end).toMatchObject({ outcome: 'completed' })
    await using down = await byteReplayer([{ status: 400, body: '' }])
    const early = {
      ...block,
      try_block: [reply(down)],
      catch_block: [{ function: 'Streaming API Response', content: '{{reply.text === ""}}' }],
    }
    await using other = await testServer(workspace([down], [early]))
    expect((await other.call('/reply?format=text', { body: {} })).text).toBe('true')
  })

  test('that takes longer than it may is an error', () =>
    withEnoughTime(async (seconds) => {
      await using upstream = await byteReplayer([
        { body: events(...Array.from({ length: 2_000 }, () => delta('a'))), pieceBytes: 60, paceMs: 10 },
      ])
      const { told: result } = await ask(upstream, { total_timeout: seconds * 1_000 })
      expect(result?.end).toMatchObject({ outcome: 'failed', error: { code: 'upstream_timeout' } })
    }, 0.15))

  test.each([
    ['sse', ': keep-alive\n\n'],
    ['ndjson', '\n\n'],
    ['ai-sdk', ': keep-alive\n\n'],
    ['openai', ': keep-alive\n\n'],
  ])('that pauses stays alive in %s by heartbeats, and goes on', async (format, heartbeat) => {
    const { promise: gate, resolve: goOn } = Promise.withResolvers<void>()
    const first = events(delta('Hel'))
    await using upstream = await byteReplayer([
      { body: first + GOOD.slice(first.length), pieceBytes: first.length, gate },
    ])
    await using server = await testServer(workspaceWithHeartbeats(upstream))
    const call = await server.open(`/reply?format=${format}`, { body: {} })
    await call.until('Hel')
    await call.until(heartbeat.repeat(2).slice(0, -1))
    goOn()
    const { text } = await call.ended
    expect(text.indexOf('"lo"')).toBeGreaterThan(text.indexOf(heartbeat))
    expect(text).toMatch(/\[DONE\]|"outcome":"completed"/)
  })

  test.each([
    ['sse', ': keep-alive\n\n', /event: end\ndata: \{"outcome":"failed",.*"code":"upstream_failed"/],
    ['ndjson', '\n', /"outcome":"failed",.*"code":"upstream_failed"/],
    ['ai-sdk', ': keep-alive\n\n', /\{"type":"error","errorText":"127\.0\.0\.1:\d+ reported an error/],
    [
      'openai',
      ': keep-alive\n\n',
      /^data: \{"error":\{"message":"127\.0\.0\.1:\d+ reported an error.*"code":"upstream_failed"/m,
    ],
  ])('that fails behind heartbeats, before its first piece, is one error in %s', async (format, heartbeat, error) => {
    const { promise: gate, resolve: goOn } = Promise.withResolvers<void>()
    const first = ': hm\n\n'
    const body = first + events({ error: { message: 'sk-9 is down' } })
    await using upstream = await byteReplayer([{ body, pieceBytes: first.length, gate }])
    await using server = await testServer(workspaceWithHeartbeats(upstream))
    const call = await server.open(`/reply?format=${format}`, { body: {} })
    await call.until(heartbeat)
    goOn()
    const { status, text } = await call.ended
    expect(status).toBe(200)
    expect(text).toMatch(error)
    expect(text.match(/reported an error/g)).toHaveLength(1)
    expect(text).not.toMatch(/"type":"finish"|finish_reason|sk-9|completed/)
    if (format === 'openai') expect(text).not.toContain('[DONE]')
  })

  test('that never begins is a real status', async () => {
    await using upstream = await byteReplayer([{ body: '', end: 'silence' }])
    const { answer } = await ask(upstream, { idle_timeout: 50 })
    expect(problem(answer)).toMatchObject({ status: 504, code: 'upstream_timeout' })
  })
})

describe('before anything was sent', () => {
  const busy: Script = {
    status: 429,
    type: 'application/json',
    headers: { 'retry-after': '0' },
    body: '{"error":{"message":"slow down"}}',
  }
  const opened = events(
    { model: 'small', choices: [{ delta: { role: 'assistant', content: '' } }] },
    { error: { type: 'overloaded_error' } },
  )

  test('the request is sent again: after a status, and after an error behind the first frames', async () => {
    await using upstream = await byteReplayer([busy, { body: opened }, { body: GOOD }])
    // The second pause is a backoff of half a second at most 0.63 s.
    const { told: result } = await ask(upstream, { retries: 2 })
    expect(result?.text).toBe('Hello')
    expect(result?.kinds.filter((kind) => kind === 'status')).toHaveLength(2)
    expect(result?.run['usage']).toMatchObject({ calls: 1, last_calls: [{ attempts: 3 }] })
    expect(upstream.received).toHaveLength(3)
  })

  test.each([
    [503, 'false', 1],
    [400, 'true', 2],
  ])('status %i with x-should-retry: %s leads to %i requests', async (status, told, requests) => {
    const refused = { ...busy, status, headers: { 'retry-after': '0', 'x-should-retry': told } }
    await using upstream = await byteReplayer([refused, { body: GOOD }])
    const { answer } = await ask(upstream, { retries: 1 })
    expect(answer.status).toBe(requests === 1 ? 502 : 200)
    expect(upstream.received).toHaveLength(requests)
  })

  test('another provider takes over, in its own words', async () => {
    await using down = await byteReplayer([{ status: 401, type: 'application/json', body: '{}' }])
    await using other = await byteReplayer([
      {
        type: 'application/x-ndjson',
        body: lines(
          { model: 'l', message: { content: 'From afar' }, done: false },
          { model: 'l', message: {}, done: true },
        ),
      },
    ])
    const fallback = [{ provider: 'ollama', model: 'l', base_url: other.url }]
    await using server = await testServer(workspace([down, other], [reply(down, { fallback, api_key: 'key-1' })]))
    const { text, run } = await told(server, await server.call(KINDS, { body: {} }))
    expect(text).toBe('From afar')
    expect(run['usage']).toMatchObject({ last_calls: [{ provider: 'ollama', attempts: 2 }] })
    expect(down.received[0]?.headers['authorization']).toBe('Bearer key-1')
    expect(other.received[0]).toMatchObject({ path: '/api/chat', body: { model: 'l', stream: true } })
    // A key goes to the provider that it belongs to and to no other.
    expect(other.received[0]?.headers['authorization']).toBeUndefined()
  })

  test('headers, query and body of the step stay with the provider that they were written for', async () => {
    await using down = await byteReplayer([
      { status: 500, body: '' },
      { status: 401, body: '' },
    ])
    await using other = await byteReplayer([{ body: GOOD }])
    const own = { headers: { Authorization: 'Bearer key-1', 'X-Trace': 't' }, body: { top_k: 5, model: 'first' } }
    const fallback = [{ model: 'second' }, { model: 'third', base_url: `${other.url}/v1` }]
    await using server = await testServer(workspace([down, other], [reply(down, { ...own, fallback })]))
    expect((await told(server, await server.call(KINDS, { body: {} }))).text).toBe('Hello')
    expect(
      down.received.map(({ headers, body }) => [headers['authorization'], (body as { model: string }).model]),
    ).toEqual([
      ['Bearer key-1', 'small'],
      ['Bearer key-1', 'second'],
    ])
    const [asked] = other.received
    expect(asked?.body).toMatchObject({ model: 'third', top_k: 5 })
    expect(JSON.stringify(asked?.headers)).not.toMatch(/key-1|x-trace/)
  })

  test('an error that stays ends the run with a status', async () => {
    await using upstream = await byteReplayer([
      { status: 400, type: 'application/json', body: '{"error":"context sk-9"}' },
    ])
    const { answer } = await ask(upstream, { retries: 3 })
    expect(problem(answer)).toMatchObject({ status: 502, code: 'upstream_status', upstream_status: 400 })
    expect(answer.text).not.toContain('sk-9')
    expect(upstream.received).toHaveLength(1)
  })

  test('a call of which nothing arrived is told with the run', async () => {
    await using upstream = await byteReplayer([busy, { status: 400, body: '' }])
    const stack = [{ function: 'Streaming API Response', content: 'Hm.' }, reply(upstream, { retries: 1 })]
    await using server = await testServer(workspace([upstream], stack))
    const { run } = await told(server, await server.call(KINDS, { body: {} }))
    expect(run['usage']).toMatchObject({
      calls: 1,
      output_tokens: null,
      last_calls: [{ provider: 'openai-compatible', model: 'small', attempts: 2, finish_reason: null }],
    })
  })
})

test.each<[unknown, string]>([
  [[{ role: 'root', content: 'a' }], 'messages[0] must have a role'],
  [[{ role: 'user', content: 'a' }, 3], 'messages[1] must be an object'],
  [{ role: 'user' }, '`messages` must be a list'],
])('messages of a caller that cannot be read are the fault of the caller: %j', async (messages, detail) => {
  await using upstream = await byteReplayer([{ body: GOOD }])
  await using server = await testServer(
    workspace([upstream], [], {
      'endpoints/reply.json': endpoint('/reply', [reply(upstream, { messages: '{{messages}}' })], {
        method: 'POST',
        inputs: { messages: 'any' },
      }),
    }),
  )
  const answer = problem(await server.call('/reply', { body: { messages } }))
  expect(answer).toMatchObject({ status: 400, code: 'input_invalid' })
  expect(answer.detail).toContain(detail)
  expect(upstream.received).toHaveLength(0)
})

describe('leaving', () => {
  const long: Script = {
    body: events(...Array.from({ length: 50 }, () => delta('word '))),
    pieceBytes: 100,
    paceMs: 5,
    end: 'silence',
  }

  test('a cancelled run closes the connection, and keeps its text and what is known of its use', async () => {
    await using upstream = await byteReplayer([
      { body: events({ ...delta('Hel'), usage: { prompt_tokens: 5 } }), end: 'silence' },
    ])
    await using server = await testServer(workspace([upstream], [reply(upstream)]))
    const call = await server.open(KINDS, { body: {} })
    await call.until('Hel')
    const id = String(call.headers['stream-run'])
    await server.call(`/v1/runs/${id}/cancel`, { method: 'POST' })
    await upstream.received[0]?.closed
    const { text, end, run } = await told(server, await call.ended)
    expect(text).toBe('Hel')
    expect(end).toMatchObject({ outcome: 'cancelled' })
    expect(run['usage']).toMatchObject({ input_tokens: 5, last_calls: [{ finish_reason: null }] })
  })

  test('a cancelled run stops trying', async () => {
    await using upstream = await byteReplayer([
      { status: 503, type: 'text/plain', body: 'no', headers: { 'retry-after': '20' } },
    ])
    await using server = await testServer(
      workspace([upstream], [{ function: 'Streaming API Response', content: 'go' }, reply(upstream, { retries: 5 })]),
    )
    const call = await server.open(KINDS, { body: {} })
    await upstream.until(1)
    await server.call(`/v1/runs/${String(call.headers['stream-run'])}/cancel`, { method: 'POST' })
    expect(ndjsonLines((await call.ended).text).at(-1)).toMatchObject({ outcome: 'cancelled' })
    expect(upstream.received).toHaveLength(1)
  })

  test('a caller who leaves closes the connection at once, unless the call has a key', async () => {
    await using upstream = await byteReplayer([long])
    await using server = await testServer(workspace([upstream], [reply(upstream)]))
    const call = await server.open(KINDS, { body: {} })
    await call.until('word ')
    call.leave()
    await upstream.received[0]?.closed
    const keyed = await server.open(KINDS, { body: {}, headers: { 'Idempotency-Key': 'k1' } })
    await keyed.until('word ')
    keyed.leave()
    const winner = await Promise.race([upstream.received[1]?.closed.then(() => 'closed'), sleep(150, 'open')])
    expect(winner).toBe('open')
  })
})

test('without messages nothing is asked', async () => {
  await using upstream = await byteReplayer([{ body: GOOD }])
  const inputs = { messages: { type: 'list', default: [] } }
  await using server = await testServer({
    ...workspace([upstream], []),
    'endpoints/reply.json': endpoint('/reply', [reply(upstream, { messages: '{{messages}}' })], {
      method: 'POST',
      inputs,
    }),
  })
  const failed = problem(await server.call(KINDS, { body: {} }))
  expect(failed).toMatchObject({ status: 400, code: 'input_invalid' })
  expect(failed['detail']).toContain('`messages` is an empty list')
  expect(upstream.received).toEqual([])
})

describe('tools', () => {
  const weather = {
    description: 'Tells the weather of a city.',
    input_parameters: { city: { type: 'text', required: true, description: 'Name of the city.' } },
    function_stack: [{ function: 'Return', value: { city: '{{city}}', sky: 'clear' } }],
  }
  const broken = { description: 'Fails.', function_stack: [{ function: 'Throw Error', message: 'No way in.' }] }
  const call = (index: number, name: string, given: string): object => ({
    model: 'small',
    choices: [{ delta: { tool_calls: [{ index, id: `c${index}`, function: { name, arguments: given } }] } }],
  })
  const asks = (...calls: readonly [string, string][]): Script => ({
    body: events(
      ...calls.map(([name, given], index) => call(index, name, given)),
      { model: 'small', choices: [{ delta: {}, finish_reason: 'tool_calls' }] },
      used,
      '[DONE]',
    ),
  })
  const files = { 'functions/weather.json': weather, 'functions/broken.json': broken }

  test('run with checked arguments, side by side; errors go back as results; the answer goes on', async () => {
    await using upstream = await byteReplayer([
      asks(
        ['weather', '{"city":"Oslo"}'],
        ['weather', '{"town":"Bergen"}'],
        ['broken', ''],
        ['secret', '{}'],
        ['weather', '{"city":'],
      ),
      { body: GOOD },
    ])
    const stack = [
      reply(upstream, { tools: ['weather', 'broken'] }),
      { function: 'Streaming API Response', content: '{{reply}}', kind: 'json' },
    ]
    await using server = await testServer(workspace([upstream], stack, files))
    const answer = await server.call(KINDS, { body: {} })
    const { kinds, end, run } = await told(server, answer)
    expect(end).toMatchObject({ outcome: 'completed' })
    expect(kinds.filter((kind) => kind === 'tool_call')).toHaveLength(5)
    const results = ndjsonLines(answer.text).flatMap(({ kind, content }) => (kind === 'tool_result' ? [content] : []))
    expect(results).toMatchObject([
      { id: 'c0', name: 'weather', result: { city: 'Oslo', sky: 'clear' }, error: null },
      { id: 'c1', result: null, error: { code: 'input_invalid', message: "The tool has no input 'town'." } },
      { id: 'c2', error: { code: 'thrown', message: 'No way in.' } },
      { id: 'c3', error: { code: 'step_failed', message: "There is no tool 'secret'." } },
      { id: 'c4', error: { code: 'input_invalid' } },
    ])
    expect(run['usage']).toMatchObject({ calls: 2, input_tokens: 20, output_tokens: 8 })
    const [first, second] = upstream.received.map(({ body }) => body as { messages: object[]; tools: object[] })
    expect(first?.tools[0]).toEqual({
      type: 'function',
      function: {
        name: 'weather',
        description: 'Tells the weather of a city.',
        parameters: {
          type: 'object',
          properties: { city: { type: 'string', description: 'Name of the city.' } },
          required: ['city'],
        },
      },
    })
    expect(second?.messages).toHaveLength(7)
    expect(second?.messages[1]).toMatchObject({ role: 'assistant', tool_calls: [{ id: 'c0' }, {}, {}, {}, {}] })
    expect(second?.messages[2]).toEqual({ role: 'tool', tool_call_id: 'c0', content: '{"city":"Oslo","sky":"clear"}' })
    const last = ndjsonLines(answer.text).findLast(({ type }) => type === 'chunk')
    expect(last?.['content']).toMatchObject({ text: 'Hello', finish_reason: 'stop', tool_calls: [] })
  })

  test('have bounded rounds', async () => {
    await using upstream = await byteReplayer([asks(['weather', '{"city":"Oslo"}'])])
    await using server = await testServer(
      workspace([upstream], [reply(upstream, { tools: ['weather'], max_rounds: 2 })], files),
    )
    const { end, kinds } = await told(server, await server.call(KINDS, { body: {} }))
    expect(end).toMatchObject({ outcome: 'failed', error: { code: 'limit_exceeded' } })
    expect(kinds.filter((kind) => kind === 'tool_result')).toHaveLength(2)
    expect(upstream.received).toHaveLength(3)
  })

  test('have an id each, where the provider counts from the same one in each answer and where it gives none', async () => {
    const twice = lines(
      {
        model: 'q',
        message: { content: '', tool_calls: [{ function: { name: 'weather', arguments: { city: 'Oslo' } } }] },
      },
      { done: true, done_reason: 'stop' },
    )
    const end = lines({ model: 'q', message: { content: 'Clear.' } }, { done: true, done_reason: 'stop' })
    const none = [{ body: twice }, { body: twice }, { body: end }]
    const same = [asks(['weather', '{"city":"Oslo"}']), asks(['weather', '{"city":"京都"}']), { body: GOOD }]
    for (const [scripts, more] of [
      [none, { provider: 'ollama' }],
      [same, {}],
    ] as const) {
      await using upstream = await byteReplayer(scripts)
      const base = 'provider' in more ? { base_url: upstream.url } : {}
      await using server = await testServer(
        workspace([upstream], [reply(upstream, { tools: ['weather'], ...more, ...base })], files),
      )
      const answer = await server.call(KINDS, { body: {} })
      const idsOf = (wanted: string): unknown[] =>
        ndjsonLines(answer.text).flatMap(({ kind, content }) =>
          kind === wanted ? [(content as { id: string }).id] : [],
        )
      expect(new Set(idsOf('tool_call')).size).toBe(2)
      expect(idsOf('tool_result')).toEqual(idsOf('tool_call'))
    }
  })

  test('give back what servers of the API of OpenAI want with the results, and only to the server that wrote it', async () => {
    const signature = { google: { thought_signature: 'c2ln' } }
    const piece = (delta: object): object => ({ model: 'small', choices: [{ delta }] })
    const round: Script = {
      body: events(
        piece({ reasoning_content: 'Das ' }),
        piece({ reasoning_details: [{ type: 'reasoning.text', index: 0, text: 'a', format: 'f' }] }),
        piece({ reasoning_content: '天気' }),
        piece({ reasoning_details: [{ type: 'reasoning.text', index: 0, text: 'b', signature: 's' }] }),
        piece({
          tool_calls: [
            {
              index: 0,
              id: 'c0',
              function: { name: 'weather', arguments: '{"city":"Oslo"}' },
              extra_content: signature,
            },
          ],
        }),
        piece({ tool_calls: [{ index: 1, id: 'c1', function: { name: 'weather', arguments: '{"city":"京都"}' } }] }),
        { model: 'small', choices: [{ delta: {}, finish_reason: 'tool_calls' }] },
        '[DONE]',
      ),
    }
    const down: Script = { status: 503, body: '' }
    await using upstream = await byteReplayer([round, { body: GOOD }, round, down])
    await using other = await byteReplayer([{ body: GOOD }])
    const fallback = [{ model: 'other', base_url: `${other.url}/v1` }]
    const step = reply(upstream, { tools: ['weather'], fallback })
    await using server = await testServer(workspace([upstream, other], [step], files))
    const call = (id: string, city: string): object => ({
      id,
      type: 'function',
      function: { name: 'weather', arguments: JSON.stringify({ city }) },
    })
    const turnOf = ({ received }: ByteReplayer, index: number): unknown =>
      (received[index]?.body as { messages: object[] } | undefined)?.messages[1]
    const plain = { role: 'assistant', content: null, tool_calls: [call('c0', 'Oslo'), call('c1', '京都')] }
    await server.call(KINDS, { body: {} })
    expect(turnOf(upstream, 1)).toEqual({
      ...plain,
      reasoning_content: 'Das 天気',
      reasoning_details: [{ type: 'reasoning.text', index: 0, text: 'ab', format: 'f', signature: 's' }],
      tool_calls: [{ ...call('c0', 'Oslo'), extra_content: signature }, call('c1', '京都')],
    })
    const { end } = await told(server, await server.call(KINDS, { body: {} }))
    expect(end).toMatchObject({ outcome: 'completed' })
    expect(turnOf(other, 0)).toEqual(plain)
  })

  test('give thinking and its signature back to the provider that made it', async () => {
    const rounds = [
      namedEvents(
        { type: 'message_start', message: { model: 'c', usage: { input_tokens: 1 } } },
        { type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '', signature: '' } },
        { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'Ask.' } },
        { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 'c2ln' } },
        { type: 'content_block_stop', index: 0 },
        {
          type: 'content_block_start',
          index: 1,
          content_block: { type: 'tool_use', id: 't1', name: 'weather', input: {} },
        },
        { type: 'content_block_delta', index: 1, delta: { type: 'input_json_delta', partial_json: '{"city":"Oslo"}' } },
        { type: 'content_block_stop', index: 1 },
        { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 3 } },
        { type: 'message_stop' },
      ),
      namedEvents(
        { type: 'message_start', message: { model: 'c', usage: { input_tokens: 1 } } },
        { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
        { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Clear.' } },
        { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 3 } },
        { type: 'message_stop' },
      ),
    ]
    await using upstream = await byteReplayer(rounds.map((body) => ({ body })))
    const stack = [reply(upstream, { provider: 'anthropic', tools: ['weather'] })]
    await using server = await testServer(workspace([upstream], stack, files))
    const { text } = await told(server, await server.call(KINDS, { body: {} }))
    expect(text).toBe('Clear.')
    const second = upstream.received[1]?.body as { messages: unknown[] } | undefined
    expect(second?.messages.slice(1)).toEqual([
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'Ask.', signature: 'c2ln' },
          { type: 'tool_use', id: 't1', name: 'weather', input: { city: 'Oslo' } },
        ],
      },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't1', content: '{"city":"Oslo","sky":"clear"}' }] },
    ])
  })
})

describe('External API Request (Streaming) with a provider', () => {
  test('gives items of one shape to For Each, which needs no input', async () => {
    await using upstream = await byteReplayer([{ body: GOOD }])
    const stack = [
      {
        function: 'External API Request (Streaming)',
        provider: 'openai-compatible',
        base_url: `${upstream.url}/v1`,
        body: { model: 'small', messages: [{ role: 'user', content: 'Hi' }] },
      },
      {
        function: 'For Each',
        inner_functions: [{ function: 'Streaming API Response', content: '{{item.kind}}: {{item.text}}' }],
      },
    ]
    await using server = await testServer(workspace([upstream], stack))
    const answer = await server.call('/reply?format=lines', { body: {} })
    expect(answer.text).toBe('status: \ntext: Hel\ntext: lo\nusage: \nstatus: \n')
    expect(upstream.received[0]?.body).toMatchObject({ stream: true, stream_options: { include_usage: true } })
  })

  test.each([
    ['generateContent', 'streamGenerateContent?alt=sse'],
    ['generateContent?key=1', 'streamGenerateContent?key=1&alt=sse'],
    ['streamGenerateContent?alt=sse', 'streamGenerateContent?alt=sse'],
  ])('calls the method of Google that streams: %s', async (written, called) => {
    const answer = { candidates: [{ content: { parts: [{ text: 'Hi' }] }, finishReason: 'STOP' }] }
    await using upstream = await byteReplayer([{ body: events(answer) }])
    const google = {
      function: 'External API Request (Streaming)',
      provider: 'google',
      url: `${upstream.url}/v1beta/models/small:${written}`,
      body: { contents: [{ role: 'user', parts: [{ text: 'Hi' }] }] },
    }
    await using server = await testServer(workspace([upstream], [google, { function: 'For Each' }]))
    expect((await server.call('/reply?format=text', { body: {} })).text).toBe('Hi')
    expect(upstream.received[0]?.path).toBe(`/v1beta/models/small:${called}`)
  })

  test('hangs up when the loop is left by an error, and the run goes on', async () => {
    await using upstream = await byteReplayer([{ body: events(delta('Hel')), end: 'silence' }])
    const request = {
      function: 'External API Request (Streaming)',
      provider: 'openai-compatible',
      base_url: `${upstream.url}/v1`,
      model: 'small',
      messages: '{{message}}',
    }
    const loop = { function: 'For Each', inner_functions: [{ function: 'Throw Error', message: 'Enough.' }] }
    const stack = [
      {
        function: 'Try/Catch Block',
        try_block: [request, loop],
        catch_block: [{ function: 'Streaming API Response', content: '{{error_message}}' }],
      },
      { function: 'Sleep', duration: 60_000 },
    ]
    await using server = await testServer(workspace([upstream], stack))
    const call = await server.open(KINDS, { body: {} })
    await call.until('Enough.')
    await upstream.received[0]?.closed
    const run = await server.call(`/v1/runs/${String(call.headers['stream-run'])}`)
    expect(JSON.parse(run.text)).toMatchObject({ outcome: null, usage: { calls: 1 } })
    call.leave()
  })

  test('relays by itself when For Each has no steps', async () => {
    await using upstream = await byteReplayer([{ body: GOOD }])
    const stack = [
      {
        function: 'External API Request (Streaming)',
        provider: 'openai-compatible',
        base_url: `${upstream.url}/v1`,
        model: 'small',
        messages: '{{message}}',
        as: 'chat',
      },
      { function: 'For Each', input: '{{chat}}' },
    ]
    await using server = await testServer(workspace([upstream], stack))
    const { text, kinds } = await told(server, await server.call(KINDS, { body: {} }))
    expect(text).toBe('Hello')
    expect(kinds).toEqual(['status', 'text', 'text', 'usage', 'status'])
  })
})

test('every API is asked as a mock of it expects', async () => {
  const mock = new LLMock({ port: 0 })
  mock.onMessage('hello', { content: 'Hi from the mock!' })
  await mock.start()
  try {
    const { host } = new URL(mock.url)
    const targets = [
      { provider: 'openai', base_url: `${mock.url}/v1` },
      { provider: 'openai', api: 'responses', base_url: `${mock.url}/v1` },
      { provider: 'openai-compatible', base_url: `${mock.url}/v1` },
      { provider: 'anthropic', base_url: `${mock.url}/v1` },
      { provider: 'google', base_url: `${mock.url}/v1beta` },
      { provider: 'ollama', base_url: mock.url },
    ]
    const steps = targets.map((target) => ({
      function: 'AI Reply',
      ...target,
      api_key: 'mock',
      model: 'gpt-4o',
      messages: 'hello',
      retries: 0,
    }))
    await using server = await testServer(workspace([{ host }], steps))
    const answer = await server.call(KINDS, { body: {} })
    const { text, end, run } = await told(server, answer)
    expect(end).toMatchObject({ outcome: 'completed' })
    expect(text).toBe('Hi from the mock!'.repeat(targets.length))
    const calls = (run['usage'] as { last_calls: { finish_reason: string; output_tokens: number | null }[] }).last_calls
    expect(calls.map(({ finish_reason }) => finish_reason)).toEqual(targets.map(() => 'stop'))
    for (const { output_tokens } of calls) expect(output_tokens).toEqual(expect.any(Number))
  } finally {
    await mock.stop()
  }
})
