import type { ReaderRecord } from '../../observe/index.ts'
import type { StreamSource } from '../../stream/index.ts'
import { readSource } from '../durable-streams/index.ts'
import type { Exchange } from '../exchange.ts'

/** Answers a read of one of the server's own streams by the open Durable Streams protocol. `record`: where it is counted what the reader does; null for what the server tells of itself. */
export function readByProtocol(call: Exchange, source: StreamSource, record: ReaderRecord | null): void {
  const { engine, heartbeat, request, response, corsHeaders } = call
  readSource({
    source,
    record,
    request,
    response,
    heartbeat,
    longPollTimeoutMs: engine.settings.streams.longPollTimeoutMs,
    hidesDetails: engine.hidesDetails,
    onError: (error) => engine.log.error({ err: error, stream: source.url }, 'a stream could not be read'),
    corsHeaders,
  })
}
