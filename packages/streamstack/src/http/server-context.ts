import type { Engine } from '../engine/index.ts'
import type { DurableStreams } from './durable-streams/index.ts'
import type { Heartbeat } from './reader/heartbeat.ts'
import type { Probes } from './probe/probes.ts'
import type { WebSockets } from './websocket/web-sockets.ts'

/** What all requests of one server share. */
export interface ServerContext {
  readonly engine: Engine
  readonly heartbeat: Heartbeat
  readonly streams: DurableStreams
  readonly probes: Probes
  readonly webSockets: WebSockets
}
