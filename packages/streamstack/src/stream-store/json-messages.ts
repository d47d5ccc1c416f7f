import { isUtf8 } from 'node:buffer'
import { StreamstackError } from '@streamstack/protocol'
import { isDeep } from '../text/parse-exact-json.ts'

const COMMA = 0x2c
const QUOTE = 0x22
const BACKSLASH = 0x5c

/**
 * The messages of a JSON body, as a JSON stream keeps them: one level of array is taken off, and a comma follows the last message, so that
 * chunks need only be put one after another. The bytes are the sender's own: numbers keep every digit.
 *
 * @returns null when the body is an empty array.
 * @throws StreamstackError `body_unreadable`.
 */
export function jsonMessages(body: Buffer): Buffer | null {
  const value = parse(body)
  if (!Array.isArray(value)) return Buffer.concat([body, Buffer.of(COMMA)])
  if (value.length === 0) return null
  // Its brackets are the first and the last byte that is not white space.
  return Buffer.concat([body.subarray(body.indexOf(0x5b) + 1, body.lastIndexOf(0x5d)), Buffer.of(COMMA)])
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

function parse(body: Buffer): unknown {
  try {
    if (!isUtf8(body)) throw new SyntaxError('not UTF-8')
    const text = body.toString('utf8')
    // Depth alone takes tens of milliseconds to parse, and no reader could walk through it.
    if (isDeep(text)) throw new SyntaxError('nested too deeply')
    return JSON.parse(text)
  } catch (cause) {
    throw new StreamstackError('body_unreadable', 'This stream takes JSON, and the body is not valid JSON in UTF-8.', {
      cause,
    })
  }
}
