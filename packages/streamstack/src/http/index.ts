export { type ServerOptions, type StreamstackServer, startServer } from './server.ts'
