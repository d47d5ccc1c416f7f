import type { Value } from '@streamstack/protocol'
import { jsonText } from '../../expression/index.ts'
import { type Answer, type OpenCall, newCall, noteUsage, start } from '../answer.ts'
import type { Dialect, ModelRequest, Tool } from '../dialect.ts'
import { toldFault } from '../fault.ts'
import type { FinishReason, ProviderItem } from '../item.ts'
import { type JsonObject, countOf, firstAnswer, listOf, objectOf, setMembers, textOf, wordsOf } from '../json.ts'
import { type Message, type Part, textOfParts } from '../message.ts'

/** The Chat Completions API, which OpenAI and most servers of open models speak: https://platform.openai.com/docs/api-reference/chat-streaming */
export const chatCompletions: Omit<Dialect, 'provider' | 'baseUrl' | 'keyName' | 'body'> = {
  framing: 'sse',
  headers: {},
  authorize: (key) => ({ authorization: `Bearer ${key}` }),
  path: () => '/chat/completions',
  adopt: (given) => given,
  streamed: (body) => ({
    ...body,
    stream: true,
    stream_options: { include_usage: true, ...objectOf(body['stream_options']) },
  }),
  framesOf,
  read,
}

/** `tokensMember`: what the body calls the most tokens of the answer. */
export function chatBody(request: ModelRequest, tokensMember: string): JsonObject {
  const system: readonly Value[] = request.system === null ? [] : [{ role: 'system', content: request.system }]
  return setMembers({
    model: request.model,
    messages: [...system, ...request.messages.map(chatMessage)],
    temperature: request.temperature,
    [tokensMember]: request.maxTokens,
    tools: request.tools.length === 0 ? null : request.tools.map(chatTool),
  })
}

function chatMessage(message: Message): Value {
  if (message.role === 'tool') return { role: 'tool', tool_call_id: message.call, content: message.content }
  if (message.role !== 'assistant') return { role: message.role, content: chatContent(message.content) }
  const text = textOfParts(message.content)
  const own = message.turn?.provider === KEEPS_TURNS ? objectOf(message.turn.content[0]) : null
  if (message.calls.length === 0) return { role: 'assistant', content: text, ...own }
  return {
    role: 'assistant',
    content: text === '' ? null : text,
    ...own,
    tool_calls: message.calls.map((call) => ({
      id: call.id,
      type: 'function',
      function: { name: call.name, arguments: jsonText(call.arguments) },
      ...(own === null ? {} : setMembers({ extra_content: objectOf(call.raw)?.['extra_content'] })),
    })),
  }
}

/** OpenAI itself has nothing that must come back in this API. */
const KEEPS_TURNS = 'openai-compatible'

/**
 * Keeps what a server wants back with the results of tools, and refuses the next request without: the reasoning of DeepSeek and
 * Moonshot, that of OpenRouter in pieces.
 */
function keepReasoning(answer: Answer, delta: JsonObject): void {
  // DeepSeek wants the member back also when its text is empty, as it sends it.
  const hasText = typeof delta['reasoning_content'] === 'string'
  const pieces = listOf(delta['reasoning_details'])
    .map(objectOf)
    .filter((piece) => piece !== null)
  if (!hasText && pieces.length === 0) return
  const turn = objectOf(answer.turn[0])
  const details = [...listOf(turn?.['reasoning_details'])]
  for (const piece of pieces) addDetail(details, piece)
  answer.turn[0] = {
    ...turn,
    ...(hasText ? { reasoning_content: textOf(turn?.['reasoning_content']) + textOf(delta['reasoning_content']) } : {}),
    ...(details.length === 0 ? {} : { reasoning_details: details }),
  }
}

/** More pieces than any reasoning has. */
const DETAILS_MAX = 256

/** Pieces of one type and index are one detail, whose texts go on. */
function addDetail(details: Value[], piece: JsonObject): void {
  const at = details.findLastIndex((one) => {
    const known = objectOf(one)
    return known?.['type'] === piece['type'] && known?.['index'] === piece['index']
  })
  if (at === -1) {
    if (details.length < DETAILS_MAX) details.push(piece)
    return
  }
  const known = objectOf(details[at]) ?? {}
  const grown = ['text', 'summary', 'data'].flatMap((name) =>
    typeof piece[name] === 'string' ? [[name, textOf(known[name]) + piece[name]] as const] : [],
  )
  details[at] = { ...known, ...setMembers(piece), ...Object.fromEntries(grown) }
}

