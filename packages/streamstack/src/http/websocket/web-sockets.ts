import type { IncomingMessage } from 'node:http'
import { CLOSE_CODES, StreamstackError, WEBSOCKET_PROTOCOL, WEBSOCKET_TOKEN_PREFIX } from '@streamstack/protocol'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Engine } from '../../engine/index.ts'
import { OpenList } from '../../stream/index.ts'
import type { CallTurns } from '../call-turns.ts'
import type { CallReports } from '../call/call-report.ts'
import type { Exchange } from '../exchange.ts'
import { stoppingError } from '../call/prepare-call.ts'
import { auditRefusedSocket } from './audited-messages.ts'
import { Connection } from './connection.ts'
import { ReasonedWebSocket } from './reasoned-web-socket.ts'

const PATH = '/v1/ws'

/** How often the clocks of all connections are looked at, at most. */
const TICK_MS = 1_000

/** How long connections may take to hear that the server stops. */
const STOPPING_MS = 1_000

/** `/v1/ws`: many streams over one connection. */
export class WebSockets {
  readonly #engine: Engine
  readonly #reports: CallReports
  readonly #turns: CallTurns
  readonly #connections = new OpenList<Connection>()
  readonly #timer: NodeJS.Timeout
  #door: { server: WebSocketServer; messageBytesMax: number } | null = null
  #isStopping = false
  #onAllGone: (() => void) | null = null

