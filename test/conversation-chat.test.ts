import { AbstractChat, type ChatState, type ChatStatus, DefaultChatTransport, type UIMessage } from 'ai'
import { SignJWT } from 'jose'
import { expect, test } from 'vitest'
import { endpoint, send, testServer } from '@streamstack/test-support/test-server'

const SECRET = 'a-secret-for-tests-that-is-long-enough'

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
  constructor(api: string, headers: Record<string, string>, id?: string) {
    super({
      transport: new DefaultChatTransport({ api, headers }),
      state: new PlainState(),
      ...(id === undefined ? {} : { id }),
    })
  }
}

const chatEndpoint = endpoint(
  '/api/chat',
  [
    { function: 'Precondition', condition: '{{message}} !== "bad"', message: 'no' },
    send('{{conversation_history.length}}: {{conversation_history.at(-1).content}}'),
    { ...send({ id: 'k1', name: 'look', arguments: {} }), kind: 'tool_call' },
    { ...send({ id: 'k1', name: 'look', result: 1, error: null }), kind: 'tool_result' },
    send(' {{uuid().slice(0, 4)}}'),
  ],
  {
    method: 'POST',
    inputs: { message: 'text', conversation_id: 'text', regenerate: 'boolean', replace_from: 'any' },
    settings: {
      authentication: true,
      headers: { 'x-vercel-ai-ui-message-stream': 'v1' },
      conversation: {
        id: '{{input.conversation_id}}',
        regenerate: '{{input.regenerate}}',
        replace_from: '{{input.replace_from}}',
      },
    },
  },
)

function shown(messages: readonly UIMessage[]): string[] {
  return messages.map(({ parts }) => parts.map((part) => (part.type === 'text' ? part.text : '')).join(''))
}

test('the stored conversation is what useChat shows: after a message, a reply made anew, an edited message and a refused one', async () => {
  await using server = await testServer({
    'streamstack.yaml': { auth: { jwt: { secret: '{{env.SECRET}}' } }, env: ['SECRET'] },
    '.env': `SECRET=${SECRET}\n`,
    'endpoints/chat.json': chatEndpoint,
  })
  const jwt = new SignJWT({ sub: 'ann' }).setProtectedHeader({ alg: 'HS256' }).setExpirationTime('5m')
  const headers = { Authorization: `Bearer ${await jwt.sign(new TextEncoder().encode(SECRET))}` }
  const chat = new PlainChat(`${server.url}/api/chat?format=ai-sdk`, headers)
  const stored = async (): Promise<string[]> => {
    const { text } = await server.call(`/v1/conversations/${chat.id}`, { headers })
    const { messages } = JSON.parse(text) as { messages: { role: string; content: string }[] }
    const turns: string[] = []
    let isInReply = false
    for (const { role, content } of messages) {
      if (role === 'tool') continue
      if (role === 'assistant' && isInReply) turns[turns.length - 1] += content
      else turns.push(content)
      isInReply = role === 'assistant'
    }
    return turns
  }
  await chat.sendMessage({ text: 'one' })
  await chat.sendMessage({ text: 'two' })
  expect(shown(chat.messages)).toHaveLength(4)
  expect(await stored()).toEqual(shown(chat.messages))

  await chat.regenerate()
  expect(await stored()).toEqual(shown(chat.messages))
  await chat.sendMessage({ text: 'three' })
  const two = chat.messages[2]
  await chat.sendMessage({ text: 'zwei', messageId: two?.id ?? '' })
  expect(shown(chat.messages)[2]).toBe('zwei')
  expect(await stored()).toEqual(shown(chat.messages))

  // An earlier reply made anew drops what came after it, on the page and in the store.
  await chat.sendMessage({ text: 'drei' })
  await chat.regenerate({ messageId: chat.messages[3]?.id ?? '' })
  expect(shown(chat.messages)).toHaveLength(4)
  expect(await stored()).toEqual(shown(chat.messages))

  // A refused message stays on the page and is not stored; what follows goes on.
  await chat.sendMessage({ text: 'bad' })
  expect(chat.status).toBe('error')
  await chat.sendMessage({ text: 'good' })
  expect(await stored()).toEqual(shown(chat.messages).filter((text) => text !== 'bad'))
})

test('an answer outlives a reload by its grace; one that the page has stopped does not keep the next message waiting', async () => {
  const slow = {
    ...chatEndpoint,
    endpoint_settings: {
      method: 'POST',
      path: '/api/slow',
      format: 'ai-sdk',
      disconnect_grace: '50s',
      conversation: { id: '{{input.conversation_id}}' },
    },
    input_parameters: { message: 'text', conversation_id: 'text' },
    function_stack: [
      send('of {{conversation_history.length}} '),
      {
        function: 'Conditional',
        condition: '{{message}} === "long"',
        true_branch: [{ function: 'Sleep', duration: '50s' }],
      },
      send('done'),
    ],
  }
  await using server = await testServer({ 'endpoints/slow.json': slow })
  const chat = new PlainChat(`${server.url}/api/slow`, {})
  const runOf = async (): Promise<Record<string, unknown>> => {
    const { text } = await server.call(`/v1/runs/${run}`)
    return JSON.parse(text) as Record<string, unknown>
  }
  const sending = chat.sendMessage({ text: 'long' })
  await expect.poll(() => shown(chat.messages)[1]).toBe('of 1 ')
  const run = chat.messages[1]?.id ?? ''
  await chat.stop()
  await sending

  // A reload: the run goes on, and is read from its begin.
  const reloaded = new PlainChat(`${server.url}/api/slow`, {}, chat.id)
  const resuming = reloaded.resumeStream()
  await expect.poll(() => shown(reloaded.messages)).toEqual(['of 1 '])
  expect(await runOf()).toMatchObject({ outcome: null })
  await reloaded.stop()
  await resuming

  await chat.sendMessage({ text: 'short' })
  expect(shown(chat.messages).at(-1)).toBe('of 3 done')
  expect(await runOf()).toMatchObject({ outcome: 'cancelled' })
})
