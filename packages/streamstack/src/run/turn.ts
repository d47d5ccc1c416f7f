/** How long runs that never wait may keep the process in one turn of the event loop, all together. */
const TURN_MS = 5

let turnEndsAtMs = 0
let turnOpen = false
const waiting: (() => void)[] = []

/**
 * Called now and then by busy runs. Undefined: go on. A promise: the time of this turn is used up, others come first (sockets, timers, then
 * the busy runs that waited longer).
 */
export function yieldTurn(): Promise<void> | undefined {
  const nowMs = performance.now()
  if (!turnOpen) {
    openTurn(nowMs)
    return undefined
  }
  if (nowMs < turnEndsAtMs) return undefined
  return new Promise((resolve) => waiting.push(resolve))
}

function openTurn(nowMs: number): void {
  turnOpen = true
  turnEndsAtMs = nowMs + TURN_MS
  setImmediate(closeTurn)
}

function closeTurn(): void {
  turnOpen = false
  const next = waiting.shift()
  if (next === undefined) return
  openTurn(performance.now())
  next()
}
