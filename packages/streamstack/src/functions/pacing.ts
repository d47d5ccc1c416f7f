import type { Strand } from '../run/index.ts'

export type Pacing = 'fixed' | 'adaptive' | 'burst' | 'natural'

/** Characters a second between which adaptive pacing moves: a quick reader, and what still looks like typing. */
const SLOWEST_PER_SECOND = 72
const FASTEST_PER_SECOND = 420

/** With so many characters to go, adaptive pacing is at its fastest. */
export const BACKLOG_CHARACTERS = 1_000

/** How long to wait before a piece, in milliseconds, counted from the piece before it. */
export function pauseMs(pacing: Pacing, delayMs: number, before: string, charactersToGo: number): number {
  switch (pacing) {
    case 'burst':
      return 0
    case 'fixed':
      return delayMs
    case 'adaptive': {
      const share = Math.min(1, charactersToGo / BACKLOG_CHARACTERS)
      const perSecond = SLOWEST_PER_SECOND + share * (FASTEST_PER_SECOND - SLOWEST_PER_SECOND)
      return (before.length / perSecond) * 1000
    }
    case 'natural': {
      const end = before.trimEnd().at(-1) ?? ''
      const rest = '.!?…'.includes(end) && end !== '' ? 4 : ',;:'.includes(end) && end !== '' ? 2 : 1
      // Between 0.7 and 1.3 of the delay: an even beat looks like a machine.
      return delayMs * rest * (0.7 + Math.random() * 0.6)
    }
  }
}

/** Waits until the pause since the last paced chunk of the run is over; what the stack did meanwhile counts. */
export function pace(strand: Strand, pause: number): void | Promise<void> {
  const { run } = strand
  const nowMs = run.elapsedMs()
  const { pacedAtMs } = run.state
  const dueMs = pacedAtMs === 0 ? nowMs : pacedAtMs + pause
  const waitMs = dueMs - nowMs
  // Time lost to a slow reader or step is not caught up by a burst.
  run.state.pacedAtMs = Math.max(dueMs, nowMs)
  return waitMs > 0 ? strand.sleep(waitMs) : undefined
}
