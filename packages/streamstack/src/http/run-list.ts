import { setImmediate } from 'node:timers/promises'
import type { Value } from '@streamstack/protocol'
import type { RunOwner, RunView, Runs } from '../engine/index.ts'

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

/** The filter that the checked inputs of a request name. */
export function runFilter({ endpoint, outcome, cursor, limit }: Readonly<Record<string, Value>>): RunFilter {
  const text = (value: Value | undefined): string | null => (typeof value === 'string' ? value : null)
  return { endpoint: text(endpoint), outcome: text(outcome), before: text(cursor), limit: Number(limit) }
}

export interface RunPage {
  readonly runs: readonly DescribedRun[]
  readonly next_cursor: string | null
}

/** What callers may know of a run; its other members are for the wire alone. */
export interface DescribedRun extends Readonly<Record<string, unknown>> {
  readonly id: string
}

/** A page of the runs of an owner; `next_cursor` leads to the one after it and is null on the last. */
export async function runPage(
  runs: Runs,
  owner: RunOwner,
  { endpoint, outcome, before, limit }: RunFilter,
): Promise<RunPage> {
  const page: DescribedRun[] = []
  let looked = 0
  let last: string | null = null
  for await (const listed of runs.newestFirst({ owner, before, goingOn: outcome === 'running' })) {
    // Filters that match little must not make one call read everything.
    if (page.length === limit || ++looked > LOOKED_AT_MAX) return { runs: page, next_cursor: last }
    if (looked % LOOKED_AT_ONCE === 0) await setImmediate()
    last = listed.run
    if (endpoint !== null && endpoint !== listed.endpoint && endpoint !== listed.route) continue
    if (outcome !== null && outcome !== (listed.outcome ?? 'running')) continue
    const run = await listed.open()
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
  usage,
  startedAtMs,
  endedAtMs,
}: RunView): DescribedRun {
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
    ...(usage === null ? {} : { usage }),
  }
}
