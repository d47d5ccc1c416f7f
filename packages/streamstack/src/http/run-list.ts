import { type Outcome, StreamstackError } from '@streamstack/protocol'
import type { LiveRun } from '../engine/index.ts'

const PAGE_RUNS = 50
const PAGE_RUNS_MAX = 200
const OUTCOMES: readonly string[] = ['running', 'completed', 'failed', 'cancelled', 'abandoned'] satisfies (
  | Outcome
  | 'running'
)[]

/** Which runs of a list are asked for. */
export interface RunFilter {
  /** Name of the endpoint, or its method and path. */
  endpoint: string | null
  /** An outcome, or `running`. */
  outcome: string | null
  /** Only runs that started before the run of this number. */
  before: number
  limit: number
}

/** Reads the filter of a query. Throws `input_invalid` with every fault. */
export function runFilter(query: URLSearchParams): RunFilter {
  const faults: { path: string; message: string }[] = []
  const number = (name: string, max: number, fallback: number, message: string): number => {
    const text = query.get(name)
    if (text === null) return fallback
    const value = /^\d{1,15}$/.test(text) ? Number(text) : 0
    if (value >= 1 && value <= max) return value
    faults.push({ path: name, message })
    return fallback
  }
  const outcome = query.get('outcome')
  if (outcome !== null && !OUTCOMES.includes(outcome)) {
    faults.push({ path: 'outcome', message: `must be one of ${OUTCOMES.join(', ')}` })
  }
  const limit = number('limit', PAGE_RUNS_MAX, PAGE_RUNS, `must be a whole number from 1 to ${PAGE_RUNS_MAX}`)
  const before = number('cursor', Number.MAX_SAFE_INTEGER, Infinity, 'must be the `next_cursor` of the page before')
  if (faults.length > 0) {
    const names = faults.map(({ path, message }) => `${path} ${message}`)
    throw new StreamstackError('input_invalid', `${names.join('; ')}.`, { details: { errors: faults } })
  }
  return { endpoint: query.get('endpoint'), outcome, before, limit }
}

/** A page of a list of runs; `next_cursor` leads to the one after it and is null on the last. */
export function runPage(
  newestFirst: readonly LiveRun[],
  { isOwn, endpoint, outcome, before, limit }: RunFilter & { isOwn: (live: LiveRun) => boolean },
): object {
  const page: LiveRun[] = []
  for (const live of newestFirst) {
    if (live.number >= before || !isOwn(live)) continue
    if (endpoint !== null && endpoint !== live.run.endpoint && endpoint !== routeOf(live)) continue
    if (outcome !== null && outcome !== (live.run.stream.end?.outcome ?? 'running')) continue
    if (page.length === limit) return { runs: page.map(describeRun), next_cursor: String(page.at(-1)?.number) }
    page.push(live)
  }
  return { runs: page.map(describeRun), next_cursor: null }
}

/** What callers may know of a run: no inputs, no content. */
export function describeRun(live: LiveRun): object {
  const { run, endedAtMs } = live
  const { stream } = run
  return {
    id: run.id,
    endpoint: run.endpoint,
    route: routeOf(live),
    outcome: stream.end?.outcome ?? null,
    error: stream.end?.error ?? null,
    started_at: new Date(run.startedAtMs).toISOString(),
    ended_at: endedAtMs === null ? null : new Date(endedAtMs).toISOString(),
    chunks: run.chunksSent,
    offset: stream.lastOffset,
    first_offset: stream.log.droppedOffset,
    stream_url: `/v1/stream/runs/${run.id}`,
  }
}

function routeOf({ plan }: LiveRun): string {
  return `${plan.endpoint.method} ${plan.endpoint.path}`
}
