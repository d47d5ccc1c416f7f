import { type IncomingMessage, type Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Upgrade } from './exchange.ts'
import { isWebSocketRequest } from './websocket/index.ts'

/**
 * Calls `listener` for each WebSocket handshake, with a response for refusals; a listener that
 * accepts the connection detaches the response first. Other upgrades, such as curl's offer of
 * HTTP/2, remain plain requests.
 */
export function onUpgrade(
  server: Server,
  listener: (request: IncomingMessage, response: ServerResponse, upgrade: Upgrade) => void,
): void {
  // A TLS server takes no such option, but looks here, too.
  Object.assign(server, { shouldUpgradeCallback: isWebSocketRequest })
  server.on('upgrade', (request, socket, head) => listener(request, answerOn(request, socket), { socket, head }))
}

/** Calls `listener` for each CONNECT, which Node otherwise answers by closing the connection. The server is no proxy: it is there to be refused. */
export function onTunnel(server: Server, listener: (request: IncomingMessage, response: ServerResponse) => void): void {
  server.on('connect', (request: IncomingMessage, socket: Duplex | ServerResponse) => {
    // HTTP/2 hands over no connection: its compatibility layer has the answer to a stream there (RFC 9113 §8.5).
    if (request.httpVersionMajor === 2) listener(request, socket as ServerResponse)
    else listener(request, answerOn(request, socket as Duplex))
  })
}

/** The last answer on a connection that Node has handed over. */
function answerOn(request: IncomingMessage, socket: Duplex): ServerResponse {
  // A socket that breaks is a client that left; its `close` says so.
  socket.on('error', ignore)
  const response = new ServerResponse(request)
  response.on('error', ignore)
  response.shouldKeepAlive = false
  response.assignSocket(socket as never)
  response.on('finish', () => socket.end(() => socket.destroy()))
  return response
}

function ignore(): void {}
