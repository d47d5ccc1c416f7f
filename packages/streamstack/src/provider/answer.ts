import { StreamstackError, type Value } from '@streamstack/protocol'
import { jsonText } from '../expression/index.ts'
import type { FinishReason, ProviderItem, Usage } from './item.ts'
import { garbledFault } from './fault.ts'
import { type JsonObject, countOf, objectOf } from './json.ts'
import { parseExactJson } from '../text/parse-exact-json.ts'

/** A call of a tool whose arguments are still arriving. */
export interface OpenCall {
  /** What the provider's frames call it by: an index or an id. */
  readonly key: string | number
  id: string
  name: string
  /** Pieces of its arguments as JSON text. */
  readonly pieces: string[]
  /** What must come back to the provider with the call, in its own shape. */
  raw: Value
}

/** What is known of an answer while it arrives. Plain data that a dialect fills in. */
export interface Answer {
  readonly provider: string
  /** Host and port, for messages. */
  readonly host: string
  /** Of the URL that was asked. */
  readonly origin: string
  model: string | null
  /** Of the first frame that has one; null: frames have none. */
  id: string | null
  hasStarted: boolean
  usage: Usage | null
  finish: FinishReason | null
  /** The provider's own mark of completion has come. A close of the connection or `[DONE]` is none. */
  isComplete: boolean
  /** Nothing that belongs to the answer follows. */
  isOver: boolean
  readonly calls: OpenCall[]
  /** What ids that are made for calls begin with. */
  readonly callIds: string
  /** The turn in the provider's own shape, for the next round of tool calls: signatures and ids must come back unchanged. */
  readonly turn: Value[]
  /** Whether `turn` is wanted. */
  readonly keepsTurn: boolean
}

/** When the parts of an answer came, milliseconds on the monotonic clock; 0: not yet. */
export interface AnswerTimes {
  firstContentMs: number
  lastContentMs: number
  /** When the answer was over. */
  endMs: number
}

interface AnswerOptions {
  /** Conversations hold the calls of many answers, whose ids must differ. */
  readonly callIds?: string
  readonly origin?: string
}

export function newAnswer(
  provider: string,
  host: string,
  keepsTurn: boolean,
  { callIds = 'call', origin = '' }: AnswerOptions = {},
): Answer {
  return {
    provider,
    host,
    origin,
    model: null,
    id: null,
    hasStarted: false,
    usage: null,
    finish: null,
    isComplete: false,
    isOver: false,
    calls: [],
    callIds,
    turn: [],
    keepsTurn,
  }
}

/** Adds the item that tells of the begin of the answer, once. */
export function start(answer: Answer, model: string | null, raw: Value, items: ProviderItem[]): void {
  if (answer.hasStarted) return
  answer.hasStarted = true
  answer.model = model
  items.push({
    kind: 'status',
    text: '',
    state: 'started',
    provider: answer.provider,
    model,
    finish_reason: null,
    raw,
  })
}

/** More parts than any answer has: an upstream must not buy work or memory with numbers. */
const PARTS_MAX = 256

/** The index of a part of the answer, as frames number them. Throws `upstream_failed` for one that no answer has. */
export function partIndex(answer: Answer, value: Value | undefined): number {
  const index = countOf(value) ?? 0
  if (index < PARTS_MAX) return index
  throw garbledFault(answer.host, `more than ${PARTS_MAX} parts`, new Error(`index ${index}`))
}

/** The open call with a key, made when its first piece comes. Throws `upstream_failed` when there are too many. */
export function callOf(answer: Answer, key: string | number): OpenCall {
  return answer.calls.find((call) => call.key === key) ?? newCall(answer, key)
}

/** Adds a call. Throws `upstream_failed` when there are too many. */
export function newCall(answer: Answer, key: string | number): OpenCall {
  if (answer.calls.length === PARTS_MAX) throw garbledFault(answer.host, `more than ${PARTS_MAX} calls of tools`, null)
  const call: OpenCall = { key, id: '', name: '', pieces: [], raw: null }
  answer.calls.push(call)
  return call
}

/** Adds what is known only at the end: calls, usage, and the reason why the answer finished. */
export function finish(answer: Answer, items: ProviderItem[]): void {
  const ids = new Set<string>()
  for (const [index, { id: given, name, pieces, raw }] of inOrder(answer.calls).entries()) {
    const argumentsText = pieces.join('')
    // Some servers give calls no id, others one for all: results must find their calls.
    const id = given === '' || ids.has(given) ? `${answer.callIds}_${index + 1}` : given
    ids.add(id)
    items.push({
      kind: 'tool_call',
      text: '',
      id,
      name,
      arguments: argumentsOf(argumentsText),
      arguments_text: argumentsText,
      raw,
    })
  }
  if (answer.usage !== null) items.push({ kind: 'usage', text: '', ...answer.usage, raw: null })
  items.push({
    kind: 'status',
    text: '',
    state: 'finished',
    provider: answer.provider,
    model: answer.model,
    finish_reason: answer.finish,
    raw: null,
  })
}

/** Calls that are numbered, by their numbers: pieces of calls side by side may come in any order. */
function inOrder(calls: readonly OpenCall[]): readonly OpenCall[] {
  const keyOf = ({ key }: OpenCall): number => (typeof key === 'number' ? key : 0)
  return calls.toSorted((one, other) => keyOf(one) - keyOf(other))
}

/** Arguments of a tool are read up to this size and depth; larger ones are as good as unreadable. */
const ARGUMENTS_CHARACTERS_MAX = 1024 * 1024

/** Models write no arguments at all for tools that take none. */
function argumentsOf(text: string): JsonObject | null {
  if (text.trim() === '') return {}
  if (text.length > ARGUMENTS_CHARACTERS_MAX) return null
  try {
    const read = objectOf(parseExactJson(text))
    // Refuses what is nested so deep that writing it again would fail.
    if (read !== null) jsonText(read, ARGUMENTS_CHARACTERS_MAX * 2)
    return read
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof StreamstackError) return null
    throw error
  }
}

/** Providers report usage in parts and in total: a later frame replaces earlier values. */
export function noteUsage(answer: Answer, told: Partial<Usage>): void {
  const before = answer.usage
  const usage: Usage = {
    input_tokens: told.input_tokens ?? before?.input_tokens ?? null,
    output_tokens: told.output_tokens ?? before?.output_tokens ?? null,
    reasoning_tokens: told.reasoning_tokens ?? before?.reasoning_tokens ?? null,
    cached_tokens: told.cached_tokens ?? before?.cached_tokens ?? null,
  }
  if (Object.values(usage).some((count) => count !== null)) answer.usage = usage
}
