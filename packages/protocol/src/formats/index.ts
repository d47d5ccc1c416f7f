import { aiSdk } from './ai-sdk.ts'
import { csv } from './csv.ts'
import type { FormatName } from './format-names.ts'
import type { AnswerFormat, Format } from './format.ts'
import { json, jsonDecoder } from './json.ts'
import { lines, linesDecoder } from './lines.ts'
import { ndjson, ndjsonDecoder } from './ndjson.ts'
import { openai, openaiCompletion } from './openai.ts'
import { sse, sseDecoder } from './sse.ts'
import { text, textDecoder } from './text.ts'
import { xano } from './xano.ts'

export { FORMAT_NAMES, type FormatName } from './format-names.ts'
export { FormatError } from './format-error.ts'
export { decodedChunks } from './json.ts'
export { sseGoodbye } from './sse.ts'
export { streaming } from './format.ts'
export { openaiError } from './openai.ts'
export type {
  AnswerEnd,
  AnswerFormat,
  DecodeOptions,
  Decoder,
  EncodeOptions,
  EncodedStream,
  Encoder,
  Format,
} from './format.ts'
export { type SseEvent, sseEvents } from './sse-events.ts'

/** Formats of Streamstack's own, which its clients read. */
export type OwnFormatName = 'lines' | 'text' | 'sse' | 'ndjson' | 'json'

/** All formats, by name. */
export const formats = {
  lines,
  text,
  sse,
  ndjson,
  json,
  csv,
  'ai-sdk': aiSdk,
  openai,
  'openai-completion': openaiCompletion,
  xano,
} as const satisfies Readonly<Record<FormatName, AnswerFormat>>

/** The decoders alone: a client that imports these carries no encoder. */
export const decoders = {
  lines: linesDecoder,
  text: textDecoder,
  sse: sseDecoder,
  ndjson: ndjsonDecoder,
  json: jsonDecoder,
} satisfies Readonly<Record<OwnFormatName, Format['decoder']>>
