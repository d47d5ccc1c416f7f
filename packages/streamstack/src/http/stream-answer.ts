import type { ServerResponse } from 'node:http'
import type { ChunkKinds } from '@streamstack/protocol'
import { type FormatName, contentTypeOf, encoderOf } from '../format/index.ts'
import type { ReaderRecord } from '../observe/index.ts'
import type { StreamSource } from '../stream/index.ts'
import { untransformed } from './answer-headers.ts'
import { noteReading } from './call-report.ts'
import type { Heartbeat } from './heartbeat.ts'
import { JsonReader } from './json-reader.ts'
import { ResponseReader } from './response-reader.ts'

export interface StreamAnswerOptions {
  source: StreamSource
  response: ServerResponse
  format: FormatName
  /** Whether the caller wants metadata where it is not always there. */
  metadata: boolean
  /** The kinds of chunks that the caller asks for; undefined: what the format carries by itself. */
  kinds: ChunkKinds | undefined
  /** Offset after which to read. */
  position: number
  /** CORS and what the endpoint declares. */
  headers: Readonly<Record<string, string>>
  heartbeat: Heartbeat
  /** Where it is counted what the reader does; none for the server's own streams, which would count themselves. */
  record?: ReaderRecord
}

/** Attaches an HTTP answer to a stream as a reader. */
export function answerStream(options: StreamAnswerOptions): ResponseReader | JsonReader {
  const { source, response, format, position, metadata, kinds, heartbeat, record = null } = options
  const headers: Record<string, string> = {
    'X-Accel-Buffering': 'no',
    'X-Content-Type-Options': 'nosniff',
    ...options.headers,
    'Cache-Control': untransformed(options.headers['Cache-Control']),
    ...(source.run === null ? {} : { 'Stream-Run': source.run }),
    'Stream-Url': source.url,
  }
  noteReading(response, source, record)
  if (format === 'json') return new JsonReader({ source, response, kinds, position, headers, record })
  const encoder = encoderOf(format, { metadata, ...(kinds === undefined ? {} : { kinds }) })
  headers['Content-Type'] = contentTypeOf(format, encoder.contentType, options.headers['Content-Type'])
  return new ResponseReader({ source, response, encoder, position, headers, heartbeat, record })
}
