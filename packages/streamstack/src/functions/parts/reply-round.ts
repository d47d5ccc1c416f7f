import { StreamstackError } from '@streamstack/protocol'
import type { StepNode } from '../../definition/types.ts'
import type { Message } from '../../provider/index.ts'
import { type Frame, chunkOf } from '../../run/index.ts'
import type { Compiler } from './compiler.ts'
import { type ReplySlots, callsIn, messagesIn } from './reply-state.ts'
import { send } from './send.ts'
import { type CompiledTool, type ToolResult, runTools, toolResultContent } from './tools.ts'

interface RoundParts {
  readonly slots: ReplySlots
  readonly tools: readonly CompiledTool[]
  readonly isSent: boolean
  readonly roundsMax: (frame: Frame) => number
  readonly ask: { readonly pc: number }
}

/** Runs the calls of the answer, sends their results and asks again; without calls the step goes on behind it. */
export function compileRound(
  step: StepNode,
  compiler: Compiler,
  { slots, tools, isSent, roundsMax, ask }: RoundParts,
): void {
  const sent = compiler.slot()
  const sendNext = compiler.label()
  const over = compiler.label()
  compiler.emit((frame, strand) => {
    const calls = callsIn(frame, slots)
    if (calls.length === 0) {
      frame.pc = over.pc
      return undefined
    }
    const round = (frame.slots[slots.round] as number) + 1
    if (round > roundsMax(frame)) {
      const message = `${step.function} (step ${step.id}): the model calls tools in more than ${round - 1} rounds (max_rounds).`
      throw new StreamstackError('limit_exceeded', message, { details: { limit: 'max_rounds' } })
    }
    return runTools(frame, strand, calls, tools, slots.results).then(() => {
      frame.branches = null
      frame.slots[slots.round] = round
      frame.slots[sent] = 0
    })
  })
  compiler.place(sendNext)
  compiler.emit((frame, strand) => {
    const results = frame.slots[slots.results] as readonly ToolResult[]
    const index = frame.slots[sent] as number
    const result = results[index]
    if (result === undefined) {
      frame.slots[slots.messages] = [...messagesIn(frame, slots), ...results.map(resultMessage)]
      frame.pc = ask.pc
      return undefined
    }
    const goOn = (): void => {
      frame.slots[sent] = index + 1
      frame.pc = sendNext.pc
    }
    if (!isSent) return goOn()
    return send(frame, strand, chunkOf('tool_result', toolResultContent(result), null), { sent: goOn })
  })
  compiler.place(over)
}

function resultMessage({ id, name, content, isError }: ToolResult): Message {
  return { role: 'tool', call: id, name, content, isError }
}
