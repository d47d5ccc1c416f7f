import type { Message, NativeTurn } from '../provider/index.ts'
import type { RememberedReasoning, SaidMessage } from './message.ts'
import { type OpenConversation, REPLY_CHARACTERS_MAX } from './open-conversation.ts'

/**
 * Adds the reasoning of an answer to its message in the reply: the message with these calls, or the text behind the results of calls.
 * Reasoning that does not fit the bound of the reply is left out.
 */
export function keepReasoning(open: OpenConversation, calls: readonly string[], turn: NativeTurn): void {
  const [call] = calls
  const at =
    call === undefined
      ? answerBehindResults(open.reply)
      : open.reply.findLastIndex((message) => message.calls?.some(({ id }) => id === call) === true)
  const message = open.reply[at]
  if (message === undefined) return
  const characters = JSON.stringify(turn).length
  if (open.characters + characters > REPLY_CHARACTERS_MAX) return
  open.characters += characters
  open.reply[at] = { ...message, reasoning: turn }
}

function answerBehindResults(reply: readonly SaidMessage[]): number {
  const last = reply.at(-1)
  const isAnswer = last?.role === 'assistant' && last.calls === null && reply.at(-2)?.role === 'tool'
  return isAnswer ? reply.length - 1 : -1
}

/** The reasoning of messages that go to a model. */
export function reasoningIn(messages: readonly SaidMessage[]): readonly RememberedReasoning[] {
  return messages.flatMap(({ reasoning, calls }, index) => {
    const result = messages[index - 1]?.answers ?? null
    const call = calls?.[0]?.id ?? result?.id
    return reasoning === null || call === undefined ? [] : [{ call, isAfterResult: calls === null, turn: reasoning }]
  })
}

/** Messages with the reasoning of those that are still among them. */
export function withReasoning(
  messages: readonly Message[],
  remembered: readonly RememberedReasoning[],
): readonly Message[] {
  if (remembered.length === 0) return messages
  return messages.map((message, index) => {
    if (message.role !== 'assistant' || message.turn !== null) return message
    const before = messages[index - 1]
    const isAfterResult = message.calls.length === 0
    const call = isAfterResult ? (before?.role === 'tool' ? before.call : undefined) : message.calls[0]?.id
    const found = remembered.find((one) => one.call === call && one.isAfterResult === isAfterResult)
    return found === undefined ? message : { ...message, turn: found.turn }
  })
}
