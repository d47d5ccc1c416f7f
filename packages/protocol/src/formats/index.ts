import type { Format } from './format.ts'
import { lines } from './lines.ts'
import { ndjson } from './ndjson.ts'
import { sse } from './sse.ts'
import { text } from './text.ts'

export { FormatError } from './format-error.ts'
export type { Decoder, EncodeOptions, Encoder, Format } from './format.ts'

/** The formats that stream, by name. `json`, which waits for the whole, is the server's own. */
export const formats: Readonly<Record<'lines' | 'text' | 'sse' | 'ndjson', Format>> = { lines, text, sse, ndjson }
