import { after } from '../../storage/index.ts'
import type { Page } from '../../stream-store/index.ts'
import { bodyOf } from './page-body.ts'
import { type SseEncoding, sseEncoding } from './sse-events.ts'

/** `json`: an array of messages. `text`: a text. `base64`: bytes as a text. */
export type ContentEncoding = SseEncoding

/** What a page holds as one JSON value. */
export interface PageContent {
  /** As UTF-8; null: there is nothing to tell yet, as all of it is the beginning of a character. */
  readonly json: Buffer | null
  /** Bytes at the end of the page whose character is not whole: they come before the next one. */
  readonly rest: Buffer
}

const NOTHING = Buffer.alloc(0)

/** Names of charsets whose bytes are UTF-8. */
const UTF8 = ['utf-8', 'utf8', 'us-ascii', 'ascii']

/** A character has up to four bytes, so that up to three of them may be there without the last. */
const REST_BYTES_MAX = 3

/** How the content of a stream is written into JSON. As events of the protocol, but text of another charset than UTF-8, which JSON cannot hold, goes as bytes. */
export function contentEncoding(contentType: string): ContentEncoding {
  const encoding = sseEncoding(contentType)
  if (encoding !== 'text') return encoding
  const charset = /;\s*charset\s*=\s*"?([^\s;"]*)/i.exec(contentType)?.[1]?.toLowerCase() ?? 'utf-8'
  return UTF8.includes(charset) ? 'text' : 'base64'
}

/** A page that is not empty, after what an earlier one left. JSON keeps its characters: numbers lose no digit. */
export function pageContent(page: Page, encoding: ContentEncoding, restBefore: Buffer): PageContent {
  const body = bodyOf(page, encoding === 'json')
  if (encoding === 'json') return { json: body, rest: NOTHING }
  if (encoding === 'base64') return { json: Buffer.from(`"${body.toString('base64')}"`), rest: NOTHING }
  const bytes = restBefore.length === 0 ? body : Buffer.concat([restBefore, body])
  const rest = unfinishedCharacter(bytes)
  const text = bytes.toString('utf8', 0, bytes.length - rest.length)
  return { json: text === '' ? null : Buffer.from(JSON.stringify(text)), rest }
}

/**
 * The bytes before a position whose character is not whole, so that it belongs to what comes. `appendBefore` gives what was appended last up to a
 * position; null: it is not kept.
 */
export function restAt(
  position: number,
  appendBefore: (position: number) => Buffer | null | Promise<Buffer | null>,
  bytes: Buffer = NOTHING,
): Buffer | Promise<Buffer> {
  if (bytes.length >= REST_BYTES_MAX) return unfinishedCharacter(bytes)
  return after(appendBefore(position), (piece) => {
    if (piece === null) return unfinishedCharacter(bytes)
    return restAt(position - 1, appendBefore, Buffer.concat([piece.subarray(-REST_BYTES_MAX), bytes]))
  })
}

/** A copy: the bytes may be part of a large buffer. */
function unfinishedCharacter(bytes: Buffer): Buffer {
  for (let count = 1; count <= Math.min(REST_BYTES_MAX, bytes.length); count++) {
    const byte = bytes[bytes.length - count] as number
    const isContinuation = (byte & 0xc0) === 0x80
    if (isContinuation) continue
    return characterBytes(byte) > count ? Buffer.from(bytes.subarray(-count)) : NOTHING
  }
  return NOTHING
}

/** How many bytes a character has, by its first one. */
function characterBytes(first: number): number {
  if (first < 0xc0) return 1
  if (first < 0xe0) return 2
  return first < 0xf0 ? 3 : 4
}
