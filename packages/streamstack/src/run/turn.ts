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

/**
 * Calls `act` in this turn while there is time, else in a later one. For work that sockets ask for: a thousand readers
 * that become writable at once would otherwise hold the process up until each has what it takes.
 */
export function inTurn(act: () => void): void {
  const nowMs = performance.now()
  if (!turnOpen) openTurn(nowMs)
  else if (nowMs >= turnEndsAtMs) {
    waiting.push(act)
    return
  }
  act()
}

function openTurn(nowMs: number): void {
  turnOpen = true
  turnEndsAtMs = nowMs + TURN_MS
  setImmediate(closeTurn)
}

function closeTurn(): void {
  turnOpen = false
  if (waiting.length === 0) return
  openTurn(performance.now())
  goOn()
}

/** Lets the one that waited longest go on, and further ones while there is time. */
function goOn(): void {
  const next = waiting.shift()
  if (next === undefined) return
  next()
  // A run goes on in microtasks; this comes after them.
  if (waiting.length > 0) queueMicrotask(() => process.nextTick(goOnInTime))
}

function goOnInTime(): void {
  if (performance.now() < turnEndsAtMs) goOn()
}