/** A text alone stays one: not every server reads lists of parts. */
function chatContent(parts: readonly Part[]): Value {
  if (parts.every(({ type }) => type === 'text')) return textOfParts(parts)
  return parts.map((part): Value =>
    part.type === 'text' ? { type: 'text', text: part.text } : { type: 'image_url', image_url: { url: part.url } },
  )
}

function chatTool({ name, description, parameters }: Tool): Value {
  return { type: 'function', function: setMembers({ name, description: description || null, parameters }) }
}

/** A whole answer is read like a frame. A lone chunk of a stream is none. */
function framesOf(document: Value): readonly JsonObject[] | null {
  const answer = objectOf(document)
  const choice = firstAnswer(answer?.['choices'])
  const isWhole = objectOf(choice?.['message']) !== null || typeof choice?.['text'] === 'string'
  return answer !== null && isWhole ? [answer] : null
}

function read(answer: Answer, frame: JsonObject, items: ProviderItem[]): void {
  readUsage(answer, frame)
  // Servers that fail after they have answered 200 send the error as a frame, some with `[DONE]` after it.
  if ((frame['error'] ?? null) !== null) throw toldFault(answer.host, frame)
  const early = objectOf(frame['x_groq'])?.['error'] ?? null
  if (early !== null) throw toldFault(answer.host, { error: early })
  // The frame of the usage has no choices, nor has Azure's of its check of the prompt.
  const choice = firstAnswer(frame['choices'])
  if (choice === null) return
  if ((choice['error'] ?? null) !== null) throw toldFault(answer.host, choice)
  if (isOtherAnswer(answer, frame)) {
    answer.isOver = true
    return
  }
  // Perplexity repeats the list of its citations in each frame.
  const isFirst = !answer.hasStarted
  const citations = isFirst ? listOf(frame['citations']) : []
  start(answer, wordsOf(frame['model']), frame, items)
  for (const url of citations) items.push(source(wordsOf(url), null, frame))
  // Servers that do not stream an answer send it in one frame, as a message.
  const delta = objectOf(choice['delta']) ?? (isFirst ? objectOf(choice['message']) : null)
  if (delta !== null) readDelta(answer, delta, frame, items)
  // The older API of completions has its text beside the reason.
  else readContent(choice['text'], frame, items)
  readFinish(answer, choice['finish_reason'])
}

/** Whether a frame after the end belongs to a second answer in the same body, which has an id of its own. */
function isOtherAnswer(answer: Answer, frame: JsonObject): boolean {
  const id = wordsOf(frame['id'])
  answer.id ??= id
  return answer.isComplete && id !== null && id !== answer.id
}

function readDelta(answer: Answer, delta: JsonObject, frame: JsonObject, items: ProviderItem[]): void {
  if (answer.keepsTurn && answer.provider === KEEPS_TURNS) keepReasoning(answer, delta)
  const reasoning = wordsOf(delta['reasoning_content']) ?? wordsOf(delta['reasoning'])
  if (reasoning !== null) items.push({ kind: 'reasoning', text: reasoning, raw: frame })
  readContent(delta['content'], frame, items)
  const refusal = textOf(delta['refusal'])
  if (refusal !== '') {
    answer.finish = 'refusal'
    items.push({ kind: 'text', text: refusal, raw: frame })
  }
  for (const call of listOf(delta['tool_calls'])) readCall(answer, objectOf(call))
  // What calls were before `tool_calls`: one at most.
  if (objectOf(delta['function_call']) !== null)
    readCall(answer, { index: 0, function: delta['function_call'] ?? null })
  for (const annotation of listOf(delta['annotations'])) {
    const cited = objectOf(objectOf(annotation)?.['url_citation'])
    if (cited !== null) items.push(source(wordsOf(cited['url']), wordsOf(cited['title']), frame))
  }
}

