import type { Caller } from '../access/index.ts'
import { callerKey } from '../limit/index.ts'

/** Against whom the channels that a caller opens count; null where it cannot be told from others. */
export function ownerOf(caller: Caller): string | null {
  return caller.subject === null && caller.place.address === null ? null : callerKey(caller)
}
