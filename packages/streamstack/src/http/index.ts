export type { CallReport } from './call-report.ts'
export { callerOptions } from './caller-options.ts'
export type { ProbeSeen, ProbeState } from './probe-route.ts'
export { type CloseOptions, type ServerOptions, type StreamstackServer, startServer } from './server.ts'