/** Text; models of Mistral that reason write lists of parts, with the reasoning in parts of parts. */
function readContent(content: Value | undefined, frame: JsonObject, items: ProviderItem[]): void {
  if (typeof content === 'string') {
    if (content !== '') items.push({ kind: 'text', text: content, raw: frame })
    return
  }
  for (const part of listOf(content).map(objectOf)) {
    const isThought = part?.['type'] === 'thinking'
    const text = isThought ? thoughtOf(part['thinking']) : textOf(part?.['text'])
    if (text !== '') items.push({ kind: isThought ? 'reasoning' : 'text', text, raw: frame })
  }
}

function thoughtOf(thinking: Value | undefined): string {
  if (typeof thinking === 'string') return thinking
  return listOf(thinking)
    .map((part) => textOf(objectOf(part)?.['text']))
    .join('')
}

function readCall(answer: Answer, call: JsonObject | null): void {
  if (call === null) return
  const named = objectOf(call['function'])
  const id = textOf(call['id'])
  const name = textOf(named?.['name'])
  const open = openCallOf(answer, countOf(call['index']), id, name)
  if (open.id === '') open.id = id
  if (open.name === '') open.name = name
  // Gemini signs its calls, and wants the signatures back.
  if (answer.keepsTurn && answer.provider === KEEPS_TURNS && objectOf(call['extra_content']) !== null) {
    open.raw = call
    answer.turn[0] ??= {}
  }
  const piece = named?.['arguments']
  if (typeof piece === 'string') open.pieces.push(piece)
  else if (objectOf(piece) !== null) open.pieces.push(JSON.stringify(piece))
}

/**
 * The call that a piece belongs to. Some servers give all calls of an answer one index and tell them apart by id and name, others give
 * each piece of one call another id and no name, and some give no index at all.
 */
function openCallOf(answer: Answer, index: number | null, id: string, name: string): OpenCall {
  const { calls } = answer
  if (index === null) {
    const known = id === '' ? (name === '' ? calls.at(-1) : undefined) : calls.findLast((call) => call.id === id)
    return known ?? newCall(answer, calls.length)
  }
  const known = calls.findLast(({ key }) => key === index)
  const isOther = known !== undefined && name !== '' && id !== '' && known.id !== '' && id !== known.id
  return known === undefined || isOther ? newCall(answer, index) : known
}

function readFinish(answer: Answer, reason: Value | undefined): void {
  const word = wordsOf(reason)?.toLowerCase() ?? null
  if (word === null) return
  if (FAILURES.has(word)) throw toldFault(answer.host, { code: word })
  answer.isComplete = true
  if (answer.finish === 'refusal') return
  const finish = FINISHES.get(word) ?? 'other'
  // Some servers say `stop` whatever the model has done; OpenAI does for a call that `tool_choice` asked for.
  answer.finish = finish === 'stop' && answer.calls.length > 0 ? 'tool_calls' : finish
}

const FINISHES: ReadonlyMap<string, FinishReason> = new Map([
  ['stop', 'stop'],
  ['eos', 'stop'],
  ['length', 'length'],
  ['model_length', 'length'],
  ['tool_calls', 'tool_calls'],
  ['function_call', 'tool_calls'],
  ['content_filter', 'content_filter'],
])

/** Reasons that tell of a failure of the server: OpenRouter and Mistral, vLLM and SGLang, DeepSeek. */
const FAILURES: ReadonlySet<string> = new Set(['error', 'abort', 'insufficient_system_resource'])

/** Usage stands in the last frame; Groq gives it a member of its own, Moonshot one of the choice. */
function readUsage(answer: Answer, frame: JsonObject): void {
  const usage =
    objectOf(frame['usage']) ??
    objectOf(objectOf(frame['x_groq'])?.['usage']) ??
    objectOf(firstAnswer(frame['choices'])?.['usage'])
  if (usage === null) return
  noteUsage(answer, {
    input_tokens: countOf(usage['prompt_tokens']),
    output_tokens: countOf(usage['completion_tokens']),
    reasoning_tokens: countOf(objectOf(usage['completion_tokens_details'])?.['reasoning_tokens']),
    cached_tokens:
      countOf(objectOf(usage['prompt_tokens_details'])?.['cached_tokens']) ??
      // DeepSeek's name for them, and Moonshot's.
      countOf(usage['prompt_cache_hit_tokens']) ??
      countOf(usage['cached_tokens']),
  })
}

function source(url: string | null, title: string | null, raw: Value): ProviderItem {
  return { kind: 'source', text: title ?? url ?? '', url, title, raw }
}
