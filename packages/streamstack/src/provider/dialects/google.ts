import type { Value } from '@streamstack/protocol'
import { type Answer, callOf, noteUsage, start } from '../answer.ts'
import type { Dialect, ModelRequest, Tool } from '../dialect.ts'
import { adopted } from '../adopt.ts'
import { toldFault } from '../fault.ts'
import type { FinishReason, ProviderItem } from '../item.ts'
import { type JsonObject, countOf, firstAnswer, listOf, objectOf, setMembers, textOf, wordsOf } from '../json.ts'
import { type Message, type Part, dataUrl, textOfParts } from '../message.ts'

/** Google's Gemini API: https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent */
export const google: Dialect = {
  provider: 'google',
  framing: 'sse',
  baseUrl: 'https://generativelanguage.googleapis.com/v1beta',
  keyName: 'GEMINI_API_KEY',
  headers: {},
  authorize: (key) => ({ 'x-goog-api-key': key }),
  path: (model) => `/models/${encodeURIComponent(model)}:streamGenerateContent?alt=sse`,
  body,
  adopt,
  // The method streams by its name, and always tells the usage.
  streamed: (given) => given,
  framesOf,
  read,
}

function body({ model, system, messages, temperature, maxTokens, tools }: ModelRequest): JsonObject {
  const instructions = messages.flatMap((message) => (message.role === 'system' ? [textOfParts(message.content)] : []))
  const prompt = [...(system === null ? [] : [system]), ...instructions].join('\n\n')
  const config = setMembers({ temperature, maxOutputTokens: maxTokens })
  return setMembers({
    systemInstruction: prompt === '' ? null : { parts: [{ text: prompt }] },
    contents: contents(messages, SIGNS_CALLS.test(model)),
    generationConfig: Object.keys(config).length === 0 ? null : config,
    tools: tools.length === 0 ? null : [{ functionDeclarations: tools.map(toolOf) }],
  })
}

function adopt(given: JsonObject): JsonObject {
  const { contents: own, ...others } = given
  if (own === undefined) return given['messages'] === undefined ? given : adopted(given, body)
  const isNeutral = listOf(own).some((one) => objectOf(one)?.['content'] !== undefined)
  return isNeutral ? adopted({ ...others, messages: own }, body) : given
}

function toolOf({ name, description, parameters }: Tool): Value {
  // `parametersJsonSchema` takes JSON Schema; `parameters` only a part of OpenAPI 3.0. A schema without properties is refused.
  const isEmpty = Object.keys(objectOf(parameters['properties']) ?? {}).length === 0
  return setMembers({ name, description: description || null, parametersJsonSchema: isEmpty ? null : parameters })
}

/** Models from Gemini 3 on, which refuse a call of the current turn that no model of theirs has signed. */
const SIGNS_CALLS = /(?:^|\/)gemini-(?:[3-9]|\d\d|\S*latest)/

/** What Google gives for calls of which there is no signature: https://ai.google.dev/gemini-api/docs/thought-signatures#faqs */
const UNSIGNED = { thoughtSignature: 'skip_thought_signature_validator' }

/** All results of one round stand in one content of the user. */
function contents(messages: readonly Message[], signsCalls: boolean): readonly Value[] {
  const list: { role: string; parts: Value[] }[] = []
  const turn = messages.findLastIndex(({ role }) => role === 'user')
  for (const [index, message] of messages.entries()) {
    if (message.role === 'system') continue
    const role = message.role === 'assistant' ? 'model' : 'user'
    const parts = partsOf(message, signsCalls && index > turn)
    const last = list.at(-1)
    if (message.role === 'tool' && last?.role === 'user') last.parts.push(...parts)
    else if (parts.length > 0) list.push({ role, parts: [...parts] })
  }
  return list
}

function partsOf(message: Message, signsCalls: boolean): readonly Value[] {
  if (message.role === 'tool') {
    const response = { [message.isError ? 'error' : 'result']: message.content }
    return [{ functionResponse: { name: message.name, response } }]
  }
  if (message.role !== 'assistant') return message.content.map(partOf)
  // Thought signatures must come back with the calls that they belong to.
  if (message.turn?.provider === 'google') return message.turn.content
  const text = textOfParts(message.content)
  const said: readonly Value[] = text === '' ? [] : [{ text }]
  // Of calls side by side, the first alone has a signature.
  return said.concat(
    message.calls.map(({ name, arguments: args }, index) => ({
      functionCall: { name, args },
      ...(signsCalls && index === 0 ? UNSIGNED : {}),
    })),
  )
}

