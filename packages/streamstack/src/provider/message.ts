import { StreamstackError, type Value } from '@streamstack/protocol'
import { jsonText } from '../expression/index.ts'
import { parseExactJson } from '../text/parse-exact-json.ts'
import { type JsonObject, objectOf, textOf, wordsOf } from './json.ts'

/** A part of a message: text, or an image by its URL (https: or data:). */
export type Part = { readonly type: 'text'; readonly text: string } | { readonly type: 'image'; readonly url: string }

export type ToolCall = {
  readonly id: string
  readonly name: string
  readonly arguments: JsonObject
  /** As the provider wrote it, in a turn that it wrote. */
  readonly raw?: Value
}

/** The turn of a model as its provider wrote it. Another provider gets the text and the calls instead. */
export type NativeTurn = {
  readonly provider: string
  /** Where it comes from: many servers speak the API of another, each with members and signatures of its own. */
  readonly origin: string
  /** The whole turn, or what stands beside its text and calls. */
  readonly holds: 'turn' | 'reasoning'
  readonly content: readonly Value[]
}

/** One message of a conversation in neutral words. Plain data. */
export type Message =
  | { readonly role: 'system' | 'user'; readonly content: readonly Part[] }
  | {
      readonly role: 'assistant'
      readonly content: readonly Part[]
      readonly calls: readonly ToolCall[]
      readonly turn: NativeTurn | null
    }
  | {
      readonly role: 'tool'
      readonly call: string
      readonly name: string
      readonly content: string
      readonly isError: boolean
    }

/**
 * Reads the messages of a step: a text is one message of the user; a list holds `{role, content}` as the OpenAI and Anthropic APIs
 * write them, or `{role, parts}` as the AI SDK and Gemini do. Throws `input_invalid` that names the message:
 * what a model is told comes from callers.
 */
export function readMessages(value: Value): readonly Message[] {
  if (typeof value === 'string') return [{ role: 'user', content: [{ type: 'text', text: value }] }]
  if (!Array.isArray(value)) throw unreadable('`messages`', 'must be a list of {role, content}, or text')
  const names = new Map<string, string>()
  return value.flatMap((item, index) => readMessage(item, `messages[${index}]`, names))
}

function readMessage(value: Value, place: string, names: Map<string, string>): readonly Message[] {
  const message = objectOf(value)
  if (message === null) throw unreadable(place, 'must be an object with role and content')
  const content = message['content'] ?? message['parts'] ?? null
  switch (message['role']) {
    case 'system':
    case 'developer':
      return [{ role: 'system', content: readParts(content, place) }]
    case 'user':
      return [{ role: 'user', content: readParts(content, place) }]
    case 'assistant':
    case 'model': {
      const calls = readCalls(message['tool_calls'] ?? null, place)
      for (const { id, name } of calls) names.set(id, name)
      return [{ role: 'assistant', content: readParts(content, place), calls, turn: null }]
    }
    case 'tool': {
      const call = textOf(message['tool_call_id'])
      const name = names.get(call) ?? textOf(message['name'])
      const text = typeof content === 'string' ? content : jsonText(content)
      return [{ role: 'tool', call, name, content: text, isError: message['is_error'] === true }]
    }
    default:
      throw unreadable(place, 'must have a role: system, user, assistant or tool')
  }
}

function readParts(content: Value, place: string): readonly Part[] {
  if (content === null || content === '') return []
  if (typeof content === 'string') return [{ type: 'text', text: content }]
  if (!Array.isArray(content)) throw unreadable(place, 'must have a content that is text or a list of parts')
  return content.flatMap((part) => readPart(part, place))
}

function readPart(value: Value, place: string): readonly Part[] {
  if (typeof value === 'string') return [{ type: 'text', text: value }]
  const part = objectOf(value)
  const type = part?.['type'] ?? (typeof part?.['text'] === 'string' ? 'text' : null)
  switch (type) {
    case 'text':
    case 'input_text':
    case 'output_text':
      return [{ type: 'text', text: textOf(part?.['text']) }]
    case 'refusal':
      return [{ type: 'text', text: textOf(part?.['refusal']) }]
    case 'image_url':
    case 'input_image':
    case 'image': {
      const image = part?.['image_url'] ?? part?.['url'] ?? part?.['image'] ?? null
      const url = wordsOf(image) ?? wordsOf(objectOf(image)?.['url']) ?? sourceUrl(objectOf(part?.['source']))
      if (url === null) throw unreadable(place, 'has an image without a URL')
      return [{ type: 'image', url }]
    }
    // Parts that tell of a turn and say nothing to a model.
    case 'reasoning':
    case 'thinking':
    case 'redacted_thinking':
    case 'step-start':
    case 'source-url':
    case 'source-document':
      return []
    default:
      throw unreadable(place, 'has a part that is neither text nor image_url')
  }
}

/** Of an image as Anthropic writes it. */
function sourceUrl(source: JsonObject | null): string | null {
  const data = wordsOf(source?.['data'])
  return data === null ? wordsOf(source?.['url']) : `data:${textOf(source?.['media_type'])};base64,${data}`
}

function readCalls(value: Value, place: string): readonly ToolCall[] {
  if (!Array.isArray(value)) return []
  return value.map((item, index) => {
    const call = objectOf(item)
    const inner = objectOf(call?.['function'])
    const name = wordsOf(call?.['name']) ?? wordsOf(inner?.['name'])
    if (name === null) throw unreadable(place, 'has a tool call without a name')
    const given = call?.['arguments'] ?? inner?.['arguments'] ?? {}
    return { id: wordsOf(call?.['id']) ?? `call_${index + 1}`, name, arguments: readArguments(given, place) }
  })
}

function readArguments(given: Value, place: string): JsonObject {
  try {
    const read = objectOf(typeof given === 'string' ? parseExactJson(given === '' ? '{}' : given) : given)
    if (read !== null) return read
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw unreadable(place, 'has a tool call whose arguments are not a JSON object')
}

function unreadable(place: string, problem: string): StreamstackError {
  return new StreamstackError('input_invalid', `${place} ${problem}.`)
}

/** The origin of a URL; a path alone, which leads to this server, is its own. */
export function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : url
}

/** Messages for a server: turns that another one wrote keep their text and calls alone. */
export function withTurnsOf(messages: readonly Message[], url: string): readonly Message[] {
  const origin = originOf(url)
  const wantsReasoning = DEEPSEEK.test(origin)
  return messages.map((message) => {
    if (message.role !== 'assistant' || message.turn?.origin === origin) return message
    const turn = wantsReasoning && message.calls.length > 0 ? { ...NO_REASONING, origin } : null
    return { ...message, turn }
  })
}

/** It refuses calls without reasoning, also those of other models, and takes an empty one. */
const DEEPSEEK = /^https:\/\/(?:[\w-]+\.)*deepseek\.com$/

const NO_REASONING: Omit<NativeTurn, 'origin'> = {
  provider: 'openai-compatible',
  holds: 'reasoning',
  content: [{ reasoning_content: '' }],
}

/** All text of the parts. */
export function textOfParts(parts: readonly Part[]): string {
  return parts.map((part) => (part.type === 'text' ? part.text : '')).join('')
}

/** A `data:` URL as its media type and base64 data; null for other URLs. */
export function dataUrl(url: string): { mediaType: string; data: string } | null {
  const found = /^data:([^;,]+);base64,(.*)$/s.exec(url)
  return found === null ? null : { mediaType: found[1] ?? '', data: found[2] ?? '' }
}
