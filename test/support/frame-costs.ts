import type { CDPSession, Page } from 'playwright-core'

/** Script of one frame and before it, in milliseconds of the processor. */
export interface FrameCosts {
  readonly frames: number
  readonly p50Ms: number
  readonly p95Ms: number
  readonly longestMs: number
  /** Of the whole time. */
  readonly scriptMs: number
}

interface TraceEvent {
  readonly name: string
  readonly ph: string
  readonly pid: number
  readonly tid: number
  /** Microseconds. */
  readonly ts: number
  readonly dur?: number
  /** The same, of the processor alone. */
  readonly tdur?: number
  readonly args?: { readonly name?: string }
}

/** What Chromium calls the running of scripts. */
const SCRIPT = new Set([
  'FunctionCall',
  'EvaluateScript',
  'RunMicrotasks',
  'FireAnimationFrame',
  'TimerFire',
  'V8.GCScavenger',
  'MajorGC',
  'MinorGC',
])

/** Runs work while the browser records what its main thread does, and sums the script between frames. */
export async function frameCosts(page: Page, work: () => Promise<void>): Promise<FrameCosts> {
  const session = await page.context().newCDPSession(page)
  const events: TraceEvent[] = []
  session.on('Tracing.dataCollected', ({ value }) => events.push(...(value as unknown as TraceEvent[])))
  await session.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories: ['devtools.timeline', 'v8'], excludedCategories: ['*'] },
  })
  await work()
  const complete = new Promise((resolve) => session.once('Tracing.tracingComplete', resolve))
  await session.send('Tracing.end')
  await complete
  await session.detach()
  return costsOf(events)
}

function costsOf(events: readonly TraceEvent[]): FrameCosts {
  const starts = events.filter(({ name }) => name === 'BeginMainThreadFrame' || name === 'FireAnimationFrame')
  // The thread of the page is the one that has the most frames.
  const threads = Map.groupBy(starts, ({ pid, tid }) => `${pid}:${tid}`)
  const [main = []] = [...threads.values()].toSorted((one, other) => other.length - one.length)
  const thread = main[0]
  const spans = events
    .filter(({ name, ph, pid, tid }) => ph === 'X' && SCRIPT.has(name) && pid === thread?.pid && tid === thread.tid)
    .toSorted((one, other) => one.ts - other.ts)
  const frames = main.map(({ ts }) => ts).toSorted((one, other) => one - other)
  const costs = frames.map(() => 0)
  let frame = 0
  let coveredTo = 0
  for (const { ts, dur = 0, tdur = dur } of spans) {
    // What runs inside of another is counted with it.
    if (ts < coveredTo) continue
    coveredTo = ts + dur
    while (frame + 1 < frames.length && (frames[frame + 1] ?? Infinity) <= ts) frame++
    costs[frame] = (costs[frame] ?? 0) + tdur / 1_000
  }
  const sorted = costs.toSorted((one, other) => one - other)
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
  return {
    frames: frames.length,
    p50Ms: at(0.5),
    p95Ms: at(0.95),
    longestMs: sorted.at(-1) ?? 0,
    scriptMs: costs.reduce((sum, cost) => sum + cost, 0),
  }
}

/** Milliseconds of script that a page has run so far. */
export async function scriptMs(session: CDPSession): Promise<number> {
  const { metrics } = await session.send('Performance.getMetrics')
  return (metrics.find(({ name }) => name === 'ScriptDuration')?.value ?? 0) * 1_000
}

/** Bytes that the page's heap holds, garbage collected before. */
export async function heapBytes(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page)
  await session.send('HeapProfiler.collectGarbage')
  const { usedSize } = await session.send('Runtime.getHeapUsage')
  await session.detach()
  return usedSize
}
