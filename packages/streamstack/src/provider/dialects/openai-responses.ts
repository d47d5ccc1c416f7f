import type { Value } from '@streamstack/protocol'
import { jsonText } from '../../expression/index.ts'
import { type Answer, callOf, noteUsage, start } from '../answer.ts'
import type { Dialect, ModelRequest, Tool } from '../dialect.ts'
import { adopted } from '../adopt.ts'
import { toldFault } from '../fault.ts'
import type { ProviderItem } from '../item.ts'
import { type JsonObject, countOf, listOf, objectOf, setMembers, textOf, wordsOf } from '../json.ts'
import { type Message, type Part, textOfParts } from '../message.ts'

/** OpenAI's Responses API: https://platform.openai.com/docs/api-reference/responses-streaming */
export const openaiResponses: Dialect = {
  provider: 'openai',
  framing: 'sse',
  baseUrl: 'https://api.openai.com/v1',
  keyName: 'OPENAI_API_KEY',
  headers: {},
  authorize: (key) => ({ authorization: `Bearer ${key}` }),
  path: () => '/responses',
  body,
  adopt: (given) => (given['messages'] === undefined || given['input'] !== undefined ? given : adopted(given, body)),
  streamed,
  framesOf,
  read,
}

function body({ model, system, messages, temperature, maxTokens, tools }: ModelRequest): JsonObject {
  return setMembers({
    model,
    instructions: system,
    input: messages.flatMap(inputOf),
    temperature,
    max_output_tokens: maxTokens,
    tools: tools.length === 0 ? null : tools.map(toolOf),
  })
}

/**
 * Completes a body. With `store: false` the server keeps no reasoning, and refuses a reference to one: what came without its encrypted content
 * is left out. `body: {include: ['reasoning.encrypted_content']}` asks for it where the server does not send it anyway.
 */
function streamed(given: JsonObject): JsonObject {
  const { input } = given
  if (given['store'] !== false || !Array.isArray(input)) return { ...given, stream: true }
  return { ...given, input: input.filter((item) => !isLost(objectOf(item))), stream: true }
}

function isLost(item: JsonObject | null): boolean {
  return item?.['type'] === 'reasoning' && wordsOf(item['encrypted_content']) === null
}

function toolOf({ name, description, parameters }: Tool): Value {
  // Strict schemas must list every property as required, which declared inputs need not.
  return setMembers({ type: 'function', name, description: description || null, parameters, strict: false })
}

function inputOf(message: Message): readonly Value[] {
  if (message.role === 'tool') {
    return [{ type: 'function_call_output', call_id: message.call, output: message.content }]
  }
  if (message.role !== 'assistant') return [{ role: message.role, content: message.content.map(partOf) }]
  // Reasoning must come back with the calls that followed it.
  if (message.turn?.provider === 'openai') return message.turn.content
  const text = textOfParts(message.content)
  const said: readonly Value[] = text === '' ? [] : [{ role: 'assistant', content: text }]
  return said.concat(
    message.calls.map((call) => ({
      type: 'function_call',
      call_id: call.id,
      name: call.name,
      arguments: jsonText(call.arguments),
    })),
  )
}

function partOf(part: Part): Value {
  return part.type === 'text' ? { type: 'input_text', text: part.text } : { type: 'input_image', image_url: part.url }
}

/** A whole response as the events that would have streamed it. */
function framesOf(document: Value): readonly JsonObject[] | null {
  const response = objectOf(document)
  if (response === null || response['object'] !== 'response' || !Array.isArray(response['output'])) return null
  return [
    { type: 'response.created', response },
    ...response['output'].flatMap((item) => itemFrames(objectOf(item) ?? {})),
    { type: `response.${textOf(response['status'])}`, response },
  ]
}

