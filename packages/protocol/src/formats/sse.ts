import { CONTENT_KINDS, type ChunkKind, type ChunkKinds, contentKind, isNamedKind } from '../chunk-kind.ts'
import type { Chunk, Decoded } from '../chunk.ts'
import { decodedEnd, decodedError, decodedOffset } from './decoded.ts'
import { type DecodeOptions, type Decoder, type Encoder, type Format, streaming } from './format.ts'
import { parseObject, parsePart } from './format-error.ts'
import { contentJson, decodedContent } from './lines.ts'
import { type SseEvent, sseEvents } from './sse-events.ts'

/**
 * `sse`: server-sent events (WHATWG HTML, "Server-sent events"). `id:` is the offset, `data:` one line of JSON: the content, or
 * `{"content","metadata"}` when metadata is asked for; a content of exactly `[DONE]` without metadata is written bare
 * where `marksDone` says so, as chat clients look for it: what a model says always has metadata, and can end nothing. Errors are `event: error`, the last event is `event: end`, a comment is the heartbeat. Other kinds that the caller asks for are events of their
 * name, which `onmessage` passes over. JSON holds no CR, LF or NUL, so no content can add a field or an event.
 */
export const sse: Format = {
  name: 'sse',
  mediaTypes: ['text/event-stream'],
  isShared: true,
  encoder: ({ metadata, kinds = CONTENT_KINDS, marksDone = true }) => ({
    ...streaming,
    contentType: 'text/event-stream; charset=utf-8',
    heartbeat: ': keep-alive\n\n',
    tellsOutcome: true,
    chunks: (metadata ? withMetadata : plain)(kinds, marksDone ? DONE : null),
    fault: (error) => `event: error\ndata: ${JSON.stringify(error)}\n\n`,
    end: (end) => `event: end\ndata: ${JSON.stringify(end)}\n\n`,
    goodbye: sseGoodbye,
  }),
  decoder: sseDecoder,
}

/** No event, so that no client takes it for the end (WHATWG HTML, "Server-sent events": `retry`). */
export function sseGoodbye(retryMs: number): string {
  return `retry: ${Math.round(retryMs)}\n: the server is stopping; come back with the last id\n\n`
}

const DONE = '[DONE]'

const plain =
  (kinds: ChunkKinds, marker: string | null): Encoder['chunks'] =>
  (chunks, from, to, offset) => {
    let out = ''
    for (let i = from; i < to; i++) {
      const chunk = chunks[i] as Chunk
      const { kind, data, metadata } = chunk
      if (!kinds.has(kind)) continue
      const id = offset + i - from
      if (isNamedKind(kind)) out += `id: ${id}\nevent: ${kind}\ndata: ${contentJson(chunk)}\n\n`
      else if (data === marker && metadata === null) out += `id: ${id}\ndata: [DONE]\n\n`
      else out += `id: ${id}\ndata: ${contentJson(chunk)}\n\n`
    }
    return out
  }

const withMetadata =
  (kinds: ChunkKinds, marker: string | null): Encoder['chunks'] =>
  (chunks, from, to, offset) => {
    let out = ''
    for (let i = from; i < to; i++) {
      const chunk = chunks[i] as Chunk
      const { kind, data, metadata } = chunk
      if (!kinds.has(kind)) continue
      const id = offset + i - from
      if (kind === 'error') out += `id: ${id}\nevent: error\ndata: ${data}\n\n`
      else if (data === marker && metadata === null && !isNamedKind(kind)) out += `id: ${id}\ndata: [DONE]\n\n`
      else {
        const event = isNamedKind(kind) ? `event: ${kind}\n` : ''
        out += `id: ${id}\n${event}data: {"content":${contentJson(chunk)},"metadata":${metadata ?? 'null'}}\n\n`
      }
    }
    return out
  }

/**
 * Reads what the encoder writes, and any other legal spelling of it: CR, LF or CRLF, fields in any order, several data lines. Events of other
 * kinds are passed over where they have no offset. Throws FormatError.
 */
export function sseDecoder({ metadata }: DecodeOptions): Decoder {
  const decode = ({ event: kind, data, id }: SseEvent): Decoded | null => {
    // To a browser an id holds on for later events; an offset is of its own event only, and an error of one reader has none.
    const offset = id !== null && /^\d{1,16}$/.test(id) ? decodedOffset(Number(id)) : null
    if (data === null) return null
    if (kind === 'error') return { ...decodedError(parsePart(data)), offset }
    if (kind === 'end') return decodedEnd(parseObject(data))
    const named = kind === '' || kind === 'message' ? null : (kind as ChunkKind)
    // An event without an offset is not part of the stream.
    if (named !== null && offset === null) return { type: 'comment' }
    if (data === DONE) return { type: 'chunk', kind: named ?? 'text', offset, content: DONE, metadata: null }
    if (metadata)
      return { type: 'chunk', offset, ...decodedContent({ ...parseObject(data), kind: named ?? undefined }) }
    const content = parsePart(data)
    return { type: 'chunk', kind: named ?? contentKind(content), offset, content, metadata: null }
  }
  const push = sseEvents(decode, { type: 'comment' })
  // An event that no blank line ended is not an event (WHATWG): it was cut off.
  return { push, flush: () => [] }
}
