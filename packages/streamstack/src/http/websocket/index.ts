export { WebSockets, isWebSocketRequest, openWebSocket } from './web-sockets.ts'
