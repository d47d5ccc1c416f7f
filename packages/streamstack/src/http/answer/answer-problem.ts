import type { ServerResponse } from 'node:http'
import { type StreamstackError, problemBody } from '@streamstack/protocol'
import { challengeHeader } from '../../access/index.ts'
import { noteError } from '../call/call-note.ts'
import { lingering } from './lingering.ts'
import { SECURITY_HEADERS } from './security-headers.ts'

/** Details of an error that have headers of their own (Durable Streams, "Error Responses"). */
const DETAIL_HEADERS: Readonly<Record<string, string>> = {
  next_offset: 'Stream-Next-Offset',
  closed: 'Stream-Closed',
  producer_epoch: 'Producer-Epoch',
  expected_sequence: 'Producer-Expected-Seq',
  received_sequence: 'Producer-Received-Seq',
  first_offset: 'Stream-First-Offset',
}

/** Answers with `application/problem+json` (RFC 9457). Nothing may have been sent yet. */
export function answerProblem(
  response: ServerResponse,
  error: StreamstackError,
  headers: Readonly<Record<string, string>>,
  extra: Readonly<Record<string, unknown>> = {},
): void {
  noteError(response, error)
  const body = JSON.stringify({ ...problemBody(error), ...extra })
  // The rest of a body that is too large is not worth reading; HTTP/2 has no such header.
  if (error.code === 'body_too_large' && response.req.httpVersionMajor === 1) {
    response.setHeader('Connection', 'close')
    lingering.closeLate(response)
  }
  response.writeHead(error.status, {
    'Cross-Origin-Resource-Policy': 'cross-origin',
    ...headers,
    ...SECURITY_HEADERS,
    ...detailHeaders(error),
    'Content-Type': 'application/problem+json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    ...(error.status === 401 ? { 'WWW-Authenticate': challengeHeader(error) } : {}),
    ...(error.retryAfterMs === undefined ? {} : { 'Retry-After': String(Math.ceil(error.retryAfterMs / 1000)) }),
  })
  response.end(response.req.method === 'HEAD' ? undefined : body)
}

function detailHeaders({ details }: StreamstackError): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [detail, value] of Object.entries(details ?? {})) {
    const name = DETAIL_HEADERS[detail]
    if (name !== undefined) headers[name] = String(value)
  }
  return headers
}
