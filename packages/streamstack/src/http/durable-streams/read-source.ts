import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ReaderRecord } from '../../observe/index.ts'
import type { StreamSource } from '../../stream/index.ts'
import { formatOffset } from '../../stream-store/index.ts'
import type { Heartbeat } from '../reader/heartbeat.ts'
import { lastEventId } from '../reader/last-event-id.ts'
import { readStream } from './read-stream.ts'
import { SourceView } from './source-view.ts'
import { type Headers, type ReadCall, answer, settle } from './stream-call.ts'

/** Offsets as this protocol writes them: no other reader of ours gets one like it. */
const OFFSET = /^\d{16}_[0-9a-f]{16}$/

/**
 * Whether a read of one of the server's own streams is meant in the open protocol: it says `live`, names an offset of that protocol, or begins at `-1`
 * or `now` without any wish for a format.
 */
export function isProtocolRead({ method, headers }: IncomingMessage, query: URLSearchParams): boolean {
  if (method === 'HEAD' || query.has('live')) return true
  if (query.has('format') || lastEventId(headers, query) !== null) return false
  const offset = query.get('offset') ?? ''
  const { accept = '*/*' } = headers
  return OFFSET.test(offset) || ((offset === '-1' || offset === 'now') && accept === '*/*')
}

export interface SourceRead {
  readonly source: StreamSource
  /** Where it is counted what the reader does; null: nowhere. */
  readonly record: ReaderRecord | null
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly heartbeat: Heartbeat
  readonly longPollTimeoutMs: number
  readonly hidesDetails: boolean
  readonly onError: (error: unknown) => void
  readonly corsHeaders: Readonly<Record<string, string>>
}

/** Reads a stream of the server's own by the open protocol: a page, a long-poll or server-sent events. */
export function readSource({ source, record, request, response, corsHeaders, ...service }: SourceRead): void {
  const view = new SourceView(source, record)
  const url = request.url ?? ''
  const [path = ''] = url.split('?')
  const call: ReadCall = { service, request, response, path, search: url.slice(path.length), corsHeaders }
  settle(
    call,
    () => {
      view.checkThere()
      return request.method === 'HEAD' ? answerHead(call, view) : readStream(call, () => view)
    },
    () => undefined,
  )
}

function answerHead(call: ReadCall, { record, visibleTail, isVisiblyClosed }: SourceView): void {
  const headers: Headers = {
    'Content-Type': record.contentType,
    'Stream-Next-Offset': formatOffset(visibleTail, record.family),
  }
  if (isVisiblyClosed) headers['Stream-Closed'] = 'true'
  answer(call, 200, headers)
}
