import { isUtf8 } from 'node:buffer'
import { StreamstackError, type Value } from '@streamstack/protocol'
import { jsonInPieces } from '../text/json-in-pieces.ts'
import { isDeep } from '../text/parse-exact-json.ts'

const COMMA = 0x2c
const QUOTE = 0x22
const BACKSLASH = 0x5c
const BRACKET = 0x5b
const CLOSING_BRACKET = 0x5d
/** White space of JSON. */
const BLANKS: readonly number[] = [0x20, 0x0a, 0x0d, 0x09]

/**
 * The messages of a JSON body, as a JSON stream keeps them: one level of array is taken off, and a comma follows the last message, so that
 * chunks need only be put one after another. The bytes are the sender's own: numbers keep every digit.
 *
 * @param isValid whether the body is JSON in UTF-8, where that is known already.
 * @returns null when the body is an empty array.
 * @throws StreamstackError `body_unreadable`.
 */
export function jsonMessages(body: Buffer, isValid = isJsonText(body)): Buffer | null {
  if (!isValid) {
    throw new StreamstackError('body_unreadable', 'This stream takes JSON, and the body is not valid JSON in UTF-8.')
  }
  const begin = blanksEnd(body)
  if (body[begin] !== BRACKET) return Buffer.concat([body, Buffer.of(COMMA)])
  // Its brackets are the first and the last byte that is not white space.
  const messages = body.subarray(begin + 1, body.lastIndexOf(CLOSING_BRACKET))
  return blanksEnd(messages) === messages.length ? null : Buffer.concat([messages, Buffer.of(COMMA)])
}

function blanksEnd(bytes: Buffer): number {
  let at = 0
  while (at < bytes.length && BLANKS.includes(bytes[at] as number)) at++
  return at
}

/** The first `count` messages of a chunk; null when it holds fewer. */
export function firstMessages(chunk: Buffer, count: number): Buffer | null {
  let depth = 0
  let found = 0
  let isText = false
  for (let at = 0; at < chunk.length; at++) {
    const byte = chunk[at]
    if (isText) {
      if (byte === BACKSLASH) at++
      else if (byte === QUOTE) isText = false
    } else if (byte === QUOTE) isText = true
    else if (byte === 0x5b || byte === 0x7b) depth++
    else if (byte === 0x5d || byte === 0x7d) depth--
    else if (byte === COMMA && depth === 0 && ++found === count) return chunk.subarray(0, at + 1)
  }
  return null
}

function isJsonText(body: Buffer): boolean {
  const text = textOf(body)
  if (text === null) return false
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** Whether a body is JSON in UTF-8: for large ones; yields every few milliseconds at most. */
export function* isJsonInPieces(body: Buffer): Generator<undefined, boolean> {
  const text = textOf(body)
  if (text === null) return false
  try {
    yield* jsonInPieces(text, { parse: (piece) => JSON.parse(piece) as Value })
    return true
  } catch {
    return false
  }
}

/** Null: it can be no JSON, or it is nested so deep that no reader could walk through it. */
function textOf(body: Buffer): string | null {
  if (!isUtf8(body)) return null
  const text = body.toString('utf8')
  return isDeep(text) ? null : text
}
