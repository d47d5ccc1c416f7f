import type { Engine } from '../engine/index.ts'
import type { DurableStreams } from './durable-streams/index.ts'
import type { Heartbeat } from './heartbeat.ts'
import type { Probes } from './probes.ts'
import type { WebSockets } from './websocket/web-sockets.ts'

/** What all requests of one server share. */
export interface ServerContext {
  readonly engine: Engine
  readonly heartbeat: Heartbeat
  readonly streams: DurableStreams
  readonly probes: Probes
  readonly webSockets: WebSockets
}
