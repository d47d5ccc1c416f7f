import type { ClientMessage, Value } from '@streamstack/protocol'
import { StreamstackError } from '@streamstack/protocol'
import { longNumberFault } from '../../input/long-numbers.ts'
import { parseJson, parseJsonInPieces } from '../../input/parse-json.ts'
import { isRecord } from '../../input/plain-value.ts'
import { cutText } from '../../text/cut-text.ts'
import { jsonInPieces } from '../../text/json-in-pieces.ts'
import { isDeep } from '../../text/parse-exact-json.ts'
import { didYouMean, didYouMeanOr, suggest } from '../../text/did-you-mean.ts'

/** A message whose `id` is right and whose other fields are not: it is refused under its id. */
export interface BadMessage {
  readonly type: 'bad'
  readonly id: string
  readonly error: StreamstackError
}

type Fields = { readonly [name: string]: Value }

/** Names that mean the same however they are sent: no blanks, no letters that look like others. */
const ID = /^[\w.:/-]{1,64}$/

/**
 * Reads a message of a client. What is not known is refused: a misspelt `after` would read all of a stream again, and say nothing.
 *
 * @throws StreamstackError `message_invalid` when it is not of the protocol, so that no id can be told that it is refused.
 */
export function readClientMessage(text: string): ClientMessage | BadMessage {
  const parsed = parseJson(text)
  if ('value' in parsed) return messageOf(parsed.value)
  const error = invalid(`The message ${parsed.fault}.`)
  // Depth alone takes tens of milliseconds to parse.
  if (isDeep(text)) throw error
  let value: Value
  try {
    value = JSON.parse(text)
  } catch {
    throw error
  }
  return refused(value, error)
}

/** The same for large messages: yields every few milliseconds at most. */
export function* readClientMessageInPieces(text: string): Generator<undefined, ClientMessage | BadMessage> {
  const parsed = yield* parseJsonInPieces(text)
  if ('value' in parsed) return messageOf(parsed.value)
  const error = invalid(`The message ${parsed.fault}.`)
  if (isDeep(text)) throw error
  let value: Value
  try {
    value = yield* jsonInPieces(text, { parse: (piece) => JSON.parse(piece) as Value })
  } catch {
    throw error
  }
  return refused(value, error)
}

function messageOf(value: Value): ClientMessage | BadMessage {
  if (!isRecord(value)) throw invalid('A message is a JSON object, such as {"type":"ping"}.')
  const { type } = value
  if (type === 'ping') {
    checkNames(type, value)
    return { type }
  }
  if (type === 'auth') {
    checkNames(type, value)
    const { token } = value
    if (token === null || typeof token === 'string') return { type, token }
    throw invalid('`token` must be the token as text, or null for none.')
  }
  const read = typeof type === 'string' ? readers.get(type) : undefined
  if (typeof type !== 'string' || read === undefined) throw invalid(unknownType(type))
  const { id } = value
  if (typeof id !== 'string' || !ID.test(id)) {
    throw invalid('`id` must be a text of 1 to 64 letters, digits and the characters _ . : / -')
  }
  try {
    checkNames(type, value)
    return read(id, value)
  } catch (error) {
    // An id that is left or cancelled is open, and no last word can be said under it.
    if (type === 'leave' || type === 'cancel' || !(error instanceof StreamstackError)) throw error
    return { type: 'bad', id, error }
  }
}

/** Valid JSON that is too deep or too large, or has forbidden names: data that the client only passes on, and no reason to end the connection. */
function refused(value: Value, error: StreamstackError): BadMessage {
  const id = isRecord(value) && Object.hasOwn(value, 'id') ? value['id'] : null
  if (typeof id === 'string' && ID.test(id)) return { type: 'bad', id, error }
  throw error
}

const readers: ReadonlyMap<string, (id: string, fields: Fields) => ClientMessage> = new Map([
  ['call', readCall],
  ['read', readRead],
  ['subscribe', readSubscribe],
  ['presence', (id, fields) => ({ type: 'presence', id, channel: text(fields, 'channel') })],
  ['publish', readPublish],
  ['leave', (id) => ({ type: 'leave', id })],
  ['cancel', (id) => ({ type: 'cancel', id })],
])

