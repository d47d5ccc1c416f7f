const EPOCH_MS = Date.UTC(2024, 9, 9)
const INTERVAL_MS = 20_000
/** One hour. */
const JITTER_INTERVALS = 180

/**
 * The cursor of a live answer (Durable Streams, "Caching and Collapsing"): the number of the current 20 s interval, the same for all readers, so
 * that a cache in between can join them. A client that has come that far already gets a greater one, or it would be served the same cached answer for ever.
 */
export function nextCursor(sent: string | null): string {
  const current = Math.floor((Date.now() - EPOCH_MS) / INTERVAL_MS)
  const known = sent !== null && /^\d{1,15}$/.test(sent) ? Number(sent) : -1
  return String(known < current ? current : known + 1 + Math.floor(Math.random() * JITTER_INTERVALS))
}
