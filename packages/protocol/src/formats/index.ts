import type { Format } from './format.ts'
import { json, jsonDecoder } from './json.ts'
import { lines, linesDecoder } from './lines.ts'
import { ndjson, ndjsonDecoder } from './ndjson.ts'
import { sse, sseDecoder } from './sse.ts'
import { text, textDecoder } from './text.ts'

export { FormatError } from './format-error.ts'
export { decodedChunks } from './json.ts'
export { sseGoodbye } from './sse.ts'
export { streaming } from './format.ts'
export type { AnswerEnd, DecodeOptions, Decoder, EncodeOptions, EncodedStream, Encoder, Format } from './format.ts'
export { type SseEvent, sseEvents } from './sse-events.ts'

export type FormatName = 'lines' | 'text' | 'sse' | 'ndjson' | 'json'

/** All formats, by name. */
export const formats: Readonly<Record<FormatName, Format>> = { lines, text, sse, ndjson, json }

/** The decoders alone: a client that imports these carries no encoder. */
export const decoders = {
  lines: linesDecoder,
  text: textDecoder,
  sse: sseDecoder,
  ndjson: ndjsonDecoder,
  json: jsonDecoder,
} satisfies Readonly<Record<FormatName, Format['decoder']>>
