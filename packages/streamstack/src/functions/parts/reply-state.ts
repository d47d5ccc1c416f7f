import type { Value } from '@streamstack/protocol'
import type { StepNode } from '../../definition/types.ts'
import { keepReasoning } from '../../conversation/index.ts'
import {
  type JsonObject,
  type Message,
  ProviderSource,
  type ToolCallItem,
  afterFilters,
  lastingReasoning,
} from '../../provider/index.ts'
import type { Frame, Strand } from '../../run/index.ts'
import type { Compiler } from './compiler.ts'

/** Where a frame holds what an AI Reply has so far. */
export interface ReplySlots {
  readonly messages: number
  readonly round: number
  /** Number of the open answer. */
  readonly source: number
  readonly item: number
  readonly text: number
  readonly calls: number
  readonly results: number
  readonly result: number
}

export function slotsOf(step: StepNode, compiler: Compiler): ReplySlots {
  return {
    messages: compiler.slot(),
    round: compiler.slot(),
    source: compiler.slot(),
    item: compiler.slot(),
    text: compiler.slot(),
    calls: compiler.slot(),
    results: compiler.slot(),
    result: compiler.resultSlot(step),
  }
}

export function messagesIn(frame: Frame, slots: ReplySlots): readonly Message[] {
  return frame.slots[slots.messages] as unknown as readonly Message[]
}

export function callsIn(frame: Frame, slots: ReplySlots): readonly ToolCallItem[] {
  return frame.slots[slots.calls] as readonly ToolCallItem[]
}

type Answer = ProviderSource['answer']

/**
 * A call under an id that no call before it in the conversation has: some servers count from zero in each answer. A turn in the provider's
 * own shape holds the ids as they are, which are unique there.
 */
export function distinctCall(call: ToolCallItem, frame: Frame, slots: ReplySlots, { turn }: Answer): ToolCallItem {
  const isTaken = (id: string): boolean =>
    messagesIn(frame, slots).some(
      (message) => message.role === 'assistant' && message.calls.some((one) => one.id === id),
    )
  const isInTurn = turn.some((part) => {
    const { id, call_id: callId } = (part ?? {}) as { readonly id?: Value; readonly call_id?: Value }
    return id === call.id || callId === call.id
  })
  if (isInTurn || !isTaken(call.id)) return call
  let number = (frame.slots[slots.round] as number) + 1
  while (isTaken(`${call.id}_${number}`)) number++
  return { ...call, id: `${call.id}_${number}` }
}

/** The turn of the model with its calls, as the next request repeats it. */
export function turnOf(frame: Frame, slots: ReplySlots, answer: Answer): Message {
  const text = frame.slots[slots.text] as string
  return {
    role: 'assistant',
    content: text === '' ? [] : [{ type: 'text', text }],
    calls: callsIn(frame, slots).map(({ id, name, arguments: given, raw }) => ({
      id,
      name,
      arguments: given ?? {},
      raw,
    })),
    turn:
      answer.turn.length === 0
        ? null
        : { provider: answer.provider, origin: answer.origin, holds: 'turn', content: answer.turn },
  }
}

/**
 * Stores the reasoning of a turn with tools with the run's conversation, where the server of the model wants it back later. What filters of
 * the run take out of the answer is not stored either.
 */
export function rememberReasoning(frame: Frame, { run }: Strand, slots: ReplySlots, answer: Answer): void {
  const open = run.state.conversation
  const calls = callsIn(frame, slots).map(({ id }) => id)
  const isOfTools = calls.length > 0 || (frame.slots[slots.round] as number) > 0
  const reasoning = open?.isSaved === true && isOfTools ? lastingReasoning(answer) : null
  const passed = reasoning === null ? null : afterFilters(reasoning, run.outlet.kept(reasoning.content))
  if (open !== null && passed !== null) keepReasoning(open, calls, passed)
}

/** The result before anything of the answer is here. */
export const NO_REPLY: JsonObject = Object.freeze({
  text: '',
  finish_reason: null,
  provider: null,
  model: null,
  usage: null,
  tool_calls: [],
})

/** Gives the result what is known of the answer so far. */
export function keepResult(frame: Frame, strand: Strand, slots: ReplySlots): void {
  const source = strand.run.source(frame.slots[slots.source] as number)
  if (slots.result !== -1 && source instanceof ProviderSource) {
    frame.slots[slots.result] = resultOf(frame, slots, source.answer)
  }
}

function resultOf(frame: Frame, slots: ReplySlots, { provider, model, isComplete, finish, usage }: Answer): JsonObject {
  return {
    text: frame.slots[slots.text] as string,
    // Null: the answer is not complete.
    finish_reason: isComplete ? finish : null,
    provider,
    model,
    usage,
    tool_calls: callsIn(frame, slots).map(({ id, name, arguments: given }) => ({ id, name, arguments: given })),
  }
}
