import { addressKey, callerKey } from '../../limit/index.ts'
import type { CallPlace, Caller } from '../../access/index.ts'
import { spendTurn } from '../../run/index.ts'
import { Holding, activeMemory } from '../../stream/index.ts'

/** A body or message of which that many bytes is parsed in a turn of its own. */
const LARGE_BYTES = 65_536

/** One whose run begins in the turn after that: its values are looked through again. */
const VERY_LARGE_BYTES = 262_144

/** Bytes that are parsed and checked in about 25 ns, the unit of `spendTurn`. */
const BYTES_PER_STEP = 4

/** Whether a body, or the text of a message, is parsed in turns with others. */
export function isLarge({ length }: Buffer | string): boolean {
  return length >= LARGE_BYTES
}

/** Whether the run of a call with such a body waits for a turn of its own, too. */
export function isVeryLarge({ length }: Buffer): boolean {
  return length >= VERY_LARGE_BYTES
}

/**
 * Waits until a large body may be parsed: parsing and checking one takes milliseconds. Many that arrive together take turns, as do their
 * callers, and count as held meanwhile.
 */
export async function turnOfLargeBody(
  { length }: Buffer | string,
  { caller, place }: { readonly caller: Caller; readonly place: CallPlace },
): Promise<void> {
  const waiting = new Holding(activeMemory)
  waiting.set(length)
  try {
    await spendTurn(length / BYTES_PER_STEP, caller.subject === null ? addressKey(place.address) : callerKey(caller))
  } finally {
    waiting.set(0)
  }
}
