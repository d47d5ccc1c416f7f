import type { IncomingMessage, ServerResponse } from 'node:http'
import { answerProblem } from './answer-problem.ts'
import { noteError } from '../call/call-note.ts'
import { stoppingError } from '../call/prepare-call.ts'
import { sseGoodbye } from '@streamstack/protocol'

/** Delay before clients reconnect, with jitter so that they do not reconnect all at once. */
const RETRY_MS = 1_000
const RETRY_JITTER_MS = 2_000

/** Returns the reconnect delay for one client, in milliseconds. */
export function comeBackMs(): number {
  return RETRY_MS + Math.random() * RETRY_JITTER_MS
}

/**
 * Refuses a new request during shutdown: with 503, except for an EventSource. For an EventSource
 * every status but 200 is final, so it gets an answer that ends before its first event, and
 * reconnects (WHATWG HTML, "Server-sent events": "reestablish the connection").
 */
export function answerStopping(
  request: IncomingMessage,
  response: ServerResponse,
  headers: Readonly<Record<string, string>>,
): void {
  if (!isEventSource(request)) {
    answerProblem(response, stoppingError(), headers)
    return
  }
  noteError(response, stoppingError())
  response.writeHead(200, {
    ...headers,
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-store',
  })
  response.end(sseGoodbye(comeBackMs()))
}

/** It asks for events alone, goes past every cache, and can send no header of its own; clients that read a status do. */
function isEventSource({ method, headers }: IncomingMessage): boolean {
  return (
    method === 'GET' &&
    headers.accept?.trim().toLowerCase() === 'text/event-stream' &&
    headers['cache-control']?.toLowerCase().includes('no-cache') === true &&
    headers.authorization === undefined &&
    headers['idempotency-key'] === undefined
  )
}
