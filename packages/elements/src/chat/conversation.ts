import type { Item } from '../source/source.ts'
import { pick, valueText } from '../base/pick.ts'

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
  /** Where an answer that is still written can be read on, on this page or after a reload. */
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

/** What a model is told of a message: its text, and its attachments as fenced blocks under their names. */
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
  return line.length > TITLE_CHARACTERS_MAX ? `${line.slice(0, TITLE_CHARACTERS_MAX).trimEnd()}…` : line
}

/**
 * Adds what arrived to a message and returns the part that changed; null: nothing that is shown. `path` says where the text is in a chunk of JSON. A `replace` empties
 * the message first and returns `replaced`.
 */
export function addItem(message: ChatMessage, item: Item, path: string): Part | 'replaced' | null {
  const { kind, content } = item
  if (SENTINELS.has(content)) return null
  switch (kind) {
    case 'text':
      return addText(message, String(content))
    case 'reasoning':
      return addReasoning(message, String(content))
    case 'json': {
      if (path !== '') return addText(message, valueText(pick(content, path)))
      return add(message, { type: 'json', value: content })
    }
    case 'tool_call':
      return addTool(message, content)
    case 'tool_result':
      return endTool(message, content)
    case 'source': {
      const url = valueText(pick(content, 'url'))
      return add(message, { type: 'source', url, title: valueText(pick(content, 'title')) || url })
    }
    case 'replace': {
      message.parts.length = 0
      const text = pick(content, 'text') ?? pick(content, 'content') ?? content
      addText(message, valueText(text))
      return 'replaced'
    }
    default:
      return null
  }
}

/** Reasoning ends when anything else comes, or the answer ends. */
export function endReasoning(message: ChatMessage): void {
  const last = message.parts.at(-1)
  if (last?.type === 'reasoning') last.endedMs ??= Date.now()
}

function add<Kind extends Part>(message: ChatMessage, part: Kind): Kind {
  endReasoning(message)
  message.parts.push(part)
  return part
}

function addText(message: ChatMessage, text: string): Part | null {
  if (text === '') return null
  const last = message.parts.at(-1)
  if (last?.type !== 'text') return add(message, { type: 'text', text })
  last.text += text
  return last
}

function addReasoning(message: ChatMessage, text: string): Part {
  const last = message.parts.at(-1)
  if (last?.type !== 'reasoning') return add(message, { type: 'reasoning', text, startedMs: Date.now(), endedMs: null })
  last.text += text
  return last
}

/** The first of several spellings; providers differ. */
function field(content: unknown, ...paths: readonly string[]): unknown {
  for (const path of paths) {
    const found = pick(content, path)
    if (found !== undefined) return found
  }
  return undefined
}

function addTool(message: ChatMessage, content: unknown): Part {
  return add(message, {
    type: 'tool',
    id: valueText(field(content, 'id', 'call_id', 'tool_call_id', 'toolCallId')),
    name: valueText(field(content, 'name', 'tool', 'tool_name', 'toolName', 'function.name')) || 'tool',
    input: field(content, 'input', 'arguments', 'args', 'function.arguments') ?? null,
    output: null,
    error: null,
    isDone: false,
  })
}

function endTool(message: ChatMessage, content: unknown): Part | null {
  const id = valueText(field(content, 'id', 'call_id', 'tool_call_id', 'toolCallId'))
  const tools = message.parts.filter((part) => part.type === 'tool')
  const tool = tools.find((part) => part.id === id && !part.isDone) ?? tools.findLast((part) => !part.isDone)
  if (tool === undefined) return null
  const error = field(content, 'error')
  tool.isDone = true
  tool.output = field(content, 'output', 'result', 'content') ?? null
  tool.error = error === undefined || error === null ? null : valueText(pick(error, 'message') ?? error)
  return tool
}
