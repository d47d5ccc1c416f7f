import { StreamstackError, type Value } from '@streamstack/protocol'
import { type Answer, callOf, noteUsage, start } from '../answer.ts'
import type { Dialect, ModelRequest, Tool } from '../dialect.ts'
import { toldFault } from '../fault.ts'
import type { FinishReason, ProviderItem } from '../item.ts'
import { type JsonObject, countOf, listOf, objectOf, setMembers, textOf, wordsOf } from '../json.ts'
import { type Message, type Part, dataUrl, textOfParts } from '../message.ts'

/** Ollama's chat API: https://github.com/ollama/ollama/blob/main/docs/api.md#generate-a-chat-completion */
export const ollama: Dialect = {
  provider: 'ollama',
  framing: 'ndjson',
  baseUrl: 'http://127.0.0.1:11434',
  keyName: null,
  headers: {},
  authorize: (key) => ({ authorization: `Bearer ${key}` }),
  path: () => '/api/chat',
  body,
  adopt: (given) => given,
  streamed: (given) => ({ ...given, stream: true }),
  framesOf,
  read,
}

function body({ model, system, messages, temperature, maxTokens, tools }: ModelRequest): JsonObject {
  const first: readonly Value[] = system === null ? [] : [{ role: 'system', content: system }]
  const options = setMembers({ temperature, num_predict: maxTokens })
  return setMembers({
    model,
    messages: [...first, ...messages.map(messageOf)],
    options: Object.keys(options).length === 0 ? null : options,
    tools: tools.length === 0 ? null : tools.map(toolOf),
  })
}

function toolOf({ name, description, parameters }: Tool): Value {
  return { type: 'function', function: { name, description, parameters } }
}

function messageOf(message: Message): Value {
  if (message.role === 'tool') return { role: 'tool', tool_name: message.name, content: message.content }
  const images = message.content.flatMap(imageOf)
  return setMembers({
    role: message.role,
    content: textOfParts(message.content),
    images: images.length === 0 ? null : images,
    tool_calls:
      message.role === 'assistant' && message.calls.length > 0
        ? message.calls.map((call) => ({ function: { name: call.name, arguments: call.arguments } }))
        : null,
  })
}

function imageOf(part: Part): readonly string[] {
  if (part.type === 'text') return []
  const data = dataUrl(part.url)
  if (data !== null) return [data.data]
  throw new StreamstackError('input_invalid', 'Ollama takes images as data: URLs (base64) only.')
}

/** A whole answer is the last frame of a stream with all of the text. */
function framesOf(document: Value): readonly JsonObject[] | null {
  const answer = objectOf(document)
  return answer !== null && objectOf(answer['message']) !== null ? [answer] : null
}

function read(answer: Answer, frame: JsonObject, items: ProviderItem[]): void {
  if ((frame['error'] ?? null) !== null) throw toldFault(answer.host, frame)
  start(answer, wordsOf(frame['model']), frame, items)
  const message = objectOf(frame['message'])
  const thinking = textOf(message?.['thinking'])
  if (thinking !== '') items.push({ kind: 'reasoning', text: thinking, raw: frame })
  const text = textOf(message?.['content'])
  if (text !== '') items.push({ kind: 'text', text, raw: frame })
  for (const one of listOf(message?.['tool_calls'])) {
    const named = objectOf(objectOf(one)?.['function'])
    const call = callOf(answer, answer.calls.length)
    call.id = textOf(objectOf(one)?.['id'])
    call.name = textOf(named?.['name'])
    const given = named?.['arguments']
    // An object; servers that speak this API beside that of OpenAI send its JSON text.
    call.pieces.push(typeof given === 'string' ? given : JSON.stringify(objectOf(given) ?? {}))
  }
  if (frame['done'] !== true) return
  answer.isComplete = true
  answer.isOver = true
  const reason = textOf(frame['done_reason'])
  answer.finish = answer.calls.length > 0 ? 'tool_calls' : (FINISHES.get(reason) ?? 'other')
  noteUsage(answer, {
    input_tokens: countOf(frame['prompt_eval_count']),
    output_tokens: countOf(frame['eval_count']),
  })
}

const FINISHES: ReadonlyMap<string, FinishReason> = new Map([
  // Old versions give no reason.
  ['', 'stop'],
  ['stop', 'stop'],
  ['length', 'length'],
])
