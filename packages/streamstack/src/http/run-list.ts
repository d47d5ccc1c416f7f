import { setImmediate } from 'node:timers/promises'
import type { Outcome } from '@streamstack/protocol'
import type { RunOwner, RunView, Runs } from '../engine/index.ts'
import type { InputFault } from '../input/index.ts'
import { refuseFaults } from './refuse-faults.ts'

const PAGE_RUNS = 50
const PAGE_RUNS_MAX = 200
const OUTCOMES: readonly string[] = ['running', 'completed', 'failed', 'cancelled', 'abandoned'] satisfies (
  | Outcome
  | 'running'
)[]

/** The id of a run. */
const CURSOR = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Runs that one page looks at for those that are asked for. */
const LOOKED_AT_MAX = 5_000

/** And in one turn: they may have to be read from the disk. */
const LOOKED_AT_ONCE = 100

/** Which runs of a list are asked for. */
export interface RunFilter {
  /** Name of the endpoint, or its method and path. */
  endpoint: string | null
  /** An outcome, or `running`. */
  outcome: string | null
  /** Only runs that started before the one with this id; null: all. */
  before: string | null
  limit: number
}

/** Reads the filter of a query. Throws `input_invalid` with every fault. */
export function runFilter(query: URLSearchParams): RunFilter {
  const faults: InputFault[] = []
  const outcome = query.get('outcome')
  if (outcome !== null && !OUTCOMES.includes(outcome)) {
    faults.push({ path: 'outcome', message: `must be one of ${OUTCOMES.join(', ')}` })
  }
  const limitText = query.get('limit') ?? String(PAGE_RUNS)
  const limit = /^\d{1,3}$/.test(limitText) ? Number(limitText) : 0
  if (limit < 1 || limit > PAGE_RUNS_MAX) {
    faults.push({ path: 'limit', message: `must be a whole number from 1 to ${PAGE_RUNS_MAX}` })
  }
  const before = query.get('cursor')
  if (before !== null && !CURSOR.test(before)) {
    faults.push({ path: 'cursor', message: 'must be the `next_cursor` of the page before' })
  }
  refuseFaults(faults)
  return { endpoint: query.get('endpoint'), outcome, before, limit }
}

/** A page of the runs of an owner; `next_cursor` leads to the one after it and is null on the last. */
export async function runPage(
  runs: Runs,
  owner: RunOwner,
  { endpoint, outcome, before, limit }: RunFilter,
): Promise<object> {
  const page: object[] = []
  let looked = 0
  let last: string | null = null
  for (const listed of runs.newestFirst({ owner, before, goingOn: outcome === 'running' })) {
    // Filters that match little must not make one call read everything.
    if (page.length === limit || ++looked > LOOKED_AT_MAX) return { runs: page, next_cursor: last }
    if (looked % LOOKED_AT_ONCE === 0) await setImmediate()
    last = listed.run
    if (endpoint !== null && endpoint !== listed.endpoint && endpoint !== listed.route) continue
    if (outcome !== null && outcome !== (listed.outcome ?? 'running')) continue
    const run = listed.open()
    if (run !== undefined) page.push(describeRun(run))
  }
  return { runs: page, next_cursor: null }
}

/** What callers may know of a run: no inputs, no content. */
export function describeRun({
  run,
  endpoint,
  route,
  url,
  stream,
  chunksSent,
  startedAtMs,
  endedAtMs,
}: RunView): object {
  return {
    id: run,
    endpoint,
    route,
    outcome: stream.end?.outcome ?? null,
    error: stream.end?.error ?? null,
    started_at: new Date(startedAtMs).toISOString(),
    ended_at: endedAtMs === null ? null : new Date(endedAtMs).toISOString(),
    chunks: chunksSent,
    offset: stream.lastOffset,
    first_offset: stream.log.droppedOffset,
    stream_url: url,
  }
}
