import { type Page, mediaType } from '../../stream-store/index.ts'
import { bodyOf } from './page-body.ts'

/** How chunks of a stream are written as events: text as it is, JSON messages as an array, anything else as base64. */
export type SseEncoding = 'text' | 'json' | 'base64'

export function sseEncoding(contentType: string): SseEncoding {
  const type = mediaType(contentType)
  if (type === 'application/json') return 'json'
  return type.startsWith('text/') ? 'text' : 'base64'
}

/** What follows every data event, and tells a reader where it is. */
export interface Control {
  readonly streamNextOffset: string
  /** Left out at the end of a closed stream: there is nothing to come back for. */
  readonly streamCursor?: string
  readonly upToDate?: true
  readonly streamClosed?: true
}

const SPACE = 0x20
const EVENT_END = Buffer.from('\n\n')
const CR = 0x0d
const LF = 0x0a

/**
 * The chunks of a page as one event; of an empty page only the begin of the control event that follows. It carries the offset as its `id`,
 * which the protocol leaves free: a browser's EventSource repeats its URL, offset included, when a connection is over, and knows its place by
 * that alone.
 */
export function sseData(page: Page, encoding: SseEncoding, nextOffset: string): Buffer {
  const id = `id: ${nextOffset}\n`
  if (page.bytes === 0) return Buffer.from(id)
  const body = bodyOf(page, encoding === 'json')
  const data = encoding === 'base64' ? Buffer.from(body.toString('base64')) : lines(body)
  return Buffer.concat([Buffer.from(`${id}event: data\ndata:`), data, EVENT_END])
}

/** The control event, which follows the data. */
export function sseControl(control: Control): Buffer {
  return Buffer.from(`event: control\ndata:${JSON.stringify(control)}\n\n`)
}

/**
 * Every line of the content becomes a data line: whatever it holds, it cannot end the event (WHATWG HTML, "Server-sent events"). Readers take
 * one space off, so a line that begins with one, as tokens of language models do, gets another.
 */
function lines(body: Buffer): Buffer {
  if (body[0] !== SPACE && !body.includes(LF) && !body.includes(CR)) return body
  // As latin1 a byte is a character: bytes that are no UTF-8 stay what they are.
  const text = body.toString('latin1').replace(/(\r\n|\r|\n)( ?)/g, '\ndata:$2$2')
  return Buffer.from(text.startsWith(' ') ? ` ${text}` : text, 'latin1')
}
