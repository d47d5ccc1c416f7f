import { type IncomingMessage, STATUS_CODES, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { StreamstackError } from '@streamstack/protocol'
import type { CallReports } from './call/call-report.ts'

interface Unread {
  readonly status: number
  readonly reason: 'malformed' | 'too_large' | 'timeout'
  readonly message: string
}

const MALFORMED: Unread = { status: 400, reason: 'malformed', message: 'The request is not HTTP as RFC 9112 has it.' }

/** What Node's parser says of requests that it gives up, and what it answers by itself. */
const unread: Readonly<Record<string, Unread>> = {
  HPE_HEADER_OVERFLOW: { status: 431, reason: 'too_large', message: 'The headers of the request are too large.' },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, reason: 'too_large', message: 'The chunk extensions are too large.' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, reason: 'timeout', message: 'The request did not arrive in time.' },
}

/** The client is gone: nothing was refused. */
const LEFT: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'ETIMEDOUT'])

/**
 * Answers requests that never become one, because the parser gives them up or they take too long, and connections beyond `server.max_connections`; and
 * reports them. Node answers them by itself, without an event.
 */
export function reportUnread(server: Server, reports: CallReports): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const { code = '' } = error
    const { remoteAddress = null } = socket
    if (LEFT.has(code) || !socket.writable) {
      socket.destroy()
      return
    }
    const { status, reason, message } = unread[code] ?? MALFORMED
    // Behind an answer that has begun, a status line would be part of its body.
    const isAnswering = hasBegunAnswer(socket)
    if (!isAnswering) {
      socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
    }
    socket.destroySoon()
    const refusal = new StreamstackError('header_invalid', message, { status, details: { reason }, cause: error })
    reports.unread(remoteAddress, refusal, isAnswering ? null : status)
  })
  server.on('drop', (dropped?: { remoteAddress?: string }) => {
    const message = 'The server has as many connections as it may have.'
    reports.unread(dropped?.remoteAddress ?? null, new StreamstackError('too_many', message), null)
  })
}

/**
 * Closes a connection that has sent so many requests ahead that they fill memory: Node reads on while requests wait. The client sends those
 * without an answer again (RFC 9112 §9.3.2).
 */
export function refusePipeline({ socket }: IncomingMessage, reports: CallReports): void {
  // The parser gives all requests of one read.
  if (socket.destroyed) return
  const { remoteAddress = null } = socket
  readNoMore(socket)
  // When the connection closes, Node makes an error for each request that it drops; the stacks of a thousand take 10 ms.
  const { stackTraceLimit } = Error
  socket.prependListener('close', () => (Error.stackTraceLimit = 0))
  socket.on('close', () => (Error.stackTraceLimit = stackTraceLimit))
  socket.destroy()
  const message = 'The client has sent too many requests ahead on one connection.'
  reports.unread(remoteAddress, new StreamstackError('too_many', message), null)
}

/** What Node's parser takes for an answer to the head of a request: the rest is another protocol, and not for the parser. */
const NO_MORE_HTTP = 2

/**
 * Takes no further request of a connection that is destroyed or ends with an answer that has begun. Node's parser would go through all that was read, up to 1,500 requests in 64 KiB, and make objects of each although the socket is destroyed: up to
 * 60 ms, and as long again when it drops them. Node does not document this property. Where it has another meaning, the rest costs that time.
 */
export function readNoMore(socket: Socket): void {
  const { parser } = socket as { parser?: { onIncoming?: () => number } | null }
  if (parser?.onIncoming !== undefined) parser.onIncoming = () => NO_MORE_HTTP
}

/** Node keeps the answer of a connection there; it looks at the same before it answers such a request itself. */
function hasBegunAnswer(socket: Socket): boolean {
  const { _httpMessage: answer } = socket as { _httpMessage?: { headersSent: boolean } | null }
  return answer?.headersSent === true
}
