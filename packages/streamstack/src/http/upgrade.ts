import { type IncomingMessage, type Server, ServerResponse } from 'node:http'
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
