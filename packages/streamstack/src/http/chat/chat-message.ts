import { StreamstackError, type Value } from '@streamstack/protocol'

/** A message of a chat client. */
export interface PlainMessage {
  readonly role: string
  /** All of its text. */
  readonly content: string
  /** Whether it has parts that are no text. */
  readonly hasImages: boolean
  /** The message as AI Reply takes it, with images, calls of tools and their results; several where a reply has called tools. */
  readonly whole: readonly Value[]
}

/** Refuses images for an endpoint that would get the text alone. */
export function refuseImages(messages: readonly PlainMessage[], takesAll: boolean): void {
  const at = takesAll ? -1 : messages.findIndex(({ hasImages }) => hasImages)
  if (at !== -1) throw invalid(at, 'has an image, and this endpoint takes text only: it does not declare `messages`')
}

/** Messages of OpenAI's API: content is text, or a list of texts and images. Throws `input_invalid`. */
export function openaiMessages(value: Value | undefined): PlainMessage[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw new StreamstackError(
      'input_invalid',
      '`messages` must be a list such as [{"role": "user", "content": "Hi"}].',
    )
  }
  return value.map((message: Value, index) => {
    const { role, content = null, tool_calls: calls, tool_call_id: answered, name } = membersOf(message)
    if (typeof role !== 'string') throw invalid(index, 'must have a `role` and a `content`')
    const parts = partsOf(content, index)
    return plainMessage(role, parts, {
      ...(Array.isArray(calls) && role === 'assistant' ? { tool_calls: calls } : {}),
      ...(typeof answered === 'string' && role === 'tool' ? { tool_call_id: answered } : {}),
      ...(typeof name === 'string' && role === 'tool' ? { name } : {}),
    })
  })
}

/** A message of `useChat`. Throws `input_invalid` for a file that is no image. */
export function uiMessage({ role, parts }: UiMessage, index: number): PlainMessage {
  const said = parts.map(membersOf).flatMap((part) => uiPart(part, index))
  const message = plainMessage(role, said, {})
  return role === 'assistant' ? { ...message, whole: turnsOf(parts.map(membersOf)) } : message
}

export interface UiMessage {
  readonly role: string
  readonly parts: readonly Value[]
}

export function membersOf(value: Value): Readonly<Record<string, Value>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, Value>) : {}
}

type Part = { readonly text: string } | { readonly image: string }

function plainMessage(role: string, parts: readonly Part[], more: Readonly<Record<string, Value>>): PlainMessage {
  const content = parts.map((part) => ('text' in part ? part.text : '')).join('')
  const hasImages = parts.some((part) => 'image' in part)
  const whole: Value = hasImages ? parts.map(asPart) : content
  return { role, content, hasImages, whole: [{ role, content: whole, ...more }] }
}

function asPart(part: Part): Value {
  return 'text' in part ? { type: 'text', text: part.text } : { type: 'image_url', image_url: { url: part.image } }
}

function partsOf(content: Value, index: number): readonly Part[] {
  if (content === null) return []
  if (typeof content === 'string') return [{ text: content }]
  if (!Array.isArray(content)) throw invalid(index, 'must have a `role` and a `content`')
  return content.map((part: Value): Part => {
    const { type, text, refusal, image_url: image } = membersOf(part)
    if (type === 'text' && typeof text === 'string') return { text }
    if (type === 'refusal' && typeof refusal === 'string') return { text: refusal }
    const url = typeof image === 'string' ? image : membersOf(image ?? null)['url']
    if (type === 'image_url' && typeof url === 'string') return { image: url }
    throw invalid(index, `has a part of type ${JSON.stringify(type ?? null)}; text and image_url can be sent`)
  })
}

/** Parts that tell of a turn, such as reasoning and sources, say nothing to a model. */
function uiPart({ type, text, mediaType, url }: Readonly<Record<string, Value>>, index: number): readonly Part[] {
  if (type === 'text' && typeof text === 'string') return [{ text }]
  if (type !== 'file') return []
  if (typeof mediaType === 'string' && mediaType.startsWith('image/') && typeof url === 'string')
    return [{ image: url }]
  throw invalid(index, `has a file of type ${JSON.stringify(mediaType ?? null)}; only images can be sent`)
}

/** A reply in turns: each has its text and the calls that it has ended with, which are followed by their results. */
function turnsOf(parts: readonly Readonly<Record<string, Value>>[]): readonly Value[] {
  const turns: Value[] = []
  let text = ''
  let calls: Value[] = []
  let results: Value[] = []
  const endTurn = (): void => {
    if (text !== '' || calls.length > 0) {
      turns.push({ role: 'assistant', content: text, ...(calls.length === 0 ? {} : { tool_calls: calls }) }, ...results)
    }
    text = ''
    calls = []
    results = []
  }
  for (const part of parts) {
    const call = uiCall(part)
    if (part['type'] === 'step-start' || (calls.length > 0 && part['type'] === 'text')) endTurn()
    if (part['type'] === 'text' && typeof part['text'] === 'string') text += part['text']
    if (call !== null) {
      calls.push(call.call)
      results.push(call.result)
    }
  }
  endTurn()
  return turns
}

/** A call of a tool with its result; null for other parts, and for a call that has none. */
function uiCall(part: Readonly<Record<string, Value>>): { call: Value; result: Value } | null {
  const { type, toolName, toolCallId: id, state, input = null, output = null, errorText = null } = part
  const name = type === 'dynamic-tool' ? toolName : /^tool-(.+)$/s.exec(typeof type === 'string' ? type : '')?.[1]
  if (typeof name !== 'string' || typeof id !== 'string') return null
  if (state !== 'output-available' && state !== 'output-error') return null
  const isError = state === 'output-error'
  return {
    call: { id, type: 'function', function: { name, arguments: JSON.stringify(input ?? {}) } },
    result: {
      role: 'tool',
      tool_call_id: id,
      name,
      content: isError ? { error: errorText } : output,
      ...(isError ? { is_error: true } : {}),
    },
  }
}

function invalid(index: number, problem: string): StreamstackError {
  return new StreamstackError('input_invalid', `messages[${index}] ${problem}.`)
}
