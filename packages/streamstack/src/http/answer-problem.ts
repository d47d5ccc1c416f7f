import type { ServerResponse } from 'node:http'
import { type StreamstackError, problemBody } from '@streamstack/protocol'
import { challengeHeader } from '../access/index.ts'
import { noteError } from './call-report.ts'

/** Answers with `application/problem+json` (RFC 9457). Nothing may have been sent yet. */
export function answerProblem(
  response: ServerResponse,
  error: StreamstackError,
  headers: Readonly<Record<string, string>>,
  extra: Readonly<Record<string, unknown>> = {},
): void {
  noteError(response, error)
  const body = JSON.stringify({ ...problemBody(error), ...extra })
  response.writeHead(error.status, {
    ...headers,
    'Content-Type': 'application/problem+json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    ...(error.status === 401 ? { 'WWW-Authenticate': challengeHeader(error) } : {}),
    ...(error.retryAfterMs === undefined ? {} : { 'Retry-After': String(Math.ceil(error.retryAfterMs / 1000)) }),
  })
  response.end(body)
}
