import type { StreamRecord } from './stream-record.ts'

/** Time since 1970 that does not jump while the process runs, whatever is done to the machine's clock. */
export function steadyNowMs(): number {
  return performance.timeOrigin + performance.now()
}

/** Time at which a stream expires if it is neither read nor written before; Infinity: never. */
export function expiryMs(record: StreamRecord): number {
  if (record.ttlSeconds !== null) return record.touchedMs + record.ttlSeconds * 1000
  return record.expiresAt === null ? Infinity : Date.parse(record.expiresAt)
}

/** An absolute time is the clock's; a span of time is not. */
export function isExpired(record: StreamRecord): boolean {
  if (record.ttlSeconds === null && record.expiresAt === null) return false
  return expiryMs(record) <= (record.ttlSeconds === null ? Date.now() : steadyNowMs())
}