function partOf(part: Part): Value {
  if (part.type === 'text') return { text: part.text }
  const data = dataUrl(part.url)
  return data === null
    ? { fileData: { fileUri: part.url } }
    : { inlineData: { mimeType: data.mediaType, data: data.data } }
}

/** Without `alt=sse` the frames come as a list; a proxy may also have called the method that does not stream. */
function framesOf(document: Value): readonly JsonObject[] | null {
  const frames = (Array.isArray(document) ? document : [document]).map(objectOf)
  const isAnswer = frames.some(
    (frame) => frame?.['candidates'] !== undefined || frame?.['promptFeedback'] !== undefined,
  )
  return isAnswer ? frames.filter((frame) => frame !== null) : null
}

function read(answer: Answer, frame: JsonObject, items: ProviderItem[]): void {
  if ((frame['error'] ?? null) !== null) throw toldFault(answer.host, frame)
  start(answer, wordsOf(frame['modelVersion']), frame, items)
  readUsage(answer, objectOf(frame['usageMetadata']))
  const candidate = firstAnswer(frame['candidates'])
  for (const part of listOf(objectOf(candidate?.['content'])?.['parts'])) readPart(answer, frame, objectOf(part), items)
  readSources(candidate, frame, items)
  const reason = wordsOf(candidate?.['finishReason'])
  if (reason !== null && FAILURES.has(reason)) throw toldFault(answer.host, { code: reason })
  if (reason !== null) {
    answer.isComplete = true
    // Calls end a turn with STOP, too.
    answer.finish = reason === 'STOP' && answer.calls.length > 0 ? 'tool_calls' : (FINISHES.get(reason) ?? 'other')
  }
  if (wordsOf(objectOf(frame['promptFeedback'])?.['blockReason']) !== null) {
    answer.isComplete = true
    answer.finish = 'content_filter'
  }
}

const FINISHES: ReadonlyMap<string, FinishReason> = new Map([
  ['STOP', 'stop'],
  ['MAX_TOKENS', 'length'],
  ...[
    'SAFETY',
    'RECITATION',
    'BLOCKLIST',
    'PROHIBITED_CONTENT',
    'SPII',
    'LANGUAGE',
    'MODEL_ARMOR',
    'IMAGE_SAFETY',
    'IMAGE_PROHIBITED_CONTENT',
    'IMAGE_RECITATION',
  ].map((reason): [string, FinishReason] => [reason, 'content_filter']),
])

/** Reasons that tell of an answer that could not be made or read: nothing, or half of one, is there. */
const FAILURES: ReadonlySet<string> = new Set([
  'MALFORMED_FUNCTION_CALL',
  'MALFORMED_RESPONSE',
  'MISSING_THOUGHT_SIGNATURE',
  'TOO_MANY_TOOL_CALLS',
  'UNEXPECTED_TOOL_CALL',
])

function readPart(answer: Answer, frame: JsonObject, part: JsonObject | null, items: ProviderItem[]): void {
  if (part === null) return
  const text = textOf(part['text'])
  if (text !== '') items.push({ kind: part['thought'] === true ? 'reasoning' : 'text', text, raw: frame })
  const called = objectOf(part['functionCall'])
  if (called !== null) {
    const call = callOf(answer, answer.calls.length)
    call.id = textOf(called['id'])
    call.name = textOf(called['name'])
    call.pieces.push(JSON.stringify(objectOf(called['args']) ?? {}))
    call.raw = part
  }
  if (answer.keepsTurn) answer.turn.push(part)
}

/** Pages of a search that the model made; they come with the last frame. */
function readSources(candidate: JsonObject | null, frame: JsonObject, items: ProviderItem[]): void {
  for (const chunk of listOf(objectOf(candidate?.['groundingMetadata'])?.['groundingChunks'])) {
    const page = objectOf(objectOf(chunk)?.['web'])
    if (page === null) continue
    const [url, title] = [wordsOf(page['uri']), wordsOf(page['title'])]
    items.push({ kind: 'source', text: title ?? url ?? '', url, title, raw: frame })
  }
}

function readUsage(answer: Answer, usage: JsonObject | null): void {
  if (usage === null) return
  const thoughts = countOf(usage['thoughtsTokenCount'])
  const said = countOf(usage['candidatesTokenCount'])
  noteUsage(answer, {
    input_tokens: countOf(usage['promptTokenCount']),
    output_tokens: said === null && thoughts === null ? null : (said ?? 0) + (thoughts ?? 0),
    reasoning_tokens: thoughts,
    cached_tokens: countOf(usage['cachedContentTokenCount']),
  })
}
