import type { Chunk, Decoded, Outcome } from '../chunk.ts'
import type { PublicError } from '../errors.ts'
import type { Decoder, Format } from './format.ts'
import { contentJson } from './lines.ts'

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
  decoder: ({ metadata }) => sseDecoder(metadata),
}

const DONE = '[DONE]'

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

/** Reads what the encoder writes, and any other legal spelling of it: CR, LF or CRLF, fields in any order, several data lines. */
function sseDecoder(metadata: boolean): Decoder {
  let buffered = ''
  let sawCarriageReturn = false
  let atStart = true
  let event = ''
  let data: string[] = []
  let id: string | null = null

  const dispatch = (): Decoded | null => {
    const text = data.join('\n')
    const kind = event
    const hadData = data.length > 0
    event = ''
    data = []
    if (!hadData) return null
    const offset = id !== null && /^\d+$/.test(id) ? Number(id) : null
    if (kind === 'error') return { type: 'error', offset, error: JSON.parse(text) as PublicError }
    if (kind === 'end') {
      const end = JSON.parse(text) as { outcome: Outcome; offset: number; error: PublicError | null }
      return { type: 'end', ...end }
    }
    if (text === DONE) return { type: 'chunk', offset, content: DONE, metadata: null }
    const value = JSON.parse(text) as unknown
    if (!metadata) return { type: 'chunk', offset, content: value, metadata: null }
    const pair = value as { content: unknown; metadata: Record<string, unknown> | null }
    return { type: 'chunk', offset, content: pair.content, metadata: pair.metadata }
  }

  const line = (text: string): Decoded | null => {
    if (text === '') return dispatch()
    if (text.startsWith(':')) return { type: 'comment' }
    const colon = text.indexOf(':')
    const field = colon === -1 ? text : text.slice(0, colon)
    let value = colon === -1 ? '' : text.slice(colon + 1)
    if (value.startsWith(' ')) value = value.slice(1)
    if (field === 'data') data.push(value)
    else if (field === 'event') event = value
    else if (field === 'id' && !value.includes('\0')) id = value
    return null
  }

  return {
    push(piece) {
      let input = piece
      if (atStart && input !== '') {
        if (input.startsWith('\uFEFF')) input = input.slice(1)
        atStart = false
      }
      // The LF of a CRLF that was cut between two pieces ends no second line.
      if (sawCarriageReturn && input.startsWith('\n')) input = input.slice(1)
      if (piece !== '') sawCarriageReturn = false
      const text = buffered + input
      const found: Decoded[] = []
      let start = 0
      for (let i = 0; i < text.length; i++) {
        const code = text.charCodeAt(i)
        if (code !== 10 && code !== 13) continue
        const decoded = line(text.slice(start, i))
        if (decoded !== null) found.push(decoded)
        if (code === 13) {
          if (i + 1 === text.length) sawCarriageReturn = true
          else if (text.charCodeAt(i + 1) === 10) i++
        }
        start = i + 1
      }
      buffered = text.slice(start)
      return found
    },
    // An event that no blank line ended is not an event (WHATWG): it was cut off.
    flush: () => [],
  }
}
