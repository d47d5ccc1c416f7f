import type { Outcome, Value } from '@streamstack/protocol'
import type { NativeTurn } from '../provider/index.ts'

export type ConversationRole = 'system' | 'user' | 'assistant' | 'tool'

/** A call of a tool, as the model made it. */
export interface ConversationCall {
  readonly [key: string]: Value
  readonly id: string
  readonly name: string
  readonly arguments: Value
}

/** A message of one turn, before it has a position in a conversation. Plain data. */
export interface SaidMessage {
  readonly role: ConversationRole
  readonly content: string
  /** Of the role assistant; null: none. */
  readonly calls: readonly ConversationCall[] | null
  /** Of the role tool: the call that it answers. */
  readonly answers: { readonly id: string; readonly name: string; readonly isError: boolean } | null
  /** Of the role assistant: what the server of the model wants back with later messages. It is for that server and no reader; null: nothing. */
  readonly reasoning: NativeTurn | null
}

/** Reasoning of an earlier message. It is found again by the first call of its message, or by the result that its message follows. */
export interface RememberedReasoning {
  readonly call: string
  readonly isAfterResult: boolean
  readonly turn: NativeTurn
}

/** A message as it is stored. */
export interface StoredMessage extends SaidMessage {
  readonly id: string
  /** Grows with each message of the conversation, not always by 1. */
  readonly position: number
  /** Outcome of the run that it came from; `completed` for messages that were added by a step. */
  readonly status: Outcome
  readonly run: string | null
  /** RFC 3339. */
  readonly createdAt: string
}

/** A message as models take it and as readers see it: without reasoning. */
export function toValue({ role, content, calls, answers }: SaidMessage): { readonly [key: string]: Value } {
  if (answers !== null)
    return { role, tool_call_id: answers.id, name: answers.name, content, is_error: answers.isError }
  return calls === null ? { role, content } : { role, content, tool_calls: calls }
}
