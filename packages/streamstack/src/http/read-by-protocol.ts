import type { StreamSource } from '../stream/index.ts'
import { readSource } from './durable-streams/index.ts'
import type { OwnCall } from './own-call.ts'

/** Answers a read of one of the server's own streams by the open Durable Streams protocol. */
export function readByProtocol(call: OwnCall, source: StreamSource): void {
  const { engine, heartbeat, request, response, corsHeaders } = call
  readSource({
    source,
    request,
    response,
    heartbeat,
    longPollTimeoutMs: engine.settings.streams.longPollTimeoutMs,
    onError: (error) => engine.log.error({ err: error, stream: source.url }, 'a stream could not be read'),
    corsHeaders,
  })
}
