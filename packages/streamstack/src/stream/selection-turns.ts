/** How long readers that select may look at chunks in one turn of the event loop, all together: each look evaluates an expression of the workspace. */
const TURN_MS = 5

const waiting: (() => void)[] = []
let isOpen = false
let endsAtMs = 0
let isServing = false

/** Whether a reader has to wait before it selects more: the time of this turn is used up, or others wait. */
export function mustWaitToSelect(): boolean {
  const nowMs = performance.now()
  if (!isOpen) openTurn(nowMs)
  return nowMs >= endsAtMs || (waiting.length > 0 && !isServing)
}

/** Calls `act` in a later turn, in the order in which these ask; it may select at least one chunk then. */
export function selectLater(act: () => void): void {
  waiting.push(act)
  if (!isOpen) openTurn(performance.now())
}

function openTurn(nowMs: number): void {
  isOpen = true
  endsAtMs = nowMs + TURN_MS
  setImmediate(closeTurn)
}

function closeTurn(): void {
  isOpen = false
  if (waiting.length === 0) return
  openTurn(performance.now())
  isServing = true
  let served = 0
  try {
    // At least one, whatever the clock does.
    do waiting[served++]?.()
    while (served < waiting.length && performance.now() < endsAtMs)
  } finally {
    waiting.splice(0, served)
    isServing = false
  }
}
