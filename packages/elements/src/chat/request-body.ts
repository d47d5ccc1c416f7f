import type { SourceFormat } from '../source/source.ts'
import { type ChatMessage, type Conversation, promptText } from './conversation.ts'

export interface RequestContext {
  readonly conversation: Readonly<Conversation>
  /** The question that is asked, last in the conversation. */
  readonly question: Readonly<ChatMessage>
  /** Whether to regenerate the last answer. */
  readonly isAgain: boolean
}

export interface RequestNames {
  /** Input that takes the question. */
  readonly input: string
  /** Input that takes all messages as `{ role, content }`; '' for none. */
  readonly history: string
  /** Input that takes the id of the conversation; '' for none. */
  readonly conversation: string
}

/** The body of a call: the element's own body, and what the format wants of the conversation. */
export function requestBody(
  format: SourceFormat,
  own: unknown,
  names: RequestNames,
  { conversation, question, isAgain }: RequestContext,
): Record<string, unknown> {
  const fixed = own !== null && typeof own === 'object' ? (own as Record<string, unknown>) : {}
  // An answer that failed or was stopped before its first word says nothing.
  const messages = conversation.messages.filter((message) => promptText(message) !== '')
  if (format === 'openai') {
    return { ...fixed, messages: [...systemOf(fixed), ...messages.map(asRoleAndContent)], stream: true }
  }
  if (format === 'ai-sdk') {
    return {
      ...fixed,
      id: conversation.id,
      messages: messages.map((message) => ({
        id: message.id,
        role: message.role,
        parts: [{ type: 'text', text: promptText(message) }],
      })),
      trigger: isAgain ? 'regenerate-message' : 'submit-message',
      messageId: question.id,
    }
  }
  const body: Record<string, unknown> = { ...fixed, [names.input]: promptText(question) }
  if (names.history !== '') body[names.history] = messages.map(asRoleAndContent)
  if (names.conversation !== '') body[names.conversation] = conversation.id
  return body
}

function asRoleAndContent(message: ChatMessage): { role: string; content: string } {
  return { role: message.role, content: promptText(message) }
}

/** Messages that the element's own body puts before the conversation, such as a system prompt. */
function systemOf(fixed: Readonly<Record<string, unknown>>): readonly unknown[] {
  return Array.isArray(fixed['messages']) ? (fixed['messages'] as unknown[]) : []
}
