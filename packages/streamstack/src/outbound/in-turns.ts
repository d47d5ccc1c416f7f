/** How long work goes on in one turn of the event loop. */
const SLICE_MS = 5

const waiting: (() => void)[] = []

/** Does work that comes in pieces, for a few milliseconds in one turn of the event loop, whosever work it is. Rejects with what a piece throws. */
export async function inTurns<T>(pieces: Generator<undefined, T>): Promise<T> {
  for (;;) {
    await nextTurn()
    const endsMs = performance.now() + SLICE_MS
    do {
      const { done, value } = pieces.next()
      if (done === true) return value
    } while (performance.now() < endsMs)
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve)
    if (waiting.length === 1) setImmediate(goOn)
  })
}

function goOn(): void {
  waiting.shift()?.()
  if (waiting.length > 0) setImmediate(goOn)
}
