import { contentTypeOf, isJson } from './headers.ts'
import { JsonDecoder, PieceDecoder } from './document-decoder.ts'
import type { ItemDecoder, ItemFormatOptions } from './item-decoder.ts'
import { LineDecoder, NdjsonDecoder } from './line-decoder.ts'
import { SseDecoder } from './sse-decoder.ts'

/** The ways to cut a streamed answer into items. */
export const ITEM_FORMATS = ['auto', 'sse', 'sse-text', 'sse-events', 'ndjson', 'lines', 'bytes'] as const

/**
 * `sse`: the data of each event, parsed when it is JSON. `sse-text`: the data as text. `sse-events`: `{event, id, data}` of each event.
 * `ndjson`: a JSON value a line. `lines`: a text a line. `bytes`: pieces of text as they come.
 * `auto`: by Content-Type, and a JSON document as one item.
 */
export type ItemFormat = (typeof ITEM_FORMATS)[number]

const NDJSON_TYPES = new Set([
  'application/jsonl',
  'application/jsonlines',
  'application/ndjson',
  'application/stream+json',
  'application/x-jsonl',
  'application/x-jsonlines',
  'application/x-ndjson',
])

const ACCEPT: Record<ItemFormat, string> = {
  auto: 'text/event-stream, application/x-ndjson, */*;q=0.5',
  sse: 'text/event-stream',
  'sse-text': 'text/event-stream',
  'sse-events': 'text/event-stream',
  ndjson: 'application/x-ndjson, */*;q=0.5',
  lines: '*/*',
  bytes: '*/*',
}

/** The Accept header that asks for a format. */
export function acceptFor(format: ItemFormat): string {
  return ACCEPT[format]
}

/** The decoder for an answer. */
export function itemDecoderFor(
  format: ItemFormat,
  headers: Readonly<Record<string, string>>,
  options: ItemFormatOptions,
): ItemDecoder {
  const { mediaType, charset } = contentTypeOf(headers)
  switch (format) {
    case 'sse':
      return new SseDecoder('data', options)
    case 'sse-text':
      return new SseDecoder('text', options)
    case 'sse-events':
      return new SseDecoder('events', options)
    case 'ndjson':
      return new NdjsonDecoder(options)
    case 'lines':
      return new LineDecoder(options, charset)
    case 'bytes':
      return new PieceDecoder(charset)
    default:
      if (mediaType === 'text/event-stream') return new SseDecoder('data', options)
      if (NDJSON_TYPES.has(mediaType)) return new NdjsonDecoder(options)
      if (isJson(mediaType)) return new JsonDecoder(options)
      return mediaType.startsWith('text/') ? new LineDecoder(options, charset) : new PieceDecoder(charset)
  }
}

/** Whether an answer of a Streamstack server in this format ends with its outcome. */
export function tellsOutcome(format: ItemFormat, headers: Readonly<Record<string, string>>): boolean {
  const { mediaType } = contentTypeOf(headers)
  if (format === 'sse' || format === 'sse-text') return mediaType === 'text/event-stream'
  if (format === 'ndjson') return NDJSON_TYPES.has(mediaType)
  return format === 'auto' && (mediaType === 'text/event-stream' || NDJSON_TYPES.has(mediaType))
}
