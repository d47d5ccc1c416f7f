import type { Value } from '@streamstack/protocol'
import type { InputDeclaration } from '../../definition/types.ts'
import type { RequestBody } from '../../input/index.ts'
import { type PlainMessage, type UiMessage, membersOf, refuseImages, uiMessage } from './chat-message.ts'

/** A turn of a chat, in the inputs of an endpoint. */
export interface ChatTurn {
  /** Id that the client gave the chat. */
  readonly id: string
  readonly body: RequestBody
}

/** Ids are keys on the server. */
const ID_CHARACTERS_MAX = 200

/**
 * Reads the body that `useChat` of the AI SDK posts, `{id, messages, trigger, messageId}` with messages of parts, as the inputs that the endpoint declares:
 * `message`, `conversation_id`, `conversation_history`, `messages`, `regenerate`, `replace_from`. A page may also post its last message alone, as `message`.
 * Other members that the endpoint reads stay. Null: the body is none of these, or the endpoint wants it as it is.
 */
export function chatTurn(body: RequestBody, inputs: readonly InputDeclaration[]): ChatTurn | null {
  if (body instanceof URLSearchParams) return null
  const { id, trigger, messageId } = body
  if (typeof id !== 'string' || id === '' || id.length > ID_CHARACTERS_MAX) return null
  const { sent, isAlone, others } = sentMessages(body, inputs)
  if (!isUiMessages(sent)) return null
  const messages = sent.map(uiMessage)
  // A message that is sent with an id takes the place of the one that had it; a regenerated reply answers the last message that is sent.
  const replaces = trigger === 'regenerate-message' || (trigger === 'submit-message' && typeof messageId === 'string')
  return {
    id,
    body: {
      ...others,
      ...chatInputs(messages, inputs),
      ...declared(inputs, {
        conversation_id: id,
        regenerate: trigger === 'regenerate-message',
        // The place of a message is not known without those before it.
        replace_from: replaces && !isAlone ? messages.length : null,
      }),
    },
  }
}

interface SentMessages {
  readonly sent: Value | undefined
  /** The last message was sent without the others, as pages do whose server stores the conversation. */
  readonly isAlone: boolean
  readonly others: Readonly<Record<string, Value>>
}

/** Members of the body that belong to the turn, whatever the endpoint declares. */
const TURN_MEMBERS: readonly string[] = ['id', 'trigger', 'messageId', 'messages']

function sentMessages(body: Readonly<Record<string, Value>>, inputs: readonly InputDeclaration[]): SentMessages {
  const { messages, message = null } = body
  const takesText = inputs.some(({ name, type }) => name === 'message' && type === 'text')
  const isAlone = messages === undefined && takesText && isUiMessages([message])
  const taken = isAlone ? [...TURN_MEMBERS, 'message'] : TURN_MEMBERS
  // Not all that is left: the body of an attacker has tens of thousands of members.
  const names = [...inputs.map(({ name }) => name), 'options'].filter((name) => !taken.includes(name))
  return { sent: isAlone ? [message] : messages, isAlone, others: membersNamed(body, names) }
}

/**
 * The inputs that a conversation fills: what the user says now, and what was said before. System messages, images and calls of tools are in
 * `messages` alone, the first also in `system`. Throws `input_invalid` for images that would be lost.
 */
export function chatInputs(
  messages: readonly PlainMessage[],
  inputs: readonly InputDeclaration[],
): Readonly<Record<string, Value>> {
  refuseImages(
    messages,
    inputs.some(({ name }) => name === 'messages'),
  )
  const last = messages.findLastIndex(({ role }) => role === 'user')
  const system = messages.filter(({ role }) => role === 'system' || role === 'developer')
  const history = messages.slice(0, Math.max(last, 0)).filter(({ role }) => role === 'user' || role === 'assistant')
  return declared(inputs, {
    message: messages[last]?.content ?? null,
    conversation_history: history.map(asValue),
    messages: messages.flatMap(({ whole }) => whole),
    system: system.length === 0 ? null : system.map(({ content }) => content).join('\n\n'),
  })
}

/** Only what the endpoint declares, and not what is null: the endpoint has its own default. */
export function declared(
  inputs: readonly InputDeclaration[],
  values: Readonly<Record<string, Value>>,
): Readonly<Record<string, Value>> {
  const names = inputs.map(({ name }) => name)
  return membersNamed(
    values,
    names.filter((name) => values[name] !== null),
  )
}

function membersNamed(values: Readonly<Record<string, Value>>, names: readonly string[]): Record<string, Value> {
  return Object.fromEntries(
    names.flatMap((name) => (Object.hasOwn(values, name) ? [[name, values[name] as Value]] : [])),
  )
}

function isUiMessages(value: Value | undefined): value is Value & readonly UiMessage[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((message: Value) => {
      const { role, parts } = membersOf(message)
      return typeof role === 'string' && Array.isArray(parts)
    })
  )
}

function asValue({ role, content }: PlainMessage): Value {
  return { role, content }
}
