import { type IncomingMessage, type Server, ServerResponse } from 'node:http'
import type { Upgrade } from './exchange.ts'
import { isWebSocketRequest } from './websocket/index.ts'

/**
 * Hears of handshakes that ask for a WebSocket, each with an answer as any other request has. That is for refusals: whoever takes the connection over
 * detaches the answer from it. Other upgrades, as the one to HTTP/2 that curl offers, stay the plain requests that they also are.
 */
export function onUpgrade(
  server: Server,
  listener: (request: IncomingMessage, response: ServerResponse, upgrade: Upgrade) => void,
): void {
  // A TLS server takes no such option, but looks here, too.
  Object.assign(server, { shouldUpgradeCallback: isWebSocketRequest })
  server.on('upgrade', (request, socket, head) => {
    // A socket that breaks is a client that left; its `close` says so.
    socket.on('error', ignore)
    const response = new ServerResponse(request)
    response.on('error', ignore)
    response.shouldKeepAlive = false
    response.assignSocket(socket as never)
    response.on('finish', () => socket.end(() => socket.destroy()))
    listener(request, response, { socket, head })
  })
}

function ignore(): void {}
