import type { Item } from '../source/source.ts'
import { cut } from '../base/cut.ts'

/** A text that goes along with a question. */
export interface Attachment {
  readonly name: string
  readonly text: string
}

/** One part of a message, in the order in which they came. */
export type Part =
  | { type: 'text'; text: string }
  | { type: 'reasoning'; text: string; startedMs: number; endedMs: number | null }
  | { type: 'tool'; id: string; name: string; input: unknown; output: unknown; error: string | null; isDone: boolean }
  | { type: 'json'; value: unknown }
  | { type: 'source'; url: string; title: string }

export interface ChatMessage {
  id: string
  role: 'user' | 'assistant'
  parts: Part[]
  attachments: readonly Attachment[]
  state: 'writing' | 'completed' | 'failed' | 'cancelled'
  /** Why it failed. */
  error: string | null
  /**
   * URL and offset at which an unfinished answer can be resumed, on this page or after a reload.
   */
  resume: { url: string; offset: number } | null
}

export interface Conversation {
  id: string
  /** Beginning of its first question. */
  title: string
  updatedMs: number
  messages: ChatMessage[]
}

/** Chunks that say "the end" to clients without an outcome; not for people. */
const SENTINELS = new Set<unknown>(['[DONE]', '[COMPLETE]'])

const TITLE_CHARACTERS_MAX = 60

export function newId(): string {
  return crypto.getRandomValues(new Uint32Array(3)).join('-')
}

export function newConversation(): Conversation {
  return { id: newId(), title: '', updatedMs: Date.now(), messages: [] }
}

export function newMessage(role: ChatMessage['role'], text = '', attachments: readonly Attachment[] = []): ChatMessage {
  return {
    id: newId(),
    role,
    parts: text === '' ? [] : [{ type: 'text', text }],
    attachments,
    state: role === 'user' ? 'completed' : 'writing',
    error: null,
    resume: null,
  }
}

/** All text of a message, attachments left out. */
export function messageText(message: ChatMessage): string {
  return message.parts.map((part) => (part.type === 'text' ? part.text : '')).join('')
}

/**
 * Returns the text of a message for the model: its text, and its attachments as fenced blocks under
 * their names.
 */
export function promptText(message: ChatMessage): string {
  const attached = message.attachments.map(({ name, text }) => `\n\n${name}:\n${fenced(text)}`)
  return messageText(message) + attached.join('')
}

/** A fence that the text itself does not hold. */
function fenced(text: string): string {
  let fence = '```'
  while (text.includes(fence)) fence += '`'
  return `${fence}\n${text}\n${fence}`
}

export function titleOf(text: string): string {
  const line = text.trim().split('\n')[0] ?? ''
  return line.length > TITLE_CHARACTERS_MAX ? `${cut(line, TITLE_CHARACTERS_MAX).trimEnd()}…` : line
}

/** Whether a chunk is plain text of an answer that can be appended directly. */
export function isPlainText({ kind }: Item): boolean {
  return kind === 'text'
}

/** Reasoning ends when anything else comes, or the answer ends. */
export function endReasoning(message: ChatMessage): void {
  const last = message.parts.at(-1)
  if (last?.type === 'reasoning') last.endedMs ??= Date.now()
}

/** Adds a part; what was before it is complete. */
export function addPart<Kind extends Part>(message: ChatMessage, part: Kind): Kind {
  endReasoning(message)
  message.parts.push(part)
  return part
}

/** Adds text to the last part, or as a part of its own. */
export function addText(message: ChatMessage, text: string): Part | null {
  if (text === '' || SENTINELS.has(text)) return null
  const last = message.parts.at(-1)
  if (last?.type !== 'text') return addPart(message, { type: 'text', text })
  last.text += text
  return last
}
