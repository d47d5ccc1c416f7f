import type { Server, ServerResponse } from 'node:http'
import type { Http2Session } from 'node:http2'
import type { Socket } from 'node:net'
import { OpenList } from '../stream/index.ts'
import { onAnswerOver } from './answer/answer-over.ts'
import { StalledAnswers } from './reader/stalled-answers.ts'

export interface OpenConnections {
  /** Called with each request. Its handler finds what is noted here. */
  answering(response: ServerResponse): void
  /** Breaks them all. */
  destroy(): void
  /** From now on each is closed when its answers have ended; those that wait for a request, at once. */
  retire(): void
  /** Answers that have not ended. */
  readonly answersOpen: number
  /** What went out over all connections so far, headers, framing and encryption included. */
  bytesSent(): number
}

/** Follows a server's connections, and ends those whose clients take nothing of a complete answer for `slowTimeoutMs`; those of HTTP/2 included, which `closeAllConnections` leaves open. */
export function openConnections(server: Server, slowTimeoutMs: () => number): OpenConnections {
  const sockets = new OpenList<Socket>()
  const sessions = new OpenList<Http2Session>()
  const answers = new OpenList<ServerResponse>()
  const stalled = new StalledAnswers(answers, slowTimeoutMs)
  server.on('close', () => stalled.close())
  let isRetired = false
  let bytesOfClosed = 0
  server.on('session', (session: Http2Session) => {
    const open = sessions.add(session)
    session.on('close', () => open.remove())
    if (isRetired) session.close()
  })
  server.on('connection', (socket) => {
    const open = sockets.add(socket)
    socket.on('close', () => {
      open.remove()
      bytesOfClosed += socket.bytesWritten
    })
  })
  return {
    answering(response) {
      const open = answers.add(response)
      if (isRetired) sayLast(response)
      onAnswerOver(response, () => {
        open.remove()
        // The connection is idle a moment later.
        if (isRetired) setImmediate(() => server.closeIdleConnections())
      })
    },
    destroy() {
      for (const socket of sockets.members()) socket.destroy()
    },
    retire() {
      isRetired = true
      for (const response of answers.members()) sayLast(response)
      for (const session of sessions.members()) session.close()
      server.closeIdleConnections()
    },
    get answersOpen() {
      return answers.size
    },
    bytesSent() {
      let bytes = bytesOfClosed
      for (const socket of sockets.members()) bytes += socket.bytesWritten
      return bytes
    },
  }
}

/** This answer is the last of its connection (RFC 9112 §9.6). HTTP/2 says so for the connection. */
function sayLast(response: ServerResponse): void {
  if (response.req.httpVersionMajor === 1 && !response.headersSent) response.setHeader('Connection', 'close')
}