  constructor(engine: Engine, reports: CallReports, turns: CallTurns) {
    this.#engine = engine
    this.#reports = reports
    this.#turns = turns
    const intervalMs = Math.min(TICK_MS, engine.settings.streams.heartbeatMs / 4)
    let tickedMs = performance.now()
    this.#timer = setInterval(() => {
      const nowMs = performance.now()
      // When this process was held up, signs of life are still waiting to be read.
      const isLate = nowMs - tickedMs > 2 * intervalMs
      tickedMs = nowMs
      for (const connection of this.#connections.members()) connection.tick(nowMs, isLate)
    }, intervalMs).unref()
  }

  /** Whether runs are read that have not been told to their end. */
  get readRuns(): boolean {
    for (const connection of this.#connections.members()) if (connection.readsRun) return true
    return false
  }

  /** Closes every connection with 1012 and settles when all are gone, or after a second at the latest: then the remaining connections are destroyed. */
  async close(): Promise<void> {
    this.#isStopping = true
    clearInterval(this.#timer)
    for (const connection of this.#connections.members()) connection.close('restarting')
    if (this.#connections.size === 0) return
    await new Promise<void>((resolve) => {
      this.#onAllGone = resolve
      setTimeout(resolve, STOPPING_MS).unref()
    })
    for (const connection of this.#connections.members()) connection.terminate()
  }

  /** Answers a handshake. Throws what it refuses. */
  open(exchange: Exchange): void {
    const { request, response, upgrade, caller } = exchange
    if (upgrade === null) throw handshakeMissing(this.#engine)
    checkHandshake(request)
    const offered = protocolsOf(request)
    if (offered.length > 0 && !offered.includes(WEBSOCKET_PROTOCOL)) {
      throw new StreamstackError('header_invalid', `Sec-WebSocket-Protocol must offer ${WEBSOCKET_PROTOCOL}.`)
    }
    const ticket = exchange.takeTicket()
    const { socket, head } = upgrade
    response.detachSocket(socket as never)
    this.#open().handleUpgrade(request, socket, head, (webSocket) => {
      const { maxConnections } = this.#engine.settings.server.websocket
      const { sockets } = this.#engine.observation.metrics
      sockets.socketOpened()
      let connection: Connection | null = null
      const over = this.#reports.followSocket(request, () => connection?.caller ?? caller)
      webSocket.on('close', (code) => {
        sockets.socketClosed(code)
        over()
      })
      if (this.#isStopping || this.#engine.isDraining) return turnAway(webSocket, 'restarting')
      if (this.#connections.size >= maxConnections) {
        const error = new StreamstackError('unavailable', 'The server has as many WebSockets as it can.')
        auditRefusedSocket(this.#engine, caller, error)
        return turnAway(webSocket, 'overloaded')
      }
      const opened: Connection = new Connection({
        engine: this.#engine,
        turns: this.#turns,
        webSocket,
        socket,
        caller,
        token: tokenOf(request, offered),
        ticket,
        onGone: () => {
          place.remove()
          if (this.#connections.size === 0) this.#onAllGone?.()
        },
      })
      connection = opened
      const place = this.#connections.add(opened)
    })
  }

  /** Makes handshakes. Messages may be as large as request bodies, by the settings of now. */
  #open(): WebSocketServer {
    const messageBytesMax = this.#engine.settings.server.bodyLimitBytes
    if (this.#door?.messageBytesMax !== messageBytesMax) {
      const server = new WebSocketServer({
        noServer: true,
        WebSocket: ReasonedWebSocket,
        clientTracking: false,
        perMessageDeflate: false,
        // Pongs for a client that does not read would pile up.
        autoPong: false,
        // One read holds up to 10,000 small frames, 50 ms of work even when all of them are refused: one a turn of the event loop.
        allowSynchronousEvents: false,
        maxPayload: messageBytesMax,
        // Never the token, which stands beside it.
        handleProtocols: (protocols) => protocols.has(WEBSOCKET_PROTOCOL) && WEBSOCKET_PROTOCOL,
      })
      this.#door = { server, messageBytesMax }
    }
    return this.#door.server
  }
}

/** Whether a request is a handshake for here, and no plain one. */
export function isWebSocketRequest({ method, url, headers }: IncomingMessage): boolean {
  return method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket' && url?.split('?', 1)[0] === PATH
}

function protocolsOf({ headers }: IncomingMessage): readonly string[] {
  const offered = headers['sec-websocket-protocol']
  return offered === undefined ? [] : offered.split(',').map((name) => name.trim())
}

/** The token that came with a handshake. An Authorization of another scheme is not meant for us: proxies pass theirs on. */
function tokenOf({ headers }: IncomingMessage, offered: readonly string[]): string | null {
  const bearer = /^Bearer +(\S+)\s*$/i.exec(headers.authorization ?? '')?.[1]
  if (bearer !== undefined) return bearer
  const protocol = offered.find((name) => name.startsWith(WEBSOCKET_TOKEN_PREFIX))
  return protocol === undefined ? null : protocol.slice(WEBSOCKET_TOKEN_PREFIX.length)
}

/** Opens a connection only to say why it is closed: a page learns nothing of a handshake that fails. */
function turnAway(webSocket: WebSocket, name: 'restarting' | 'overloaded'): void {
  const { code, reason } = CLOSE_CODES[name]
  webSocket.on('error', () => undefined)
  webSocket.close(code, reason)
  setTimeout(() => webSocket.terminate(), STOPPING_MS).unref()
}

/** RFC 6455 §4.2.1. */
function checkHandshake({ headers }: IncomingMessage): void {
  if (headers['sec-websocket-version'] !== '13') {
    throw new StreamstackError('header_invalid', 'Sec-WebSocket-Version must be 13.', { status: 426 })
  }
  if (!/^[+/0-9A-Za-z]{22}==$/.test(headers['sec-websocket-key'] ?? '')) {
    throw new StreamstackError('header_invalid', 'Sec-WebSocket-Key must be 16 bytes in base64.')
  }
}

function handshakeMissing({ isDraining }: Engine): StreamstackError {
  if (isDraining) return stoppingError()
  return new StreamstackError(
    'header_invalid',
    'Here a WebSocket is opened: over HTTP/1.1, with Upgrade: websocket. A proxy in between must pass that on.',
    { status: 426 },
  )
}
