import type { PacedChunk, Strand } from '../../run/index.ts'

export type Pacing = 'fixed' | 'adaptive' | 'burst' | 'natural' | 'smooth'

/** Characters a second between which adaptive pacing moves: a quick reader, and what still looks like typing. */
const SLOWEST_PER_SECOND = 72
const FASTEST_PER_SECOND = 420

/** With so many characters to go, adaptive pacing is at its fastest. */
export const BACKLOG_CHARACTERS = 1_000

/** What a caller's delay means to adaptive pacing: with this one it keeps its speed, with half of it it doubles it. */
const NOMINAL_DELAY_MS = 50

/** How a chunk is paced. */
export interface Pace {
  readonly pacing: Pacing
  /** Of the step. */
  readonly delayMs: number
  /** What the caller asks for; null: nothing. It scales the pacing of the step and does not replace it. */
  readonly callerDelayMs: number | null
}

/** Milliseconds between the chunk before and the next one. */
export function pauseMs({ pacing, delayMs, callerDelayMs }: Pace, before: PacedChunk, charactersToGo: number): number {
  if (callerDelayMs === 0) return 0
  switch (pacing) {
    case 'burst':
    case 'smooth':
      return callerDelayMs ?? 0
    case 'fixed':
      return callerDelayMs ?? delayMs
    case 'adaptive': {
      const share = Math.min(1, charactersToGo / BACKLOG_CHARACTERS)
      const perSecond = SLOWEST_PER_SECOND + share * (FASTEST_PER_SECOND - SLOWEST_PER_SECOND)
      return (before.length / perSecond) * 1000 * ((callerDelayMs ?? NOMINAL_DELAY_MS) / NOMINAL_DELAY_MS)
    }
    case 'natural': {
      const rest = '.!?…。！？'.includes(before.end) ? 4 : ',;:、，；：'.includes(before.end) ? 2 : 1
      // Between 0.7 and 1.3 of the delay: an even beat looks like a machine.
      return (callerDelayMs ?? delayMs) * rest * (0.7 + Math.random() * 0.6)
    }
  }
}

/** Whether a chunk waits for its turn at all. */
export function isPaced({ pacing, delayMs, callerDelayMs }: Pace): boolean {
  if (callerDelayMs !== null) return callerDelayMs > 0
  return pacing === 'adaptive' || (delayMs > 0 && (pacing === 'fixed' || pacing === 'natural'))
}

/**
 * Waits until the pause behind the last paced chunk of the run is over, whichever step sent that; what the stack did meanwhile counts.
 * `toGo`: characters that are still to be sent, `text` among them.
 */
export function pace(strand: Strand, how: Pace, text: string | null, toGo: number): void | Promise<void> {
  const { run } = strand
  const nowMs = run.elapsedMs()
  const { paced } = run.state
  const dueMs = paced === null ? nowMs : paced.atMs + pauseMs(how, paced, toGo)
  const waitMs = dueMs - nowMs
  // Time lost to a slow reader or step is not caught up by a burst.
  const atMs = Math.max(dueMs, nowMs)
  run.state.paced = { atMs, length: text === null ? 1 : text.length, end: text?.trimEnd().at(-1) ?? ' ' }
  return waitMs > 0 ? strand.sleep(waitMs) : undefined
}
