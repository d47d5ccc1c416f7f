import { randomUUID } from 'node:crypto'
import type { ProbeSeen, ProbeState } from '../../http/index.ts'
import { curesOf } from '../cures.ts'
import type { Examination } from '../examination.ts'
import { type Finding, ok, problem, warning } from '../finding.ts'
import { inTime } from '../words.ts'

const CHECK = 'leaving'
const TICKS = 3
/** Pauses between ticks are so many intervals long: a proxy that only looks when it writes shows by the tick that it took. */
const PAUSE_INTERVALS = 5
const POLL_MS = 100
const TIMEOUT_MS = 5_000

/** Whether the server learns that its reader has left; until it does, a model goes on being paid for. */
export async function leaving(examination: Examination, { heartbeat_ms: heartbeatMs }: ProbeSeen): Promise<Finding> {
  const { proxies, options } = examination
  const interval = Math.min(2_000, options.intervalMs * PAUSE_INTERVALS)
  const id = randomUUID()
  const controller = new AbortController()
  const leave = (): void => controller.abort()
  // Where everything is held back nothing comes that one could wait for.
  const timer = setTimeout(leave, interval / 2)
  await examination.probe({
    id,
    chunks: TICKS,
    interval,
    heartbeats: false,
    signal: controller.signal,
    onSeen: leave,
  })
  clearTimeout(timer)
  const state = await settledState(examination, id, TICKS * interval + TIMEOUT_MS)
  const after = inTime(state.after_ms ?? 0)
  switch (state.state) {
    case 'left':
      if (state.ticks === 0) return ok(CHECK, `The server noticed within ${after} that its reader had left.`)
      return warning(
        CHECK,
        `The server noticed only when it wrote something that its reader had left; a silent endpoint goes on until its next chunk or heartbeat (${inTime(heartbeatMs)}).`,
        curesOf('leaving', proxies),
      )
    case 'unknown':
      return warning(CHECK, 'Another server than the one that streamed was asked whether its reader left.', [
        'Several servers stand behind this address: runs live in the memory of one of them, so requests of one client must reach the same one (sticky sessions).',
      ])
    default:
      return problem(
        CHECK,
        'The server never learnt that its reader had left: something reads on in its place, and every run goes on, and is paid for, to its end.',
        curesOf('leaving', proxies),
      )
  }
}

async function settledState(examination: Examination, id: string, timeoutMs: number): Promise<ProbeState> {
  const untilMs = performance.now() + timeoutMs
  let state: ProbeState = { state: 'unknown', ticks: 0, after_ms: null }
  for (;;) {
    const chunks: Buffer[] = []
    await examination.call({
      path: `/v1/probe/${id}`,
      headers: { Accept: 'application/json' },
      timeoutMs: TIMEOUT_MS,
      onBytes: (bytes) => chunks.push(bytes),
    })
    state = parsed(Buffer.concat(chunks).toString()) ?? state
    if (state.state === 'left' || state.state === 'ended' || performance.now() > untilMs) return state
    // A balancer that goes round reaches the right server sooner or later.
    await examination.wait(POLL_MS)
  }
}

function parsed(text: string): ProbeState | null {
  try {
    const value = JSON.parse(text) as ProbeState | null
    return typeof value?.state === 'string' ? value : null
  } catch {
    // The proxy answered in the server's place.
    return null
  }
}
