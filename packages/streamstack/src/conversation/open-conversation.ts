import type { Chunk, Value } from '@streamstack/protocol'
import { grownText } from '../text/grown-text.ts'
import type { ConversationCall, RememberedReasoning, SaidMessage } from './message.ts'

/** A reply is kept up to this many UTF-16 units; what goes beyond is sent and not kept. */
export const REPLY_CHARACTERS_MAX = 1024 * 1024

/** The conversation of a run and what it has replied so far, as plain data. */
export interface OpenConversation {
  /** Subject of the caller; '' for callers without a token. */
  readonly owner: string
  readonly id: string
  readonly run: string
  /** The user's message in this run; null if there is none. */
  readonly message: string | null
  /** This run replaces the messages after this position; null: it replaces none. */
  readonly keepUntil: number | null
  /** Key of the stored conversation that the run got; null: it is made at the end. */
  key: number | null
  /** The last message that was there when the run got the conversation; later ones are the run's own. */
  replaceUntil: number
  /** Messages from before the conversation was stored, which become its first. */
  seed: readonly SaidMessage[]
  /** Whether the run's end appends the message and the reply. */
  readonly isSaved: boolean
  reply: SaidMessage[]
  /** Reasoning of the messages that the run got, for the servers that want it back. */
  reasoning: readonly RememberedReasoning[]
  /** UTF-16 units of the reply. */
  characters: number
}

/** Takes a chunk as readers get it: text joins the reply, calls of tools and their results become messages of their own. */
export function collect(open: OpenConversation, { kind, data, metadata }: Chunk): void {
  if (!open.isSaved || open.characters > REPLY_CHARACTERS_MAX) return
  switch (kind) {
    case 'text':
      // A mark for clients, not a word of the reply. With metadata it is text, as in the formats.
      if (data === '[DONE]' && metadata === null) return
      open.characters += data.length
      addText(open, data)
      return
    case 'tool_call':
      open.characters += data.length
      addCall(open, JSON.parse(data) as Value)
      return
    case 'tool_result':
      open.characters += data.length
      addResult(open, JSON.parse(data) as Value)
      return
    case 'replace': {
      const { text } = members(JSON.parse(data) as Value)
      open.reply = [said('assistant', typeof text === 'string' ? text : '')]
      return
    }
    default:
  }
}

export function said(role: SaidMessage['role'], content: string): SaidMessage {
  return { role, content, calls: null, answers: null, reasoning: null }
}

/** The message that the reply is at: the last, when the model speaks in it. */
function current(open: OpenConversation): SaidMessage | null {
  const last = open.reply.at(-1)
  return last?.role === 'assistant' ? last : null
}

function replaceLast(open: OpenConversation, message: SaidMessage): void {
  open.reply[open.reply.length - 1] = message
}

function addText(open: OpenConversation, text: string): void {
  const last = current(open)
  if (last === null || last.calls !== null) open.reply.push(said('assistant', text))
  else replaceLast(open, { ...last, content: grownText(last.content, text) })
}

function addCall(open: OpenConversation, value: Value): void {
  const { id, name, arguments: given } = members(value)
  if (typeof id !== 'string' || typeof name !== 'string') return
  const call: ConversationCall = { id, name, arguments: given ?? {} }
  const last = current(open)
  if (last === null) open.reply.push({ ...said('assistant', ''), calls: [call] })
  else replaceLast(open, { ...last, calls: [...(last.calls ?? []), call] })
}

function addResult(open: OpenConversation, value: Value): void {
  const { id, name, result, error } = members(value)
  if (typeof id !== 'string') return
  const isError = error !== undefined && error !== null
  const content = JSON.stringify(isError ? { error } : (result ?? null))
  open.reply.push({ ...said('tool', content), answers: { id, name: typeof name === 'string' ? name : '', isError } })
}

function members(value: Value): { readonly [key: string]: Value | undefined } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, Value>) : {}
}
