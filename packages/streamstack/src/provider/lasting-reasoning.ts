import type { Value } from '@streamstack/protocol'
import type { Answer } from './answer.ts'
import { listOf, objectOf, setMembers } from './json.ts'
import type { NativeTurn } from './message.ts'

/**
 * The reasoning of a turn with tools that its server wants back with each later message of the conversation. DeepSeek refuses the next
 * message without it, in both of its APIs (https://api-docs.deepseek.com/guides/thinking_mode); Anthropic takes back all thinking and
 * uses what it needs. Null: the server wants none, as OpenAI and Google, which check the current turn alone and refuse what has expired or
 * is of another model.
 */
export function lastingReasoning({ provider, origin, turn }: Answer): NativeTurn | null {
  const content =
    provider === 'openai-compatible' ? reasoningMembers(turn[0]) : provider === 'anthropic' ? thinking(turn) : []
  return content.length === 0 ? null : { provider, origin, holds: 'reasoning', content }
}

function reasoningMembers(turn: Value | undefined): readonly Value[] {
  const { reasoning_content, reasoning_details } = objectOf(turn) ?? {}
  const members = setMembers({ reasoning_content, reasoning_details })
  return Object.keys(members).length === 0 ? [] : [members]
}

const THINKING: ReadonlySet<Value> = new Set(['thinking', 'redacted_thinking'])

function thinking(turn: readonly Value[]): readonly Value[] {
  return turn.filter((block) => THINKING.has(objectOf(block)?.['type'] ?? null))
}

/**
 * Reasoning of which filters of the run may have changed texts. A signature belongs to the text as it was: what has one goes, and plain text
 * stays. Null: nothing is left.
 */
export function afterFilters(turn: NativeTurn, filtered: readonly Value[]): NativeTurn | null {
  if (JSON.stringify(filtered) === JSON.stringify(turn.content)) return turn
  const text = objectOf(listOf(filtered)[0])?.['reasoning_content']
  return typeof text === 'string' ? { ...turn, content: [{ reasoning_content: text }] } : null
}
