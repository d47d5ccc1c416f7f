import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Server as SecureServer } from 'node:tls'
import { StreamstackError } from '@streamstack/protocol'
import { checkOpenHost, isLoopback } from '../access/index.ts'
import type { Engine } from '../engine/index.ts'
import { CallTurns } from './call-turns.ts'
import type { CallReport } from './call/call-note.ts'
import { CallReports } from './call/call-report.ts'
import { followCertificate } from './certificate.ts'
import { hasLeft } from './answer/answer-over.ts'
import { drain } from './drain.ts'
import { DurableStreams } from './durable-streams/index.ts'
import { FrontDoor } from './front-door.ts'
import { Heartbeat } from './reader/heartbeat.ts'
import { continueWhenRead } from './continue-when-read.ts'
import { REQUESTS_PER_CONNECTION, type RequestListener, createListener, listen } from './listener.ts'
import { openConnections } from './open-connections.ts'
import { paceBody } from './paced-body.ts'
import { Probes } from './probe/probes.ts'
import { createRedirect } from './redirect.ts'
import { refuseRest } from './answer/refuse-rest.ts'
import { readNoMore, refusePipeline, reportUnread } from './unread-requests.ts'
import { onTunnel, onUpgrade } from './upgrade.ts'
import { WebSockets } from './websocket/index.ts'

export interface ServerOptions {
  engine: Engine
  host: string
  /** 0: any free port. */
  port: number
  /** How often the files of the certificate are looked at. Default: every 10 s. */
  certificatePollMs?: number
  /** How long a call goes on before the audit says that it does. Default: 10 s. */
  longCallMs?: number
  /** Called when the answer of a request is over, for access logs. Must not throw. */
  onCall?: ((call: CallReport) => void) | undefined
}

export interface CloseOptions {
  /**
   * How long runs may go on while their readers read, and new calls get 503; then they are cancelled, and have a few seconds for their finally blocks.
   * 0: they are cancelled at once. If omitted, connections are closed without notice.
   */
  graceMs?: number
}

/** A listening server. */
export interface StreamstackServer {
  /** As `http://127.0.0.1:8080`. */
  readonly url: string
  /** Stops listening and breaks what is open; with `graceMs` only what is left when runs have had that time to come to their own end. */
  close(options?: CloseOptions): Promise<void>
}

/** Serves an engine over HTTP/1.1, or with TLS also over HTTP/2. Rejects with `storage_failed` or a plain Error that names the cure. */
export async function startServer({
  engine,
  host,
  port,
  onCall,
  certificatePollMs: pollMs,
  longCallMs,
}: ServerOptions): Promise<StreamstackServer> {
  checkHost(engine, host)
  await engine.settleAbandoned()
  const heartbeat = new Heartbeat(engine.settings.streams.heartbeatMs)
  const streams = new DurableStreams(engine, heartbeat)
  const reports = new CallReports(engine, onCall, longCallMs)
  const turns = new CallTurns()
  const webSockets = new WebSockets(engine, reports, turns)
  const door = new FrontDoor({ engine, heartbeat, streams, webSockets, probes: new Probes() })
  const begin = (request: IncomingMessage, response: ServerResponse): boolean => {
    if (hasLeft(response)) return false
    connections.answering(response)
    reports.follow(request, response)
    door.take(request, response)
    return true
  }
  const answer: RequestListener = (request, response) => {
    // A socket that breaks while we write is a reader that left; its `close` says so.
    response.on('error', ignore)
    if (request.httpVersionMajor === 2) {
      refuseRest(request)
      // Its stream has waited for its turn.
      begin(request, response)
    } else if (request.socket.writableEnded) {
      // The connection only lingers: its last answer said so.
      readNoMore(request.socket)
      request.socket.destroy()
    } else if (turns.countOf(request.socket) < REQUESTS_PER_CONNECTION) {
      paceBody(request)
      turns.begin(request.socket, () => begin(request, response))
    } else refusePipeline(request, reports)
  }
  const server = await createListener(engine.settings.server, turns, answer)
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    continueWhenRead(request, response)
    answer(request, response)
  })
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    response.on('error', ignore)
    connections.answering(response)
    reports.follow(request, response)
    if (request.httpVersionMajor === 2) refuseRest(request)
    const error = new StreamstackError('header_invalid', 'The server meets no other Expect than 100-continue.', {
      status: 417,
    })
    door.refuse(request, response, error)
  })
  reportUnread(server, reports)
  const connections = openConnections(server, () => engine.settings.server.slowTimeoutMs)
  onUpgrade(server, (request, response, upgrade) => {
    reports.follow(request, response)
    door.take(request, response, upgrade)
  })
  onTunnel(server, (request, response) => {
    reports.follow(request, response)
    door.take(request, response)
  })
  engine.observation.metrics.bytesSent = () => connections.bytesSent()
  engine.observation.history.start()
  await listen(server, host, port)
  const { port: actualPort } = server.address() as AddressInfo
  const name = host.includes(':') ? `[${host}]` : host
  const url = `${engine.settings.server.tls === null ? 'http' : 'https'}://${name}:${actualPort}`
  engine.servedAt(url)
  const { tls } = engine.settings.server
  const unfollow =
    tls === null ? ignore : followCertificate(server as unknown as SecureServer, tls, { log: engine.log, pollMs })
  const redirect = tls?.redirectPort == null ? null : createRedirect({ engine, reports, securePort: () => actualPort })
  if (redirect !== null) await listen(redirect, host, tls?.redirectPort ?? 0)
  return {
    url,
    async close({ graceMs } = {}) {
      unfollow()
      redirect?.close()
      redirect?.closeAllConnections()
      if (graceMs !== undefined) await drain({ engine, heartbeat, connections, turns, webSockets }, graceMs)
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      await webSockets.close()
      connections.destroy()
      await closed
      await streams.close()
      reports.close()
    },
  }
}

function ignore(): void {}

/** Throws a plain Error that names the cure. */
function checkHost(engine: Engine, host: string): void {
  if (engine.mode === 'dev' && !isLoopback(host)) {
    throw new Error(
      `\`streamstack dev\` listens on this machine only, and ${host} is reachable from outside. Use --host 127.0.0.1, or \`streamstack serve\` for production.`,
    )
  }
  checkOpenHost(engine.access.isOpen, host)
}
