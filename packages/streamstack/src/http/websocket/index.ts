export { WebSockets } from './web-sockets.ts'
