export { openWebSocket } from './open-web-socket.ts'
export { WebSockets, isWebSocketRequest } from './web-sockets.ts'
