export { callerOptions } from './caller-options.ts'
export { type ServerOptions, type StreamstackServer, startServer } from './server.ts'
