import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http'
import { type ServerHttp2Session, constants, createSecureServer } from 'node:http2'
import { type CallTurns, takeStreamsInTurns } from './call-turns.ts'
import { type CertificateFiles, readCertificate } from './certificate.ts'

/** Handler of every request. */
export type RequestListener = (request: IncomingMessage, response: ServerResponse) => void

/** Time for which a connection may be idle between two requests. */
const KEEP_ALIVE_MS = 65_000

/** How long a request may take to arrive, its body included: a slow upload is bounded by its size. */
const REQUEST_MS = 300_000

/** The same settings for HTTP/1.1 with and without TLS. */
const http1Options = {
  requestTimeout: REQUEST_MS,
  headersTimeout: 60_000,
  keepAliveTimeout: KEEP_ALIVE_MS,
  // The front door refuses requests without Host: Node does so in silence.
  requireHostHeader: false,
}

/**
 * Streams of one HTTP/2 session, where Node allows 4,294,967,295, and requests that a client of HTTP/1.1 may send ahead. A page of a browser
 * needs one for each stream that it reads.
 */
export const REQUESTS_PER_CONNECTION = 250

const http2Options = {
  settings: { maxConcurrentStreams: REQUESTS_PER_CONNECTION },
  // Streams that are opened and reset cost the server and nothing the client (CVE-2023-44487): so many at once, and so many a second.
  streamResetBurst: 300,
  streamResetRate: 50,
}

export interface ListenerSettings {
  readonly tls: CertificateFiles | null
  readonly halfClose: boolean
  readonly maxConnections: number
}

/** A server for HTTP/1.1, or with TLS also for HTTP/2. Rejects with a plain Error that names the cure. */
export async function createListener(
  settings: ListenerSettings,
  turns: CallTurns,
  listener: RequestListener,
): Promise<Server> {
  const { tls, halfClose } = settings
  if (tls === null) return withBounds(createServer(http1Options, listener), settings)
  const options = {
    ...http1Options,
    ...http2Options,
    ...(await readCertificate(tls)),
    allowHTTP1: true,
    allowHalfOpen: halfClose,
  }
  const server = createSecureServer(options, listener as never)
  takeStreamsInTurns(server as unknown as Server, turns)
  server.on('session', endIdleSession)
  return withBounds(server as unknown as Server, settings)
}

/** Node has it as a property of servers only, and off; what came before the end of the client's side is answered then. */
function withBounds(server: Server, { halfClose, maxConnections }: ListenerSettings): Server {
  return Object.assign(server, { httpAllowHalfOpen: halfClose, maxConnections })
}

/** HTTP/2 has none of the timeouts above: a session without streams ends like an idle connection, a request that does not arrive is cancelled. */
function endIdleSession(session: ServerHttp2Session): void {
  let open = 0
  let idle = setTimeout(() => session.close(), KEEP_ALIVE_MS).unref()
  session.on('stream', (stream) => {
    clearTimeout(idle)
    open++
    const late = stream.endAfterHeaders
      ? undefined
      : setTimeout(() => {
          if (!stream.readableEnded) stream.close(constants.NGHTTP2_CANCEL)
        }, REQUEST_MS).unref()
    stream.on('close', () => {
      clearTimeout(late)
      if (--open === 0) idle = setTimeout(() => session.close(), KEEP_ALIVE_MS).unref()
    })
  })
  session.on('close', () => clearTimeout(idle))
}

/** Rejects with a plain Error that names the cure. */
export function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(new Error(listenProblem(error, host, port), { cause: error })),
    )
    server.listen({ host, port }, resolve)
  })
}

function listenProblem(error: NodeJS.ErrnoException, host: string, port: number): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return `Port ${port} on ${host} is in use. Stop the other program, or choose another port with --port.`
    case 'EACCES':
      return `Port ${port} needs rights that this user does not have. Choose one above 1023 with --port.`
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `This machine has no address ${host}. Choose another with --host, for example 127.0.0.1.`
    default:
      return `The server cannot listen on ${host}:${port}: ${error.message}.`
  }
}
