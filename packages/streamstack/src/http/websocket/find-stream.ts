import type { IncomingHttpHeaders } from 'node:http'
import { StreamstackError } from '@streamstack/protocol'
import { type AuthClaims, subjectOf } from '../../access/index.ts'
import type { Engine, RunView } from '../../engine/index.ts'
import { ReaderRecord } from '../../observe/index.ts'
import type { StreamSource } from '../../stream/index.ts'
import { allowClaims } from '../durable-streams/index.ts'
import { checkOwner, knownRun } from '../run-access.ts'
import { positionAfter } from '../start-position.ts'

/** Who asks for a stream. */
export interface StreamRequest {
  engine: Engine
  /** Of the handshake. */
  headers: IncomingHttpHeaders
  claims: AuthClaims | null
  startedOpen: boolean
}

export interface FoundStream {
  readonly source: StreamSource | RunView
  /** Offset after which a reader begins that names none. */
  readonly begin: number
  readonly record: ReaderRecord | null
}

const RUN = /^\/v1\/stream\/runs\/([^/]+)$/

/** The stream of a path, for who may read it: by the same rules as over HTTP. Throws `run_unknown`, `stream_unknown`, `unauthenticated`, `forbidden`, `unavailable`. */
export function findStream(path: string, asked: StreamRequest): FoundStream {
  const [, run] = RUN.exec(path) ?? []
  if (run !== undefined) return findRun(run, asked)
  const { samples, activity } = asked.engine.observation
  const system = [samples, activity].find(({ url }) => url === path)
  if (system === undefined) {
    throw new StreamstackError(
      'stream_unknown',
      'Over the WebSocket there are runs, as /v1/stream/runs/<id>, /v1/stream/system/metrics and /v1/stream/system/activity. Read a stream by name with GET and ?live=sse.',
    )
  }
  allowClaims(asked.engine, asked, asked.claims, 'system:read', asked.startedOpen)
  if (system === samples) samples.refresh()
  const begin = system === samples ? system.stream.lastOffset - 1 : positionAfter(system, '-1')
  return { source: system, begin, record: null }
}

function findRun(id: string, { engine, claims }: StreamRequest): FoundStream {
  const source = knownRun(engine, id)
  checkOwner(source, claims === null ? null : { subject: subjectOf(claims) })
  return {
    source,
    begin: positionAfter(source, '-1'),
    record: new ReaderRecord(engine.observation.metrics, source.endpoint, null),
  }
}
