import {
  AbstractChat,
  type ChatState,
  type ChatStatus,
  DefaultChatTransport,
  type UIMessage,
  type UIMessageChunk,
  uiMessageChunkSchema,
} from 'ai'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ndjsonLines, problem } from '@streamstack/test-support/http-client'
import { type TestServer, testServer } from '@streamstack/test-support/test-server'

const send = (content: unknown, kind?: string, more: object = {}): object => ({
  function: 'Streaming API Response',
  content,
  ...(kind === undefined ? {} : { kind }),
  ...more,
})

const STARTED = send({ state: 'started', provider: 'mock', model: 'mock-1', finish_reason: null }, 'status')
const finished = (reason: string): object =>
  send({ state: 'finished', provider: 'mock', model: 'mock-1', finish_reason: reason }, 'status')
const USAGE = send({ input_tokens: 12, output_tokens: 5, reasoning_tokens: null, cached_tokens: null }, 'usage')

/** All kinds of chunks that a model's answer has, with a tool that the server runs. */
const EVERYTHING = [
  STARTED,
  send('Let me ', 'reasoning'),
  send('look.', 'reasoning'),
  send({ id: 'call_1', name: 'weather', arguments: { city: 'Oslo' } }, 'tool_call'),
  finished('tool_calls'),
  send({ id: 'call_1', name: 'weather', result: { degrees: 4 }, error: null }, 'tool_result'),
  STARTED,
  send('It is 4 °C\n'),
  send('in "Oslo".', undefined, { metadata: { chunk_index: 1 } }),
  send({ url: 'https://weather.example/oslo', title: 'Oslo' }, 'source'),
  send({ rows: 2 }),
  USAGE,
  finished('stop'),
  send('[DONE]'),
]

const endpoint = (path: string, stack: unknown, more: object = {}): object => ({
  endpoint_settings: { method: 'POST', path, format: 'ai-sdk' },
  input_parameters: {
    message: { type: 'text', required: true },
    conversation_id: { type: 'text' },
    conversation_history: { type: 'list' },
    regenerate: { type: 'boolean', default: false },
    system: { type: 'text' },
    temperature: { type: 'number' },
  },
  function_stack: stack,
  ...more,
})

const FILES = {
  'streamstack.yaml': {
    auth: { jwt: { secret: 'a secret of at least 32 characters, for tests' } },
    openai: {
      models: {
        echo: 'POST /api/echo',
        everything: 'POST /api/everything',
        tool: 'POST /api/tool',
        fails: 'POST /api/fails',
        garbled: 'POST /api/garbled',
        limit: 'POST /api/limit',
        secret: 'POST /api/secret',
        early: 'POST /api/early',
        'team/whole': 'POST /api/whole',
      },
    },
  },
  'endpoints/everything.json': endpoint('/api/everything', EVERYTHING),
  'endpoints/echo.json': endpoint('/api/echo', [
    send(
      '{{message}}|{{input.conversation_id}}|{{input.regenerate}}|{{input.conversation_history}}|{{input.system}}|{{input.temperature}}',
    ),
  ]),
  'endpoints/limit.json': endpoint('/api/limit', [send('{{max_tokens}}', 'text')], {
    input_parameters: { message: { type: 'text' }, max_tokens: { type: 'integer', default: 1000 } },
  }),
  'endpoints/raw.json': endpoint('/api/raw', [send('{{JSON.stringify(message)}}')], {
    input_parameters: { id: { type: 'text' }, message: { type: 'any', required: true } },
  }),
  'endpoints/whole.json': endpoint('/api/whole', [send('{{messages}}')], {
    input_parameters: { messages: { type: 'list', required: true } },
  }),
  'endpoints/tool.json': endpoint('/api/tool', [
    STARTED,
    send({ id: 'call_9', name: 'lookup', arguments: { q: 'x' } }, 'tool_call'),
    finished('tool_calls'),
  ]),
  'endpoints/garbled.json': endpoint('/api/garbled', [
    STARTED,
    send({ id: 'call_1', name: 'lookup', arguments: null, arguments_text: '{"q":' }, 'tool_call'),
    send({ input_tokens: 12, output_tokens: 5, reasoning_tokens: 2, cached_tokens: null }, 'usage'),
    send({ input_tokens: 30, output_tokens: 1, reasoning_tokens: 1, cached_tokens: 8 }, 'usage'),
    finished('tool_calls'),
  ]),
  'endpoints/fails.json': endpoint('/api/fails', [
    send('Half of '),
    { function: 'Throw Error', code: 'model_down', message: 'The model went away.' },
  ]),
  'endpoints/early.json': endpoint('/api/early', [
    { function: 'Throw Error', code: 'not_today', message: 'Not today.', status: 409 },
  ]),
  'endpoints/slow.json': endpoint('/api/slow', [
    send('one two three four five six seven eight nine ten', undefined, { chunk_by: 'words', delay: 60 }),
  ]),
  'endpoints/secret.json': endpoint('/api/secret', [send('For {{auth.sub}}.')], {
    endpoint_settings: { method: 'POST', path: '/api/secret', format: 'ai-sdk', authentication: true },
  }),
}