function itemFrames(item: JsonObject): readonly JsonObject[] {
  const parts = listOf(item['content']).map((part) => objectOf(part) ?? {})
  return [
    ...listOf(item['summary']).flatMap((part, index): JsonObject[] => [
      { type: 'response.reasoning_summary_part.added', summary_index: index },
      { type: 'response.reasoning_summary_text.delta', delta: objectOf(part)?.['text'] ?? null },
    ]),
    ...parts.flatMap((part): JsonObject[] => {
      switch (part['type']) {
        case 'output_text':
          return [
            { type: 'response.output_text.delta', delta: part['text'] ?? null },
            ...listOf(part['annotations']).map((annotation) => ({
              type: 'response.output_text.annotation.added',
              annotation,
            })),
          ]
        case 'refusal':
          return [{ type: 'response.refusal.delta', delta: part['refusal'] ?? null }]
        case 'reasoning_text':
          return [{ type: 'response.reasoning_text.delta', delta: part['text'] ?? null }]
        default:
          return []
      }
    }),
    { type: 'response.output_item.done', item },
  ]
}

function read(answer: Answer, frame: JsonObject, items: ProviderItem[]): void {
  switch (frame['type']) {
    case 'response.created':
    case 'response.queued':
    case 'response.in_progress':
      start(answer, wordsOf(objectOf(frame['response'])?.['model']), frame, items)
      return
    case 'response.output_text.delta':
      addText(items, 'text', frame)
      return
    case 'response.refusal.delta':
      answer.finish = 'refusal'
      addText(items, 'text', frame)
      return
    case 'response.reasoning_summary_part.added':
      // Each part of a summary is a paragraph of its own.
      if ((countOf(frame['summary_index']) ?? 0) > 0) items.push({ kind: 'reasoning', text: '\n\n', raw: frame })
      return
    case 'response.reasoning_text.delta':
    case 'response.reasoning_summary_text.delta':
      addText(items, 'reasoning', frame)
      return
    case 'response.output_text.annotation.added': {
      const cited = objectOf(frame['annotation'])
      if (cited?.['type'] !== 'url_citation') return
      const [url, title] = [wordsOf(cited['url']), wordsOf(cited['title'])]
      items.push({ kind: 'source', text: title ?? url ?? '', url, title, raw: frame })
      return
    }
    case 'response.output_item.done':
      readOutputItem(answer, objectOf(frame['item']))
      return
    case 'response.completed':
    case 'response.incomplete':
      readEnd(answer, objectOf(frame['response']))
      return
    case 'response.failed':
    case 'response.cancelled':
      throw toldFault(answer.host, objectOf(frame['response'])?.['error'] ?? frame)
    case 'error':
      throw toldFault(answer.host, frame['error'] ?? frame)
    default:
      // Members without a type are no event: servers that fail send `{error: …}` alone.
      if ((frame['error'] ?? null) !== null) throw toldFault(answer.host, frame)
  }
}

function addText(items: ProviderItem[], kind: 'text' | 'reasoning', frame: JsonObject): void {
  const text = textOf(frame['delta'])
  if (text !== '') items.push({ kind, text, raw: frame })
}

function readOutputItem(answer: Answer, item: JsonObject | null): void {
  if (item === null) return
  if (answer.keepsTurn) answer.turn.push(item)
  if (item['type'] !== 'function_call') return
  const call = callOf(answer, textOf(item['call_id']) || answer.calls.length)
  call.id = textOf(item['call_id'])
  call.name = textOf(item['name'])
  call.pieces.push(textOf(item['arguments']))
  call.raw = item
}

function readEnd(answer: Answer, response: JsonObject | null): void {
  answer.isComplete = true
  answer.isOver = true
  const usage = objectOf(response?.['usage'])
  noteUsage(answer, {
    input_tokens: countOf(usage?.['input_tokens']),
    output_tokens: countOf(usage?.['output_tokens']),
    reasoning_tokens: countOf(objectOf(usage?.['output_tokens_details'])?.['reasoning_tokens']),
    cached_tokens: countOf(objectOf(usage?.['input_tokens_details'])?.['cached_tokens']),
  })
  if (response?.['status'] === 'incomplete') {
    const reason = objectOf(response['incomplete_details'])?.['reason']
    answer.finish = reason === 'max_output_tokens' ? 'length' : reason === 'content_filter' ? 'content_filter' : 'other'
  } else if (answer.calls.length > 0) answer.finish = 'tool_calls'
  else answer.finish ??= 'stop'
}
