import { StreamstackError } from '@streamstack/protocol'
import type { Caller } from '../../access/index.ts'
import { nameOfPath } from '../../channel/index.ts'
import type { Engine } from '../../engine/index.ts'
import { ReaderRecord } from '../../observe/index.ts'
import { after } from '../../storage/index.ts'
import type { StreamSource } from '../../stream/index.ts'
import { CHANNELS_ROOT, PRESENCE_ROOT } from '../channel-paths.ts'
import { stoppingError } from '../call/prepare-call.ts'
import { isOwnRun, readableRun, readingOf } from '../run-access.ts'
import { SystemView } from '../reader/system-view.ts'

/** The caller that asks for a stream, and the engine that has it. */
export interface StreamRequest {
  engine: Engine
  caller: Caller
}

/** A stream with what can be done to it besides reading. */
export type OpenSource = StreamSource & {
  /** Ends a run. */
  cancel?(message: string): void
  /** Goes on with a fresh token. Throws when that may not read it. */
  renew?(caller: Caller): void
  /** Breaks its readers off. */
  refuse?(error: StreamstackError): void
}

export interface FoundStream {
  readonly source: OpenSource
  /** Offset for a reader that names none. */
  readonly begin: number
  readonly record: ReaderRecord | null
}

const RUNS = '/v1/stream/runs/'

/** The stream of a path, for who may read it: by the same rules as over HTTP. Throws `stream_unknown` and what those rules say. */
export function findStream(path: string, asked: StreamRequest): FoundStream | Promise<FoundStream> {
  const { channels, observation, isDraining } = asked.engine
  if (path.startsWith(RUNS)) return findRun(path.slice(RUNS.length), asked)
  // All others go on for ever.
  if (isDraining) throw stoppingError()
  if (path.startsWith(CHANNELS_ROOT)) {
    return after(channels.subscribe(nameOfPath(path.slice(CHANNELS_ROOT.length)) ?? '', asked.caller), whole)
  }
  if (path.startsWith(PRESENCE_ROOT)) {
    return whole(channels.presence(nameOfPath(path.slice(PRESENCE_ROOT.length)) ?? '', asked.caller))
  }
  if (path === '/v1/stream/system/audit') return findAudit(asked)
  const { samples, activity, history } = observation
  const system = [samples, activity, history].find(({ url }) => url === path)
  if (system === undefined) {
    throw new StreamstackError(
      'stream_unknown',
      'Over the WebSocket there are runs, as /v1/stream/runs/<id>, channels, as /v1/channels/<name>, streams by name, as /v1/stream/<name>, /v1/stream/system/metrics, /v1/stream/system/history, /v1/stream/system/activity and /v1/stream/system/audit.',
    )
  }
  const allow = (caller: Caller): void => asked.engine.access.permit(caller, ['system:read'])
  allow(asked.caller)
  const view = new SystemView(system, asked.caller, allow)
  if (system !== samples) return whole(view)
  return { ...whole(view), begin: samples.stream.lastOffset - 1 }
}

function findAudit({ engine, caller }: StreamRequest): FoundStream {
  const allow = (renewed: Caller): void => engine.access.permit(renewed, ['audit:read'])
  allow(caller)
  return whole(new SystemView(engine.audit.stream, caller, allow))
}

function whole(source: OpenSource): FoundStream {
  return { source, begin: -1, record: null }
}

function findRun(id: string, { engine, caller }: StreamRequest): FoundStream | Promise<FoundStream> {
  return after(readableRun(engine, id, caller), (run) => ({
    // Who only reads a run of another has nothing to cancel.
    source: isOwnRun(run, caller) ? run : (readingOf(engine, run, caller) ?? run),
    begin: -1,
    record: new ReaderRecord(engine.observation.metrics, run.endpoint, null),
  }))
}
