import type { Value } from '@streamstack/protocol'
import type { InputDeclaration } from '../../definition/types.ts'
import type { RequestBody } from '../../input/index.ts'

/** A turn of a chat, in the inputs of an endpoint. */
export interface ChatTurn {
  /** Id that the client gave the chat. */
  readonly id: string
  readonly body: RequestBody
}

/** A message as endpoints take it. */
export interface PlainMessage {
  readonly role: string
  readonly content: string
}

/** Ids are keys on the server. */
const ID_CHARACTERS_MAX = 200

/**
 * Reads the body that `useChat` of the AI SDK posts, `{id, messages, trigger, messageId}` with messages of parts, as the inputs that the endpoint declares:
 * `message`, `conversation_id`, `conversation_history`, `messages`, `regenerate`, `replace_from`. Other members stay. Null: the body is none of these, or the
 * endpoint wants it as it is.
 */
export function chatTurn(body: RequestBody, inputs: readonly InputDeclaration[]): ChatTurn | null {
  if (body instanceof URLSearchParams) return null
  const { id, messages: sent, trigger, messageId, ...others } = body
  if (typeof id !== 'string' || id === '' || id.length > ID_CHARACTERS_MAX || !isUiMessages(sent)) return null
  const messages = sent.map(plainMessage)
  return {
    id,
    body: {
      ...others,
      ...chatInputs(messages, inputs),
      ...declared(inputs, {
        conversation_id: id,
        regenerate: trigger === 'regenerate-message',
        // A message that is sent with an id takes the place of the one that had it; a regenerated reply answers the last message that is sent.
        replace_from:
          trigger === 'regenerate-message' || (trigger === 'submit-message' && typeof messageId === 'string')
            ? messages.length
            : null,
      }),
    },
  }
}

/** The inputs that a conversation fills: what the user says now, and what was said before. System messages are in `messages` and `system` alone. */
export function chatInputs(
  messages: readonly PlainMessage[],
  inputs: readonly InputDeclaration[],
): Readonly<Record<string, Value>> {
  const last = messages.findLastIndex(({ role }) => role === 'user')
  const system = messages.filter(({ role }) => role === 'system' || role === 'developer')
  const history = messages.slice(0, Math.max(last, 0)).filter(({ role }) => role === 'user' || role === 'assistant')
  return declared(inputs, {
    message: messages[last]?.content ?? null,
    conversation_history: history.map(asValue),
    messages: messages.map(asValue),
    system: system.length === 0 ? null : system.map(({ content }) => content).join('\n\n'),
  })
}

/** Only what the endpoint declares, and not what is null: the endpoint has its own default. */
export function declared(
  inputs: readonly InputDeclaration[],
  values: Readonly<Record<string, Value>>,
): Readonly<Record<string, Value>> {
  const names = new Set(inputs.map(({ name }) => name))
  return Object.fromEntries(Object.entries(values).filter(([name, value]) => value !== null && names.has(name)))
}

interface UiMessage {
  readonly role: string
  readonly parts: readonly Value[]
}

function isUiMessages(value: Value | undefined): value is Value & readonly UiMessage[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((message: Value) => {
      const { role, parts } = fields(message)
      return typeof role === 'string' && Array.isArray(parts)
    })
  )
}

function plainMessage({ role, parts }: UiMessage): PlainMessage {
  const texts = parts.map(fields).filter(({ type, text }) => type === 'text' && typeof text === 'string')
  return { role, content: texts.map(({ text }) => text as string).join('') }
}

function fields(value: Value): Readonly<Record<string, Value>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, Value>) : {}
}

function asValue({ role, content }: PlainMessage): Value {
  return { role, content }
}