/** What the state of a page is to `useChat`, without the page. */
class PlainState implements ChatState<UIMessage> {
  status: ChatStatus = 'ready'
  error: Error | undefined = undefined
  messages: UIMessage[] = []
  pushMessage = (message: UIMessage): void => void this.messages.push(message)
  popMessage = (): void => void this.messages.pop()
  replaceMessage = (index: number, message: UIMessage): void => void (this.messages[index] = message)
  snapshot = <T>(thing: T): T => structuredClone(thing)
}

class PlainChat extends AbstractChat<UIMessage> {
  constructor(api: string, id = 'chat-1', headers: Record<string, string> = {}) {
    super({ id, transport: new DefaultChatTransport({ api, headers }), state: new PlainState() })
  }
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

function textOf(message: UIMessage | undefined): string {
  return (message?.parts ?? []).map((part) => (part.type === 'text' ? part.text : '')).join('')
}

describe('chat formats with the clients that people use', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await testServer(FILES)
  })
  afterAll(() => server[Symbol.asyncDispose]())

  const openai = (key = 'none'): OpenAI => new OpenAI({ baseURL: `${server.url}/v1`, apiKey: key, maxRetries: 0 })
  const ask = (model: string): OpenAI.ChatCompletionCreateParamsNonStreaming => ({
    model,
    messages: [{ role: 'user', content: 'Hi' }],
  })

  describe('ai-sdk', () => {
    test('each part is one of the protocol, begins with start and ends with finish', async () => {
      const answer = await server.call('/api/everything', { method: 'POST', body: { message: 'Hi' } })
      expect(answer.headers['x-vercel-ai-ui-message-stream']).toBe('v1')
      const data = [...answer.text.matchAll(/^data: (.*)$/gm)].map((match) => match[1] ?? '')
      expect(data.at(-1)).toBe('[DONE]')
      const parts = data.slice(0, -1).map((text) => JSON.parse(text) as UIMessageChunk)
      const schema = uiMessageChunkSchema()
      for (const part of parts) expect(await schema.validate?.(part)).toMatchObject({ success: true })
      expect(parts.map(({ type }) => type)).toEqual([
        'start', 'start-step', 'reasoning-start', 'reasoning-delta', 'reasoning-delta', 'reasoning-end', 'tool-input-available',
        'finish-step', 'tool-output-available', 'start-step', 'text-start', 'text-delta', 'text-delta', 'text-end', 'source-url',
        'data-json', 'message-metadata', 'finish-step', 'finish',
      ]) // prettier-ignore
      expect(parts.at(-1)).toEqual({ type: 'finish', finishReason: 'stop' })
    })

    test('useChat gets text, reasoning, the tool with its result, the source and the usage', async () => {
      const chat = new PlainChat(`${server.url}/api/everything`)
      await chat.sendMessage({ text: 'Hi' })
      expect(chat.status).toBe('ready')
      const message = chat.lastMessage
      expect(textOf(message)).toBe('It is 4 °C\nin "Oslo".')
      expect(message?.parts).toEqual(
        expect.arrayContaining([
          expect.objectContaining({ type: 'reasoning', text: 'Let me look.' }),
          expect.objectContaining({
            type: 'tool-weather',
            state: 'output-available',
            input: { city: 'Oslo' },
            output: { degrees: 4 },
          }),
          expect.objectContaining({ type: 'source-url', url: 'https://weather.example/oslo' }),
          expect.objectContaining({ type: 'data-json', data: { rows: 2 } }),
        ]),
      )
      expect(message?.metadata).toMatchObject({ usage: { input_tokens: 12, output_tokens: 5 } })
    })

    test('useChat is told of a call that cannot be run, and of the tokens of all rounds together', async () => {
      const chat = new PlainChat(`${server.url}/api/garbled`)
      await chat.sendMessage({ text: 'Hi' })
      expect(chat.lastMessage?.parts).toContainEqual(
        expect.objectContaining({
          type: 'tool-lookup',
          state: 'output-error',
          input: '{"q":',
          errorText: 'The arguments are not a JSON object.',
        }),
      )
      expect(chat.lastMessage?.metadata).toEqual({
        usage: { input_tokens: 42, output_tokens: 6, reasoning_tokens: 3, cached_tokens: 8 },
      })
    })

    test('what useChat posts becomes the inputs of the endpoint; regenerate says so', async () => {
      const chat = new PlainChat(`${server.url}/api/echo`, 'chat-7')
      await chat.sendMessage({ text: 'First' })
      expect(textOf(chat.lastMessage)).toBe('First|chat-7|false|[]||')
      await chat.sendMessage({ text: 'Second' })
      const history = JSON.stringify([
        { role: 'user', content: 'First' },
        { role: 'assistant', content: 'First|chat-7|false|[]||' },
      ])
      expect(textOf(chat.lastMessage)).toBe(`Second|chat-7|false|${history}||`)
      await chat.regenerate()
      expect(textOf(chat.lastMessage)).toBe(`Second|chat-7|true|${history}||`)
      expect(chat.messages).toHaveLength(4)
    })

    test('a page that posts its last message alone is understood, and one that an endpoint wants as it is stays so', async () => {
      const last = { id: 'u1', role: 'user', parts: [{ type: 'text', text: '最後' }] }
      const said = async (more: object): Promise<string> =>
        (await server.call('/api/echo?format=text', { body: { id: 'chat-8', message: last, ...more } })).text
      expect(await said({})).toBe('最後|chat-8|false|[]||')
      expect(await said({ trigger: 'regenerate-message' })).toBe('最後|chat-8|true|[]||')
      const raw = { id: 'chat-8', message: last }
      expect((await server.call('/api/raw?format=text', { body: raw })).text).toBe(JSON.stringify(last))
    })

    test('`messages` has images, and replies in turns with the calls that the page has run', async () => {
      const post = (path: string, ...messages: object[]): ReturnType<TestServer['call']> =>
        server.call(`${path}?format=ndjson`, { body: { id: 'chat-9', trigger: 'submit-message', messages } })
      const image = { type: 'file', mediaType: 'image/png', url: 'data:image/png;base64,AAAA' }
      const asked = { id: 'u', role: 'user', parts: [image, { type: 'text', text: 'What is this?' }] }
      const call = (id: string, state: string, more: object): object => ({
        type: 'tool-look',
        toolCallId: id,
        state,
        input: { x: 1 },
        ...more,
      })
      const parts = [
        { type: 'step-start' },
        { type: 'reasoning', text: 'hm' },
        { type: 'text', text: 'Let me look.' },
        call('c1', 'output-available', { output: { seen: 'a cat' } }),
        { ...call('c2', 'output-error', { errorText: 'dark' }), type: 'dynamic-tool', toolName: 'look_more' },
        call('c3', 'input-available', {}),
        { type: 'step-start' },
        { type: 'text', text: 'A cat.' },
      ]
      const answer = await post('/api/whole', asked, { id: 'a', role: 'assistant', parts })
      const toolCall = (id: string, name: string): object => ({
        id,
        type: 'function',
        function: { name, arguments: '{"x":1}' },
      })
      expect(ndjsonLines(answer.text)[0]?.['content']).toEqual([
        {
          role: 'user',
          content: [
            { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
            { type: 'text', text: 'What is this?' },
          ],
        },
        {
          role: 'assistant',
          content: 'Let me look.',
          tool_calls: [toolCall('c1', 'look'), toolCall('c2', 'look_more')],
        },
        { role: 'tool', tool_call_id: 'c1', name: 'look', content: { seen: 'a cat' } },
        { role: 'tool', tool_call_id: 'c2', name: 'look_more', content: { error: 'dark' }, is_error: true },
        { role: 'assistant', content: 'A cat.' },
      ])
      const lost = await post('/api/echo', asked)
      expect([lost.status, problem(lost).detail]).toEqual([400, expect.stringMatching(/messages\[0\] has an image/)])
      const file = { ...asked, parts: [{ ...image, mediaType: 'application/pdf' }] }
      expect((await post('/api/whole', file)).status).toBe(400)
    })

    test('a run that fails is an error, with what had come kept', async () => {
      const chat = new PlainChat(`${server.url}/api/fails`)
      await chat.sendMessage({ text: 'Hi' })
      expect(chat.status).toBe('error')
      expect(chat.error?.message).toBe('The model went away.')
      expect(textOf(chat.lastMessage)).toBe('Half of ')
    })

    test('a reload resumes the run of the chat; without one it gets 204', async () => {
      const api = `${server.url}/api/slow`
      const first = new PlainChat(api, 'chat-slow')
      const sending = first.sendMessage({ text: 'Hi' })
      while (textOf(first.lastMessage).split(' ').length < 4) await new Promise((resolve) => setTimeout(resolve, 10))
      const second = new PlainChat(api, 'chat-slow')
      await Promise.all([second.resumeStream(), sending])
      expect(textOf(second.lastMessage)).toBe('one two three four five six seven eight nine ten')
      expect(second.lastMessage?.id).toBe(first.lastMessage?.id)
      const third = new PlainChat(api, 'chat-slow')
      await third.resumeStream()
      expect(third.messages).toEqual([])
      expect((await server.call('/api/slow/chat-unknown/stream')).status).toBe(204)
    })

    test('a chat of another subject is not resumed', async () => {
      expect((await server.call('/api/secret/chat-1/stream')).status).toBe(401)
    })
  })

  describe('openai', () => {
    test('the SDK streams, with the usage where it is asked for', async () => {
      const stream = await openai().chat.completions.create({
        ...ask('everything'),
        stream: true,
        stream_options: { include_usage: true },
      })
      const chunks = await all(stream)
      expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe(
        'It is 4 °C\nin "Oslo".{"rows":2}',
      )
      expect(chunks[0]?.choices[0]?.delta).toMatchObject({ role: 'assistant' })
      expect(chunks.flatMap(({ choices }) => choices[0]?.finish_reason ?? [])).toEqual(['stop'])
      expect(chunks.at(-1)?.usage).toEqual({ prompt_tokens: 12, completion_tokens: 5, total_tokens: 17 })
      expect(chunks.at(-1)?.model).toBe('mock-1')
      expect(new Set(chunks.map(({ id }) => id)).size).toBe(1)
      // The server has run the tool itself.
      expect(JSON.stringify(chunks)).not.toContain('tool_calls')
    })

    test('without asking for it each chunk has a choice', async () => {
      const stream = await openai().chat.completions.create({ ...ask('everything'), stream: true })
      for await (const { choices } of stream) expect(choices).toHaveLength(1)
    })

    test('the SDK without a stream gets one document', async () => {
      const answer = await openai().chat.completions.create(ask('everything'))
      expect(answer).toMatchObject({
        object: 'chat.completion',
        model: 'mock-1',
        choices: [
          { finish_reason: 'stop', message: { role: 'assistant', content: 'It is 4 °C\nin "Oslo".{"rows":2}' } },
        ],
        usage: { total_tokens: 17 },
      })
      expect(answer.created).toBeGreaterThan(1_700_000_000)
    })

    test('the newer name of a parameter fills the input of the older one', async () => {
      const said = async (more: object): Promise<string | null | undefined> =>
        (await openai().chat.completions.create({ ...ask('limit'), ...more })).choices[0]?.message.content
      expect(await said({})).toBe('1000')
      expect(await said({ max_tokens: 7 })).toBe('7')
      expect(await said({ max_completion_tokens: 8 })).toBe('8')
    })

    test('a tool call without a result is the client’s to run', async () => {
      const answer = await openai().chat.completions.create(ask('tool'))
      expect(answer.choices[0]).toMatchObject({
        finish_reason: 'tool_calls',
        message: {
          content: null,
          tool_calls: [{ id: 'call_9', type: 'function', function: { name: 'lookup', arguments: '{"q":"x"}' } }],
        },
      })
      expect(answer.choices[0]?.message.tool_calls?.[0]).not.toHaveProperty('index')
      const stream = await openai().chat.completions.create({ ...ask('tool'), stream: true })
      const chunks = await all(stream)
      expect(chunks.flatMap(({ choices }) => choices[0]?.delta.tool_calls ?? [])).toHaveLength(1)
      expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('tool_calls')
    })

    test('arguments that are no JSON reach the client as the model wrote them, and tokens of all rounds are added up', async () => {
      const wanted = { function: { name: 'lookup', arguments: '{"q":' } }
      const whole = await openai().chat.completions.create(ask('garbled'))
      expect(whole.choices[0]?.message.tool_calls).toMatchObject([wanted])
      const stream = openai().chat.completions.stream({
        ...ask('garbled'),
        stream: true,
        stream_options: { include_usage: true },
      })
      const streamed = await stream.finalChatCompletion()
      expect(streamed.choices[0]?.message.tool_calls).toMatchObject([wanted])
      for (const { usage } of [whole, streamed]) {
        expect(usage).toEqual({
          prompt_tokens: 42,
          completion_tokens: 6,
          total_tokens: 48,
          prompt_tokens_details: { cached_tokens: 8 },
          completion_tokens_details: { reasoning_tokens: 3 },
        })
      }
    })

    test('messages and parameters become the inputs that the endpoint declares', async () => {
      const answer = await openai().chat.completions.create({
        model: 'echo',
        temperature: 0.5,
        messages: [
          { role: 'system', content: 'Be brief.' },
          { role: 'user', content: 'One' },
          { role: 'assistant', content: 'Two' },
          {
            role: 'user',
            content: [
              { type: 'text', text: 'Thr' },
              { type: 'text', text: 'ee' },
            ],
          },
        ],
      })
      const history = JSON.stringify([
        { role: 'user', content: 'One' },
        { role: 'assistant', content: 'Two' },
      ])
      expect(answer.choices[0]?.message.content).toBe(`Three||false|${history}|Be brief.|0.5`)
      // No model has answered: the answer is by the one that was asked.
      expect(answer.model).toBe('echo')
      const streamed = await all(await openai().chat.completions.create({ ...ask('echo'), stream: true }))
      expect(new Set(streamed.map(({ model }) => model))).toEqual(new Set(['echo']))
    })

    test('errors are those of the SDK: before the stream, in it, for an unknown model, a bad body, a missing token', async () => {
      await expect(openai().chat.completions.create(ask('early'))).rejects.toMatchObject({
        status: 409,
        code: 'not_today',
      })
      await expect(openai().chat.completions.create({ ...ask('early'), stream: true })).rejects.toMatchObject({
        status: 409,
      })
      const stream = await openai().chat.completions.create({ ...ask('fails'), stream: true })
      await expect(all(stream)).rejects.toThrow('The model went away.')
      await expect(openai().chat.completions.create(ask('fails'))).rejects.toMatchObject({ code: 'model_down' })
      await expect(openai().chat.completions.create(ask('evrything'))).rejects.toThrow(/Did you mean `everything`/)
      await expect(openai().chat.completions.create({ model: 'echo', messages: [] })).rejects.toMatchObject({
        status: 400,
      })
      await expect(openai('wrong').chat.completions.create(ask('secret'))).rejects.toMatchObject({ status: 401 })
    })

    test('models are listed, and told one by one', async () => {
      const models = await all(openai().models.list())
      expect(models.map(({ id }) => id)).toContain('everything')
      expect(await openai().models.retrieve('team/whole')).toMatchObject({ id: 'team/whole', object: 'model' })
      await expect(openai().models.retrieve('evrything')).rejects.toThrow(/Did you mean `everything`/)
      await expect(openai().models.retrieve('secret')).rejects.toMatchObject({ status: 404 })
      await expect(openai().models.retrieve('__proto__')).rejects.toMatchObject({ status: 404 })
    })

    test('`messages` has images, calls of tools that the client has run, and their results', async () => {
      const messages: OpenAI.ChatCompletionMessageParam[] = [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is this?' },
            { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
          ],
        },
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: 'c1', type: 'function', function: { name: 'look', arguments: '{"x":1}' } }],
        },
        { role: 'tool', tool_call_id: 'c1', content: 'a cat' },
      ]
      const answer = await openai().chat.completions.create({ model: 'team/whole', messages })
      expect(JSON.parse(answer.choices[0]?.message.content ?? '')).toEqual([
        messages[0],
        { ...messages[1], content: '' },
        messages[2],
      ])
    })

    test.each<[string, OpenAI.ChatCompletionContentPart, RegExp]>([
      [
        'echo',
        { type: 'image_url', image_url: { url: 'https://a.example/1.png' } },
        /messages\[0\] has an image, and this endpoint takes text only/,
      ],
      [
        'team/whole',
        { type: 'input_audio', input_audio: { data: 'AA', format: 'wav' } },
        /messages\[0\] has a part of type "input_audio"/,
      ],
    ])('nothing of a message is lost in silence: %s', async (model, part, message) => {
      const asked = openai().chat.completions.create({ model, messages: [{ role: 'user', content: [part] }] })
      await expect(asked).rejects.toMatchObject({ status: 400, code: 'input_invalid' })
      await expect(asked).rejects.toThrow(message)
    })
  })

  test('text joins the answer and nothing else', async () => {
    const { text } = await server.call('/api/everything?format=text', { method: 'POST', body: { message: 'Hi' } })
    expect(text).toContain('It is 4 °C\nin "Oslo".')
    expect(text).not.toContain('Let me')
  })
})
