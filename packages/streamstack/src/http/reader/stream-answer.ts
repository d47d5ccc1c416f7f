import type { ServerResponse } from 'node:http'
import type { ChunkKinds, FormatName } from '@streamstack/protocol'
import { contentTypeOf, encoderFor } from '../../format/index.ts'
import type { Engine } from '../../engine/index.ts'
import type { ReaderRecord } from '../../observe/index.ts'
import type { StreamSource } from '../../stream/index.ts'
import { untransformed } from '../answer/answer-headers.ts'
import { noteReading } from '../call/call-note.ts'
import type { Heartbeat } from './heartbeat.ts'
import { PlainReader } from './plain-reader.ts'
import { ResponseReader } from './response-reader.ts'
import { WholeReader } from './whole-reader.ts'

export interface StreamAnswerOptions {
  engine: Engine
  source: StreamSource
  response: ServerResponse
  format: FormatName
  /** Whether the answer is plain: the value of the run, without a format around it. Default: false. */
  isPlain?: boolean
  /** Whether the caller wants metadata where it is not always there. */
  metadata: boolean
  /** The kinds of chunks that the caller asks for; undefined: what the format carries by itself. */
  kinds: ChunkKinds | undefined
  /** The model that the caller named, where it named one. */
  model?: string | undefined
  /** Whether `csv` escapes what a spreadsheet would compute. Default: false. */
  escapesFormulas?: boolean
  /** Offset after which to read. */
  position: number
  /** CORS and what the endpoint declares. */
  headers: Readonly<Record<string, string>>
  heartbeat: Heartbeat
  /** Where it is counted what the reader does; none for the server's own streams, which would count themselves. */
  record?: ReaderRecord
}

/** An HTTP answer that is a reader of a stream. */
export interface StreamAnswer {
  /** Begins to write. Until then it is a reader that takes nothing. */
  begin(): void
  /** Sends the head of the answer before there is a chunk; null where the answer waits for the whole. */
  readonly open: (() => void) | null
}

/** Attaches an HTTP answer to a stream as a reader. */
export function answerStream(options: StreamAnswerOptions): StreamAnswer {
  const { source, response, format, position, metadata, kinds, model, heartbeat, record = null } = options
  const encoder = encoderFor(source, format, {
    metadata,
    escapesFormulas: options.escapesFormulas === true,
    ...(kinds === undefined ? {} : { kinds }),
    ...(model === undefined ? {} : { model }),
  })
  const headers: Record<string, string> = {
    'X-Accel-Buffering': 'no',
    'X-Content-Type-Options': 'nosniff',
  }
  Object.assign(headers, options.headers)
  headers['Cache-Control'] = untransformed(options.headers['Cache-Control'])
  if (source.run !== null) headers['Stream-Run'] = source.run
  headers['Stream-Url'] = source.url
  Object.assign(headers, encoder.headers)
  headers['Content-Type'] = contentTypeOf(format, encoder.contentType, options.headers['Content-Type'])
  noteReading(response, source, record)
  if (options.isPlain === true) {
    const reader = new PlainReader({
      engine: options.engine,
      source,
      response,
      headers,
      declaredType: options.headers['Content-Type'],
      record,
    })
    return { begin: () => reader.begin(), open: null }
  }
  const reading = { engine: options.engine, source, response, encoder, position, headers, record, heartbeat }
  if (encoder.waits) {
    const reader = new WholeReader(reading)
    return { begin: () => reader.begin(), open: null }
  }
  const reader = new ResponseReader(reading)
  return {
    begin: () => reader.begin(),
    open: () => {
      if (!response.headersSent) reader.beat()
    },
  }
}
