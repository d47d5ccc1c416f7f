import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Engine } from '../engine/index.ts'
import type { Heartbeat } from './heartbeat.ts'

/** One request to the server's own API. */
export interface OwnCall {
  engine: Engine
  heartbeat: Heartbeat
  /** The run that its path names; read it only in routes whose path has one. */
  id: string
  request: IncomingMessage
  response: ServerResponse
  query: URLSearchParams
  corsHeaders: Readonly<Record<string, string>>
}
