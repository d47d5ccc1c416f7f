import { TextDecoder } from 'node:util'
import { StreamstackError } from '@streamstack/protocol'
import type { Value } from '@streamstack/protocol'
import { BytePieces } from '../coding/index.ts'
import { parseExactJson, parseExactJsonInPieces } from '../text/parse-exact-json.ts'
import type { ByteSource } from './byte-source.ts'
import { contentTypeOf, isJson } from './headers.ts'
import { inTurns } from './in-turns.ts'
import { textDecoderFor } from './text-decoder-for.ts'

/** JSON of that many characters is parsed in turns of the event loop with other answers. */
const LARGE_CHARACTERS = 65_536

/** How the bytes of a whole answer are given: parsed, as text, or (what is no valid text) as base64. */
export interface DecodedBody {
  body: Value
  encoding: 'json' | 'text' | 'base64'
}

/** Reads a body to its end. Rejects with `upstream_too_large`, or with whatever broke it. */
export async function collectBytes(source: ByteSource, bytesMax: number): Promise<Buffer> {
  const pieces = new BytePieces()
  let bytes = 0
  for (;;) {
    for (let chunk = source.read(); chunk !== undefined; chunk = source.read()) {
      bytes += chunk.byteLength
      if (bytes > bytesMax) {
        const tooLarge = new StreamstackError(
          'upstream_too_large',
          `The answer of ${source.host} is larger than ${bytesMax} bytes.`,
        )
        source.abort(tooLarge)
        throw tooLarge
      }
      pieces.push(chunk)
    }
    if (source.failed) throw source.failure
    if (source.ended) return pieces.joined()
    const { promise, resolve } = Promise.withResolvers<void>()
    source.whenReady(resolve)
    await promise
  }
}

/** As much of a failed answer as helps in a log: 1 kB, waited for half a second, and no failure of its own. */
export async function collectExcerpt(source: ByteSource): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  const timer = setTimeout(() => source.abort(new Error('enough')), 500)
  while (bytes < 1024) {
    const chunk = source.read()
    if (chunk !== undefined) {
      chunks.push(chunk)
      bytes += chunk.byteLength
    } else if (source.failed || source.ended) {
      break
    } else {
      const { promise, resolve } = Promise.withResolvers<void>()
      source.whenReady(resolve)
      await promise
    }
  }
  clearTimeout(timer)
  releaseBody(source)
  return Buffer.concat(chunks).toString('utf8', 0, 1024)
}

/**
 * Gives up the rest of a body. A rest that is short and comes within a second is read away, so that the connection
 * can serve the next request; otherwise the connection is closed.
 */
export function releaseBody(source: ByteSource): void {
  const enough = new Error('enough')
  let bytesLeft = 64 * 1024
  const timer = setTimeout(() => source.abort(enough), 1000)
  timer.unref()
  const readAway = (): void => {
    for (let chunk = source.read(); chunk !== undefined; chunk = source.read()) bytesLeft -= chunk.byteLength
    const over = source.ended || source.failed
    if (!over && bytesLeft > 0) {
      source.whenReady(readAway)
      return
    }
    clearTimeout(timer)
    if (!over) source.abort(enough)
  }
  readAway()
}

/**
 * Bytes as a value, by their Content-Type. JSON must be JSON: `upstream_failed` otherwise. An empty JSON answer is
 * null.
 */
export async function decodeBody(
  bytes: Buffer,
  headers: Readonly<Record<string, string>>,
  host: string,
): Promise<DecodedBody> {
  const { mediaType, charset } = contentTypeOf(headers)
  if (isJson(mediaType)) {
    // TextDecoder takes a byte order mark away, which JSON.parse would refuse.
    const text = new TextDecoder().decode(bytes)
    if (text.trim() === '') return { body: null, encoding: 'json' }
    try {
      return { body: await exactJson(text), encoding: 'json' }
    } catch (cause) {
      const message = `${host} answered with ${mediaType} that is not valid JSON.`
      throw new StreamstackError('upstream_failed', message, { cause })
    }
  }
  const text = decodedText(bytes, charset)
  return text === undefined ? { body: bytes.toString('base64'), encoding: 'base64' } : { body: text, encoding: 'text' }
}

function exactJson(text: string): Value | Promise<Value> {
  return text.length < LARGE_CHARACTERS ? parseExactJson(text) : inTurns(parseExactJsonInPieces(text))
}

/** Undefined when the bytes are no text of their charset. */
function decodedText(bytes: Buffer, charset: string): string | undefined {
  try {
    return textDecoderFor(charset, { fatal: true }).decode(bytes)
  } catch (error) {
    if (error instanceof TypeError) return undefined
    throw error
  }
}
