import { readFile } from 'node:fs/promises'
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http'
import { createSecureServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { StreamstackError, toStreamstackError } from '@streamstack/protocol'
import { corsHeaders, isPreflight } from '../access/index.ts'
import type { Engine } from '../engine/index.ts'
import { answerProblem } from './answer-problem.ts'
import { answerStopping } from './answer-stopping.ts'
import { callEndpoint } from './call-endpoint.ts'
import { type CallReport, reportCall } from './call-report.ts'
import { DurableStreams, checkOpenHost, isLoopback } from './durable-streams/index.ts'
import { findEndpoint, methodsAt } from './find-endpoint.ts'
import { drain } from './drain.ts'
import { Heartbeat } from './heartbeat.ts'
import { openConnections } from './open-connections.ts'
import { ownRoutes } from './own-routes.ts'
import { refuseRest } from './refuse-rest.ts'
import { WebSockets } from './websocket/index.ts'

export interface ServerOptions {
  engine: Engine
  host: string
  /** 0: any free port. */
  port: number
  /** Called when the answer of a request is over, for access logs. Must not throw. */
  onCall?: ((call: CallReport) => void) | undefined
}

export interface CloseOptions {
  /**
   * How long runs may go on while their readers read, and new calls get 503; then they are cancelled, and have a few seconds for their finally blocks.
   * 0: they are cancelled at once. Without it nobody hears anything.
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

/** What does not end by itself, or begins something. Runs still go on while the server stops, and so do their readers. */
const REFUSED_WHILE_STOPPING = /^\/v1\/(?:stream\/(?!runs\/)|ws|channels|presence|probe)/

/** Serves an engine over HTTP/1.1, or with TLS also over HTTP/2. Rejects with `storage_failed` or a plain Error that names the cure. */
export async function startServer({ engine, host, port, onCall }: ServerOptions): Promise<StreamstackServer> {
  checkHost(engine, host)
  const cutOff = await engine.runs.settleAbandoned(engine.settings)
  if (cutOff > 0) engine.log.warn({ runs: cutOff }, 'runs that the last stop cut off are now abandoned')
  const heartbeat = new Heartbeat(engine.settings.streams.heartbeatMs)
  const streams = new DurableStreams(engine, heartbeat)
  const own = ownRoutes(engine, heartbeat)
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    // A socket that breaks while we write is a reader that left; its `close` says so.
    response.on('error', ignore)
    connections.answering(response)
    if (onCall !== undefined) reportCall(engine, request, response, onCall)
    if (request.httpVersionMajor === 2) refuseRest(request)
    handle(engine, heartbeat, streams, own, request, response).catch((error: unknown) => {
      engine.log.error({ err: error }, 'a request could not be answered')
      response.destroy()
    })
  }
  const { tls } = engine.settings.server
  const server = tls === null ? createServer(serverOptions, listener) : await createTlsServer(tls, listener)
  const connections = openConnections(server)
  const webSockets = new WebSockets(engine, server, onCall)
  engine.observation.metrics.bytesSent = () => connections.bytesSent()
  await listen(server, host, port)
  const { port: actualPort } = server.address() as AddressInfo
  const name = host.includes(':') ? `[${host}]` : host
  const url = `${tls === null ? 'http' : 'https'}://${name}:${actualPort}`
  engine.servedAt(url)
  return {
    url,
    async close({ graceMs } = {}) {
      if (graceMs !== undefined) await drain({ engine, heartbeat, connections, webSockets }, graceMs)
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      await webSockets.close()
      connections.destroy()
      await closed
      await streams.close()
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
  checkOpenHost(engine, host)
}

// No timeout for the whole of a request: a slow upload is bounded by its size; headers have Node's 60 s.
const serverOptions = { requestTimeout: 300_000, keepAliveTimeout: 65_000 }

async function createTlsServer(
  { certFile, keyFile }: { certFile: string; keyFile: string },
  listener: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Server> {
  const cert = await readPem(certFile, 'server.tls.cert')
  const key = await readPem(keyFile, 'server.tls.key')
  const server = createSecureServer({ cert, key, allowHTTP1: true }, listener as never)
  return server as unknown as Server
}

async function readPem(file: string, setting: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (error) {
    throw new Error(`The file of \`${setting}\` in streamstack.yaml cannot be read: ${(error as Error).message}.`, {
      cause: error,
    })
  }
}

function listen(server: Server, host: string, port: number): Promise<void> {
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

/** Every request comes through here: CORS, then streams by name, an endpoint of the workspace, then the server's own routes. */
async function handle(
  engine: Engine,
  heartbeat: Heartbeat,
  streams: DurableStreams,
  own: (request: IncomingMessage, response: ServerResponse) => void,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = request.url ?? '/'
  const mark = url.indexOf('?')
  const path = mark === -1 ? url : url.slice(0, mark)
  const method = request.method ?? 'GET'
  const cors = corsOf(engine, request, method)
  if (cors.preflight) {
    response.writeHead(204, cors.headers)
    response.end()
    return
  }
  if (engine.isDraining && REFUSED_WHILE_STOPPING.test(path)) {
    answerStopping(request, response, cors.headers)
    return
  }
  if (DurableStreams.owns(path)) {
    streams.handle(request, response, path, cors.headers)
    return
  }
  const found = findEndpoint(engine, method, path)
  if (found !== null) {
    await callEndpoint({
      engine,
      heartbeat,
      ...found,
      request,
      response,
      query: mark === -1 ? noQuery : new URLSearchParams(url.slice(mark + 1)),
      corsHeaders: cors.headers,
    })
    return
  }
  const allowed = methodsAt(engine, path)
  if (allowed.length > 0) {
    const error = new StreamstackError('method_not_allowed', `This path answers to ${allowed.join(', ')}.`)
    engine.observation.pathUnknown(error.code, error.status)
    answerProblem(response, error, { ...cors.headers, Allow: allowed.join(', ') })
    return
  }
  for (const [name, value] of Object.entries(cors.headers)) response.setHeader(name, value)
  try {
    own(request, response)
  } catch (thrown) {
    answerProblem(response, toStreamstackError(thrown), cors.headers)
  }
}

const noQuery = new URLSearchParams()

function corsOf(
  engine: Engine,
  request: IncomingMessage,
  method: string,
): { headers: Record<string, string>; preflight: boolean } {
  const { headers } = request
  const { cors } = engine.settings.server
  if (headers.origin === undefined || cors.origins.length === 0) return { headers: {}, preflight: false }
  const asked = {
    origin: headers.origin,
    method,
    requestMethod: headers['access-control-request-method'],
    requestHeaders: headers['access-control-request-headers'],
    privateNetwork: headers['access-control-request-private-network'] as string | undefined,
  }
  return { headers: corsHeaders(cors, asked) ?? {}, preflight: isPreflight(asked) }
}
