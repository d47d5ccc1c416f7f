import type { Value } from '@streamstack/protocol'
import { type Answer, callOf, noteUsage, partIndex, start } from '../answer.ts'
import type { Dialect, ModelRequest, Tool } from '../dialect.ts'
import { toldFault } from '../fault.ts'
import type { FinishReason, ProviderItem } from '../item.ts'
import { adopted } from '../adopt.ts'
import { type JsonObject, countOf, listOf, objectOf, setMembers, textOf, wordsOf } from '../json.ts'
import { type Message, type Part, dataUrl, textOfParts } from '../message.ts'

/** The API refuses a request that names no limit. */
const MAX_TOKENS_DEFAULT = 4096

/** Anthropic's Messages API: https://docs.anthropic.com/en/docs/build-with-claude/streaming */
export const anthropic: Dialect = {
  provider: 'anthropic',
  framing: 'sse',
  baseUrl: 'https://api.anthropic.com/v1',
  keyName: 'ANTHROPIC_API_KEY',
  headers: { 'anthropic-version': '2023-06-01' },
  authorize: (key) => ({ 'x-api-key': key }),
  path: () => '/messages',
  body,
  // The instructions stand beside the messages, and results of tools in those of the user.
  adopt: (given) =>
    listOf(given['messages']).every((one) => OWN_ROLES.has(textOf(objectOf(one)?.['role'])))
      ? given
      : adopted(given, body),
  streamed: (given) => ({ ...given, stream: true }),
  framesOf,
  read,
}

function body({ model, system, messages, temperature, maxTokens, tools }: ModelRequest): JsonObject {
  const instructions = messages.flatMap((message) => (message.role === 'system' ? [textOfParts(message.content)] : []))
  return setMembers({
    model,
    max_tokens: maxTokens ?? MAX_TOKENS_DEFAULT,
    system: [...(system === null ? [] : [system]), ...instructions].join('\n\n') || null,
    messages: turns(messages),
    temperature,
    tools: tools.length === 0 ? null : tools.map(toolOf),
  })
}

const OWN_ROLES: ReadonlySet<string> = new Set(['user', 'assistant'])

function toolOf({ name, description, parameters }: Tool): Value {
  return setMembers({ name, description: description || null, input_schema: parameters })
}

/** All results of one round stand in one message of the user. */
function turns(messages: readonly Message[]): readonly Value[] {
  const list: { role: string; content: Value[] }[] = []
  for (const message of messages) {
    if (message.role === 'system') continue
    const role = message.role === 'assistant' ? 'assistant' : 'user'
    const blocks = blocksOf(message)
    const last = list.at(-1)
    if (message.role === 'tool' && last?.role === 'user') last.content.push(...blocks)
    // An empty message is refused.
    else if (blocks.length > 0) list.push({ role, content: [...blocks] })
  }
  return list
}

function blocksOf(message: Message): readonly Value[] {
  if (message.role === 'tool') {
    const { call, content, isError } = message
    return [{ type: 'tool_result', tool_use_id: call, content, ...(isError ? { is_error: true } : {}) }]
  }
  if (message.role !== 'assistant') return message.content.flatMap(blockOf)
  // Thinking and its signature must come back unchanged with the calls that followed it.
  const own = message.turn?.provider === 'anthropic' ? message.turn : null
  if (own?.holds === 'turn') return own.content
  const text = textOfParts(message.content)
  const said: readonly Value[] = text === '' ? [] : [{ type: 'text', text }]
  return [...(own?.content ?? []), ...said].concat(
    message.calls.map((call) => ({ type: 'tool_use', id: call.id, name: call.name, input: call.arguments })),
  )
}

function blockOf(part: Part): readonly Value[] {
  if (part.type === 'text') return part.text === '' ? [] : [{ type: 'text', text: part.text }]
  const data = dataUrl(part.url)
  const source: Value =
    data === null ? { type: 'url', url: part.url } : { type: 'base64', media_type: data.mediaType, data: data.data }
  return [{ type: 'image', source }]
}

/** A whole message as the events that would have streamed it. */
function framesOf(document: Value): readonly JsonObject[] | null {
  const message = objectOf(document)
  if (message === null || message['type'] !== 'message' || !Array.isArray(message['content'])) return null
  const { stop_reason = null, usage = null } = message
  return [
    { type: 'message_start', message },
    ...message['content'].flatMap((block, index) => blockFrames(objectOf(block) ?? {}, index)),
    { type: 'message_delta', delta: { stop_reason }, usage },
    ...(stop_reason === null ? [] : [{ type: 'message_stop' }]),
  ]
}

function blockFrames(block: JsonObject, index: number): readonly JsonObject[] {
  const { text, thinking, signature, citations, ...opened } = block
  const isCall = block['type'] === 'tool_use'
  const deltas: readonly JsonObject[] = [
    ...(typeof thinking === 'string' ? [{ type: 'thinking_delta', thinking }] : []),
    ...(typeof signature === 'string' ? [{ type: 'signature_delta', signature }] : []),
    ...(typeof text === 'string' ? [{ type: 'text_delta', text }] : []),
    ...listOf(citations).map((citation) => ({ type: 'citations_delta', citation })),
    ...(isCall ? [{ type: 'input_json_delta', partial_json: JSON.stringify(block['input'] ?? {}) }] : []),
  ]
  return [
    { type: 'content_block_start', index, content_block: isCall ? { ...opened, input: {} } : opened },
    ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
    { type: 'content_block_stop', index },
  ]
}

