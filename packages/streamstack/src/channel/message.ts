import { type Chunk, StreamstackError, type Value, isTextKind } from '@streamstack/protocol'
import { jsonText } from '../expression/index.ts'
import { canonicalJson } from '../text/canonical-json.ts'
import { type PlainBounds, freezePlain } from '../input/plain-value.ts'

/** A message to publish. */
export interface Message {
  readonly content: Value
  /** An object, or null. The server adds `sent_at` and `sender`. */
  readonly metadata: Value
  /** A message that comes again with the key of one before adds nothing; null: it has none. */
  readonly key: string | null
}

/** What the server itself says of a message, in its metadata, whatever its publisher says under these names. */
export interface Stamp {
  /** Milliseconds since 1970. */
  readonly sentAtMs: number
  /** Subject of the token that it was published with, null without; undefined for steps, which say themselves whom they speak for. */
  readonly sender: string | null | undefined
}

/** First in the metadata, and always as long. */
const SENT_AT = /^\{"sent_at":"[^"]{24}"/

const BOUNDS: PlainBounds = { depthMax: 64, keysMax: 100_000 }

/** A message from outside, checked as bodies of calls are. Throws `input_invalid`. */
export function checkOutside({ content, metadata }: Message): void {
  for (const [name, value] of Object.entries({ content, metadata })) {
    const checked = freezePlain(value, BOUNDS)
    if ('fault' in checked) throw new StreamstackError('input_invalid', `\`${name}\` ${checked.fault}.`)
  }
}

/** The message as a chunk, with metadata that is always an object. The bytes are those of the publisher. Throws `body_too_large`, `input_invalid`, and `limit_exceeded` for values that no JSON could hold. */
export function chunkOf({ content, metadata }: Message, bytesMax: number, stamp: Stamp): Chunk {
  if (metadata !== null && (typeof metadata !== 'object' || Array.isArray(metadata))) {
    throw new StreamstackError('input_invalid', '`metadata` must be an object.')
  }
  const own = metadata === null ? '' : boundedText(unstamped(metadata, stamp), bytesMax)
  const chunk: Chunk =
    typeof content === 'string'
      ? { kind: 'text', data: content, metadata: stamped(own, stamp) }
      : { kind: 'json', data: boundedText(content, bytesMax), metadata: stamped(own, stamp) }
  if (Buffer.byteLength(chunk.data) + Buffer.byteLength(own) > bytesMax) throw messageTooLarge(bytesMax)
  return chunk
}

/** What a publisher repeats when it sends the same message again: the message without its time, however it is written. */
export function repeatedPart({ kind, data, metadata }: Chunk): string {
  const content = isTextKind(kind) ? data : parsed(data)
  return canonicalJson([kind, content, metadata === null ? null : parsed(metadata.replace(SENT_AT, '{"sent_at":""'))])
}

function parsed(json: string): Value {
  return JSON.parse(json)
}

/** Metadata without what only the server says. */
function unstamped(metadata: object, { sender }: Stamp): Value {
  const isTaken = (name: string): boolean => name === 'sent_at' || (name === 'sender' && sender !== undefined)
  const entries = Object.entries(metadata as Readonly<Record<string, Value>>)
  return Object.fromEntries(entries.filter(([name]) => !isTaken(name)))
}

/** As text, so that nothing of what the publisher wrote is read and written anew. `own`: an object as JSON, or empty. */
function stamped(own: string, { sentAtMs, sender }: Stamp): string {
  const by = sender === undefined ? '' : `,"sender":${JSON.stringify(sender)}`
  const rest = own.length > '{}'.length ? `,${own.slice(1)}` : '}'
  return `{"sent_at":"${new Date(sentAtMs).toISOString()}"${by}${rest}`
}

function boundedText(value: Value, bytesMax: number): string {
  try {
    return jsonText(value, bytesMax)
  } catch (error) {
    if (error instanceof StreamstackError && error.code === 'limit_exceeded') throw messageTooLarge(bytesMax)
    throw error
  }
}

/** `body_too_large`, for a message of more bytes than its channel takes. */
export function messageTooLarge(bytesMax: number): StreamstackError {
  const message = `The message is larger than the ${bytesMax.toLocaleString('en')} bytes that this channel takes. Send less, or raise its max_bytes.`
  return new StreamstackError('body_too_large', message, { details: { limit_bytes: bytesMax } })
}

interface Opened {
  readonly message: Value
  readonly metadata: Value
}

/** Key of the parsed content on a chunk, which all subscribers share. A property, because a WeakMap of young objects slows down their collection. */
const opened = Symbol('opened')

interface OpenedChunk extends Chunk {
  [opened]?: Opened
}

/** Returns content and metadata of a chunk as conditions see them. Parses a chunk once, however many subscribers check it. */
export function openChunk(chunk: OpenedChunk): Opened {
  const known = chunk[opened]
  if (known !== undefined) return known
  const made: Opened = {
    message: isTextKind(chunk.kind) ? chunk.data : (JSON.parse(chunk.data) as Value),
    metadata: chunk.metadata === null ? null : (JSON.parse(chunk.metadata) as Value),
  }
  chunk[opened] = made
  return made
}
