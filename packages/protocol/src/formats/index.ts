import type { Format } from './format.ts'
import { lines, linesDecoder } from './lines.ts'
import { ndjson, ndjsonDecoder } from './ndjson.ts'
import { sse, sseDecoder } from './sse.ts'
import { text, textDecoder } from './text.ts'

export { FormatError } from './format-error.ts'
export type { DecodeOptions, Decoder, EncodeOptions, Encoder, Format } from './format.ts'

/** The formats that stream, by name. `json`, which waits for the whole, is the server's own. */
export const formats: Readonly<Record<'lines' | 'text' | 'sse' | 'ndjson', Format>> = { lines, text, sse, ndjson }

/** The decoders alone: a client that imports these carries no encoder. */
export const decoders = {
  lines: linesDecoder,
  text: textDecoder,
  sse: sseDecoder,
  ndjson: ndjsonDecoder,
} satisfies Readonly<Record<keyof typeof formats, Format['decoder']>>
