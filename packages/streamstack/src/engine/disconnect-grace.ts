/** How long a run goes on without readers under `on_disconnect: cancel`, unless the endpoint says otherwise. */
const DISCONNECT_GRACE_MS = 10_000

/** The same for callers that sent a key, and so mean to come back: clients wait up to 31 s in all between their tries. */
const KEYED_GRACE_MS = 40_000

/**
 * How long a run goes on without readers. One that reads a streamed upstream ends at once, for what it reads may be paid by the token; with a
 * key its caller has the usual time to reconnect.
 */
export function graceMs(readsUpstream: boolean, isKeyed: boolean): number {
  if (readsUpstream) return isKeyed ? DISCONNECT_GRACE_MS : 0
  return isKeyed ? KEYED_GRACE_MS : DISCONNECT_GRACE_MS
}
