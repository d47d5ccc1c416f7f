const EPOCH_MS = Date.UTC(2024, 9, 9)
const INTERVAL_MS = 20_000
/** One hour. */
const JITTER_INTERVALS = 180

/** The interval that was asked for last, and its text: thousands of readers ask for the same one. */
let interval = 0
let intervalText = '0'

/** The cursor of readers that sent none: the number of the current 20 s interval. */
export function currentCursor(): string {
  const current = Math.floor((Date.now() - EPOCH_MS) / INTERVAL_MS)
  if (current !== interval) {
    interval = current
    intervalText = String(current)
  }
  return intervalText
}

/**
 * The cursor of a live answer (Durable Streams, "Caching and Collapsing"): that of the current interval, the same for all readers, so that a
 * cache in between can join them. A client that has come that far already gets a greater one, or it would be served the same cached answer for ever.
 */
export function nextCursor(sent: string | null): string {
  const text = currentCursor()
  if (sent === null || !/^\d{1,15}$/.test(sent) || Number(sent) < interval) return text
  return String(Number(sent) + 1 + Math.floor(Math.random() * JITTER_INTERVALS))
}
