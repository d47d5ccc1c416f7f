import { page } from './page.ts'

/** How often and when a connection that broke is tried again. */
export interface RetryOptions {
  /** Tries in a row; each chunk that arrives starts the count anew. Default: 5. */
  attempts?: number
  /** What the first wait is at most; it doubles with each try. Default: 1000. */
  delayMs?: number
  /** What any wait is at most, unless the server asks for a longer one. Default: 30000. */
  delayMsMax?: number
}

/** Upper bound of a delay: timers overflow at about 24 days. */
const RETRY_AFTER_MS_MAX = 3_600_000

/**
 * How long to wait before a try; `attempt` counts from 1. Full jitter: any wait up to the bound is as likely, so that clients which were cut off
 * together do not come back together. What the server asks for in Retry-After is the least.
 */
export function retryDelayMs(attempt: number, retry: Required<RetryOptions>, retryAfterMs: number | null): number {
  const bound = Math.min(retry.delayMsMax, retry.delayMs * 2 ** (attempt - 1))
  return Math.max(Math.random() * bound, Math.min(retryAfterMs ?? 0, RETRY_AFTER_MS_MAX))
}

/** Waits; less when the signal fires, or when a browser finds its network again. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  // A timer takes its time even for nothing.
  if (ms === 0 || signal?.aborted === true) return
  await new Promise<void>((resolve) => {
    const awake = new AbortController()
    const wake = (): void => {
      clearTimeout(timer)
      awake.abort()
      resolve()
    }
    const timer = setTimeout(wake, ms)
    signal?.addEventListener('abort', wake, awake)
    page.addEventListener?.('online', wake, awake)
  })
}
