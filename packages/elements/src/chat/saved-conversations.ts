import type { ChatMessage, Conversation } from './conversation.ts'

/** The oldest conversations beyond these bounds are dropped. */
const CONVERSATIONS_MAX = 50
const CHARACTERS_MAX = 1_000_000

/** Conversations in the browser's storage, under a name. A page that may not store has none, and works. */
export class SavedConversations {
  readonly #key: string

  constructor(name: string) {
    this.#key = `streamstack-chat:${name}`
  }

  load(): Conversation[] {
    try {
      const kept = JSON.parse(localStorage.getItem(this.#key) ?? '[]') as unknown
      return Array.isArray(kept) ? kept.filter(isConversation) : []
    } catch {
      return []
    }
  }

  save(conversations: readonly Conversation[]): void {
    const kept: string[] = []
    let characters = 0
    for (const conversation of conversations.toSorted((a, b) => b.updatedMs - a.updatedMs)) {
      const text = JSON.stringify(conversation)
      characters += text.length
      if (kept.length === CONVERSATIONS_MAX || (characters > CHARACTERS_MAX && kept.length > 0)) break
      if (conversation.messages.length > 0) kept.push(text)
    }
    try {
      localStorage.setItem(this.#key, `[${kept.join()}]`)
    } catch {
      // Storage is full or forbidden: the conversation continues without being saved.
    }
  }
}

/** What another version of this page, or another program, stored under the name must not break this one. */
function isConversation(value: unknown): value is Conversation {
  if (value === null || typeof value !== 'object') return false
  const { id, title, updatedMs, messages } = value as Partial<Conversation>
  return (
    typeof id === 'string' &&
    typeof title === 'string' &&
    typeof updatedMs === 'number' &&
    Array.isArray(messages) &&
    messages.every(isMessage)
  )
}

export function isMessage(value: unknown): value is ChatMessage {
  if (value === null || typeof value !== 'object') return false
  const { id, role, parts, attachments } = value as Partial<ChatMessage>
  return (
    typeof id === 'string' &&
    (role === 'user' || role === 'assistant') &&
    Array.isArray(attachments) &&
    Array.isArray(parts) &&
    parts.every((part) => part !== null && typeof part === 'object' && PART_TYPES.has(part.type))
  )
}

const PART_TYPES = new Set(['text', 'reasoning', 'tool', 'json', 'source'])
