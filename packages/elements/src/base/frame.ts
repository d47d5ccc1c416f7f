/** In a hidden page no frame comes; work is done after this instead. */
const HIDDEN_MS = 250

const waiting = new Set<() => void>()
let isAsked = false

/** Runs the work in the next animation frame, once, however often it is asked for: so all elements of a page commit to the DOM together. */
export function onFrame(work: () => void): void {
  waiting.add(work)
  if (isAsked) return
  isAsked = true
  if (document.visibilityState === 'hidden') setTimeout(run, HIDDEN_MS)
  else {
    // A page may be hidden before its frame comes.
    const timer = setTimeout(run, HIDDEN_MS * 4)
    requestAnimationFrame(() => {
      clearTimeout(timer)
      run()
    })
  }
}

/** Takes back what was asked for. */
export function offFrame(work: () => void): void {
  waiting.delete(work)
}

function run(): void {
  if (!isAsked) return
  isAsked = false
  const works = [...waiting]
  waiting.clear()
  for (const work of works) work()
}
