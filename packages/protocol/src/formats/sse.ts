import type { Chunk, Decoded } from '../chunk.ts'
import { decodedEnd, decodedError, decodedOffset } from './decoded.ts'
import type { Decoder, EncodeOptions, Format } from './format.ts'
import { parseObject, parsePart } from './format-error.ts'
import { contentJson, contentPair } from './lines.ts'

/**
 * `sse`: server-sent events (WHATWG HTML, "Server-sent events"). `id:` is the offset, `data:` one line of JSON: the content, or
 * `{"content","metadata"}` when metadata is asked for; a content of exactly `[DONE]` is written bare, as chat clients look
 * for it. Errors are `event: error`, the last event is `event: end`, a comment is the heartbeat. JSON holds no CR, LF or NUL, so no content can
 * add a field or an event.
 */
export const sse: Format = {
  name: 'sse',
  encoder: ({ metadata }) => ({
    contentType: 'text/event-stream; charset=utf-8',
    heartbeat: ': keep-alive\n\n',
    tellsOutcome: true,
    chunks: metadata ? withMetadata : plain,
    fault: (error) => `event: error\ndata: ${JSON.stringify(error)}\n\n`,
    end: (end) => `event: end\ndata: ${JSON.stringify(end)}\n\n`,
  }),
  decoder: sseDecoder,
}

const DONE = '[DONE]'

/** A field and its value, without the one space that may stand before it; no field is a comment. */
const LINE = /^([^:]*):? ?([^]*)$/

function plain(chunks: readonly Chunk[], from: number, to: number, offset: number): string {
  let out = ''
  for (let i = from; i < to; i++) {
    const chunk = chunks[i] as Chunk
    const id = offset + i - from
    if (chunk.type === 'error') out += errorEvent(id, chunk)
    else if (chunk.data === DONE) out += `id: ${id}\ndata: [DONE]\n\n`
    else out += `id: ${id}\ndata: ${contentJson(chunk)}\n\n`
  }
  return out
}

function withMetadata(chunks: readonly Chunk[], from: number, to: number, offset: number): string {
  let out = ''
  for (let i = from; i < to; i++) {
    const chunk = chunks[i] as Chunk
    const id = offset + i - from
    if (chunk.type === 'error') out += errorEvent(id, chunk)
    else if (chunk.data === DONE && chunk.metadata === null) out += `id: ${id}\ndata: [DONE]\n\n`
    else out += `id: ${id}\ndata: {"content":${contentJson(chunk)},"metadata":${chunk.metadata ?? 'null'}}\n\n`
  }
  return out
}

function errorEvent(id: number, chunk: Chunk): string {
  return `id: ${id}\nevent: error\ndata: ${chunk.data}\n\n`
}

/**
 * Reads what the encoder writes, and any other legal spelling of it: CR, LF or CRLF, fields in any order, several data lines. Events of other
 * kinds are passed over. Throws FormatError.
 */
export function sseDecoder({ metadata }: EncodeOptions): Decoder {
  // A line that is not ended yet, as pieces: appending to one growing string costs O(n²) when a long line trickles in.
  let pieces: string[] = []
  // The LF of a CRLF that was cut between two pieces ends no second line.
  let skipsLineFeed = false
  let atStart = true
  let event = ''
  let data: string[] = []
  let id: string | null = null

  const dispatch = (): Decoded | null => {
    const text = data.join('\n')
    const kind = event
    const hadData = data.length > 0
    // To a browser an id holds on for later events; an offset is of its own event only, and an error of one reader has none.
    const offset = id !== null && /^\d{1,16}$/.test(id) ? decodedOffset(Number(id)) : null
    event = ''
    data = []
    id = null
    if (!hadData) return null
    if (kind === 'error') return { ...decodedError(parsePart(text)), offset }
    if (kind === 'end') return decodedEnd(parseObject(text))
    if (kind !== '' && kind !== 'message') return { type: 'comment' }
    if (text === DONE) return { type: 'chunk', offset, content: DONE, metadata: null }
    if (metadata) return { type: 'chunk', offset, ...contentPair(parseObject(text)) }
    return { type: 'chunk', offset, content: parsePart(text), metadata: null }
  }

  const readLine = (text: string): Decoded | null => {
    if (text === '') return dispatch()
    const [, field = '', value = ''] = LINE.exec(text) ?? []
    if (field === '') return { type: 'comment' }
    if (field === 'data') data.push(value)
    else if (field === 'event') event = value
    else if (field === 'id' && !value.includes('\0')) id = value
    return null
  }

  return {
    push(text) {
      const found: Decoded[] = []
      if (text === '') return found
      let start = 0
      if (atStart && text.startsWith('\uFEFF')) start = 1
      atStart = false
      if (skipsLineFeed && text.startsWith('\n')) start = 1
      skipsLineFeed = false
      for (let i = start; i < text.length; i++) {
        const code = text.charCodeAt(i)
        if (code !== 10 && code !== 13) continue
        const rest = text.slice(start, i)
        const decoded = readLine(pieces.length === 0 ? rest : pieces.join('') + rest)
        pieces = []
        if (decoded !== null) found.push(decoded)
        if (code === 13) {
          if (i + 1 === text.length) skipsLineFeed = true
          else if (text.charCodeAt(i + 1) === 10) i++
        }
        start = i + 1
      }
      if (start < text.length) pieces.push(text.slice(start))
      return found
    },
    // An event that no blank line ended is not an event (WHATWG): it was cut off.
    flush: () => [],
  }
}