/** What each message holds beside its `type`. */
const names: Readonly<Record<string, readonly string[]>> = {
  auth: ['token'],
  ping: [],
  call: ['id', 'endpoint', 'inputs', 'key', 'after'],
  read: ['id', 'stream', 'after'],
  subscribe: ['id', 'channel', 'after', 'presence', 'data'],
  presence: ['id', 'channel'],
  publish: ['id', 'channel', 'content', 'metadata', 'key'],
  leave: ['id'],
  cancel: ['id'],
}

function unknownType(type: Value | undefined): string {
  const known = Object.keys(names)
  const near = typeof type === 'string' ? didYouMean(type, known) : null
  return `\`type\` must be one of ${known.join(', ')}.${near === null ? '' : ` ${suggest(near)}`}`
}

function checkNames(type: string, fields: Fields): void {
  const known = names[type] ?? []
  const strange = Object.keys(fields).find((name) => name !== 'type' && !known.includes(name))
  if (strange === undefined) return
  const near = didYouMean(strange, known)
  const cure = didYouMeanOr(near, `It takes ${known.join(', ') || 'nothing else'}.`)
  throw invalid(`\`${type}\` has no field \`${cutText(strange, 64)}\`. ${cure}`)
}

function readCall(id: string, fields: Fields): ClientMessage {
  const inputs = record(fields, 'inputs')
  const key = optional(fields, 'key', text)
  const after = optional(fields, 'after', offset)
  return {
    type: 'call',
    id,
    endpoint: text(fields, 'endpoint'),
    ...(inputs === undefined ? {} : { inputs }),
    ...(key === undefined ? {} : { key }),
    ...(after === undefined ? {} : { after }),
  }
}

function readRead(id: string, fields: Fields): ClientMessage {
  const after = optional(fields, 'after', offsetOrText)
  return { type: 'read', id, stream: text(fields, 'stream'), ...(after === undefined ? {} : { after }) }
}

function readSubscribe(id: string, fields: Fields): ClientMessage {
  const after = optional(fields, 'after', offsetOrNow)
  const presence = optional(fields, 'presence', flag)
  checkNumbers(fields, ['data'])
  return {
    type: 'subscribe',
    id,
    channel: text(fields, 'channel'),
    ...(after === undefined ? {} : { after }),
    ...(presence === undefined ? {} : { presence }),
    ...(fields['data'] === undefined ? {} : { data: fields['data'] }),
  }
}

function readPublish(id: string, fields: Fields): ClientMessage {
  const metadata = record(fields, 'metadata')
  const key = optional(fields, 'key', text)
  checkNumbers(fields, ['content', 'metadata'])
  if (fields['content'] === undefined) throw invalid('`content` is missing; null is a content, too.')
  return {
    type: 'publish',
    id,
    channel: text(fields, 'channel'),
    content: fields['content'],
    ...(metadata === undefined ? {} : { metadata }),
    ...(key === undefined ? {} : { key }),
  }
}

/** A field that may be left out or null. */
function optional<T>(fields: Fields, name: string, read: (fields: Fields, name: string) => T): T | undefined {
  return fields[name] === undefined || fields[name] === null ? undefined : read(fields, name)
}

function checkNumbers(fields: Fields, names: readonly string[]): void {
  const fault = longNumberFault(fields, names)
  if (fault !== null) throw new StreamstackError('input_invalid', fault)
}

function text(fields: Fields, name: string): string {
  const value = fields[name]
  if (typeof value === 'string' && value !== '') return value
  throw invalid(`\`${name}\` must be a text that is not empty.`)
}

function flag(fields: Fields, name: string): boolean {
  const value = fields[name]
  if (typeof value === 'boolean') return value
  throw invalid(`\`${name}\` must be true or false.`)
}

function offset(fields: Fields, name: string): number {
  const value = fields[name]
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw invalid(`\`${name}\` must be an offset: a whole number, 0 for the start.`)
}

function offsetOrNow(fields: Fields, name: string): number | 'now' {
  return fields[name] === 'now' ? 'now' : offset(fields, name)
}

/** Which texts are offsets depends on the stream. */
function offsetOrText(fields: Fields, name: string): number | string {
  return typeof fields[name] === 'string' ? text(fields, name) : offset(fields, name)
}

function record(fields: Fields, name: string): Fields | undefined {
  const value = fields[name]
  if (value === undefined || value === null) return undefined
  if (isRecord(value)) return value
  throw invalid(`\`${name}\` must be an object.`)
}

function invalid(message: string): StreamstackError {
  return new StreamstackError('message_invalid', message)
}
