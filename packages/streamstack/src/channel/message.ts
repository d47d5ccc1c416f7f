import { type Chunk, StreamstackError, type Value } from '@streamstack/protocol'
import { jsonText } from '../expression/index.ts'
import { type PlainBounds, freezePlain } from '../input/plain-value.ts'

/** What somebody publishes. */
export interface Message {
  readonly content: Value
  /** An object, or null. */
  readonly metadata: Value
  /** A message that comes again with the key of one before adds nothing; null: it has none. */
  readonly key: string | null
}

const BOUNDS: PlainBounds = { depthMax: 64, keysMax: 100_000 }

/** A message from outside, checked as bodies of calls are. Throws `input_invalid`. */
export function checkOutside({ content, metadata }: Message): void {
  for (const [name, value] of Object.entries({ content, metadata })) {
    const checked = freezePlain(value, BOUNDS)
    if ('fault' in checked) throw new StreamstackError('input_invalid', `\`${name}\` ${checked.fault}.`)
  }
}

/** The message as a chunk. Throws `body_too_large`, `input_invalid`, and `limit_exceeded` for values that no JSON could hold. */
export function chunkOf({ content, metadata }: Message, bytesMax: number): Chunk {
  if (metadata !== null && (typeof metadata !== 'object' || Array.isArray(metadata))) {
    throw new StreamstackError('input_invalid', '`metadata` must be an object.')
  }
  const metadataText = metadata === null ? null : boundedText(metadata, bytesMax)
  const chunk: Chunk =
    typeof content === 'string'
      ? { type: 'text', data: content, metadata: metadataText }
      : { type: 'json', data: boundedText(content, bytesMax), metadata: metadataText }
  const bytes = Buffer.byteLength(chunk.data) + (metadataText === null ? 0 : Buffer.byteLength(metadataText))
  if (bytes > bytesMax) throw tooLarge(bytesMax)
  return chunk
}

function boundedText(value: Value, bytesMax: number): string {
  try {
    return jsonText(value, bytesMax)
  } catch (error) {
    if (error instanceof StreamstackError && error.code === 'limit_exceeded') throw tooLarge(bytesMax)
    throw error
  }
}

function tooLarge(bytesMax: number): StreamstackError {
  const message = `The message is larger than the ${bytesMax.toLocaleString('en')} bytes that this channel takes. Send less, or raise its max_bytes.`
  return new StreamstackError('body_too_large', message, { details: { limit_bytes: bytesMax } })
}

interface Opened {
  readonly message: Value
  readonly metadata: Value
}

/** Chunks are shared by all who read them, and so is what they hold. */
const opened = new WeakMap<Chunk, Opened>()

/** Content and metadata of a chunk as conditions see them. */
export function openChunk(chunk: Chunk): Opened {
  const known = opened.get(chunk)
  if (known !== undefined) return known
  const made: Opened = {
    message: chunk.type === 'text' ? chunk.data : (JSON.parse(chunk.data) as Value),
    metadata: chunk.metadata === null ? null : (JSON.parse(chunk.metadata) as Value),
  }
  opened.set(chunk, made)
  return made
}