function read(answer: Answer, frame: JsonObject, items: ProviderItem[]): void {
  switch (frame['type']) {
    case 'message_start': {
      const message = objectOf(frame['message'])
      start(answer, wordsOf(message?.['model']), frame, items)
      readUsage(answer, objectOf(message?.['usage']))
      return
    }
    case 'content_block_start':
      openBlock(answer, frame, objectOf(frame['content_block']), items)
      return
    case 'content_block_delta':
      readDelta(answer, frame, objectOf(frame['delta']), items)
      return
    case 'content_block_stop':
      closeBlock(answer, partIndex(answer, frame['index']))
      return
    case 'message_delta': {
      const reason = wordsOf(objectOf(frame['delta'])?.['stop_reason'])
      if (reason !== null) answer.finish = FINISHES.get(reason) ?? 'other'
      readUsage(answer, objectOf(frame['usage']))
      return
    }
    case 'message_stop':
      answer.isComplete = true
      answer.isOver = true
      answer.finish ??= 'other'
      return
    case 'error':
      throw toldFault(answer.host, frame)
    case 'ping':
      return
    default:
      if (frame['type'] === undefined && (frame['error'] ?? null) !== null) throw toldFault(answer.host, frame)
  }
}

const FINISHES: ReadonlyMap<string, FinishReason> = new Map([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['tool_use', 'tool_calls'],
  ['refusal', 'refusal'],
  ['pause_turn', 'pause'],
])

function openBlock(answer: Answer, frame: JsonObject, block: JsonObject | null, items: ProviderItem[]): void {
  if (block === null) return
  const index = partIndex(answer, frame['index'])
  if (block['type'] === 'tool_use') {
    const call = callOf(answer, index)
    call.id = textOf(block['id'])
    call.name = textOf(block['name'])
  }
  const text = textOf(block['text'])
  if (block['type'] === 'text' && text !== '') items.push({ kind: 'text', text, raw: frame })
  // Deltas grow the copy; the frame itself is the `raw` of items.
  if (answer.keepsTurn) answer.turn[index] = { ...block }
}

function readDelta(answer: Answer, frame: JsonObject, delta: JsonObject | null, items: ProviderItem[]): void {
  if (delta === null) return
  const index = partIndex(answer, frame['index'])
  switch (delta['type']) {
    case 'text_delta': {
      const text = textOf(delta['text'])
      if (text !== '') items.push({ kind: 'text', text, raw: frame })
      grow(answer, index, 'text', text)
      return
    }
    case 'thinking_delta': {
      const text = textOf(delta['thinking'])
      if (text !== '') items.push({ kind: 'reasoning', text, raw: frame })
      grow(answer, index, 'thinking', text)
      return
    }
    case 'signature_delta':
      grow(answer, index, 'signature', textOf(delta['signature']))
      return
    case 'input_json_delta': {
      const call = answer.calls.find(({ key }) => key === index)
      // Tools that the provider runs itself (web search) have inputs too; those are no calls for us.
      call?.pieces.push(textOf(delta['partial_json']))
      if (call === undefined) grow(answer, index, INPUT_TEXT, textOf(delta['partial_json']))
      return
    }
    case 'citations_delta': {
      const cited = objectOf(delta['citation'])
      const url = wordsOf(cited?.['url'])
      const title = wordsOf(cited?.['title']) ?? wordsOf(cited?.['document_title'])
      items.push({ kind: 'source', text: title ?? url ?? '', url, title, raw: frame })
      return
    }
    default:
  }
}

/** Where the input of a tool that the provider runs is gathered until its block ends. */
const INPUT_TEXT = ' input'

function grow(answer: Answer, index: number, member: string, piece: string): void {
  if (!answer.keepsTurn || piece === '') return
  const block = objectOf(answer.turn[index])
  if (block !== null) answer.turn[index] = { ...block, [member]: textOf(block[member]) + piece }
}

function closeBlock(answer: Answer, index: number): void {
  const block = objectOf(answer.turn[index])
  if (!answer.keepsTurn || block === null) return
  const call = answer.calls.find(({ key }) => key === index)
  const { [INPUT_TEXT]: gathered = null, ...kept } = block
  const text = call === undefined ? textOf(gathered) : call.pieces.join('')
  answer.turn[index] = text === '' ? kept : { ...kept, input: inputOf(text) }
}

function inputOf(text: string): Value {
  try {
    return JSON.parse(text) as Value
  } catch {
    // The API takes objects only; the model is told that it could not be read.
    return {}
  }
}

/** Tokens that were read from the cache or written to it are counted apart. Later counts are cumulative. */
function readUsage(answer: Answer, usage: JsonObject | null): void {
  if (usage === null) return
  const cached = countOf(usage['cache_read_input_tokens'])
  const written = countOf(usage['cache_creation_input_tokens'])
  const fresh = countOf(usage['input_tokens'])
  noteUsage(answer, {
    input_tokens: fresh === null ? null : fresh + (cached ?? 0) + (written ?? 0),
    output_tokens: countOf(usage['output_tokens']),
    cached_tokens: cached,
  })
}
