import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/** Follows a server's connections, those of HTTP/2 included, which `closeAllConnections` leaves open. The result breaks them all. */
export function openConnections(server: Server): () => void {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return () => {
    for (const socket of sockets) socket.destroy()
  }
}
