import { addressKey, callerKey } from '../../limit/index.ts'
import type { CallPlace, Caller } from '../../access/index.ts'
import { spendTurn } from '../../run/index.ts'
import { Holding, activeMemory } from '../../stream/index.ts'

/** A body or message of which that many bytes is parsed in a turn of its own. */
const LARGE_BYTES = 65_536

/** One whose run begins in the turn after that: its values are looked through again. */
const VERY_LARGE_BYTES = 262_144

/** How long parsing goes on in one turn. */
const SLICE_MS = 5

/** The same in steps of `spendTurn`: no other heavy work in that turn. */
const SLICE_STEPS = 200_000

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

/** Who sent a body or a message. */
export interface BodySender {
  readonly caller: Caller
  readonly place: CallPlace
}

/**
 * Waits until the run of a call with a very large body may begin. Many that arrive together take turns, as do their callers, and count as held
 * meanwhile.
 */
export function turnOfLargeBody({ length }: Buffer | string, sender: BodySender): Promise<void> {
  return whileHeld(length, () => spendTurn(length / BYTES_PER_STEP, senderKey(sender)))
}

/**
 * Parses a large body, or the text of a message, for a few milliseconds in each turn: parsing and checking 1 MiB takes up to 300 ms. Many that
 * arrive together take turns, as do their callers, and count as held meanwhile. Rejects with what the pieces throw.
 */
export function inTurnsOfLargeBody<T>(
  { length }: Buffer | string,
  pieces: Generator<undefined, T>,
  sender: BodySender,
): Promise<T> {
  const key = senderKey(sender)
  return whileHeld(length, async () => {
    let steps = length / BYTES_PER_STEP
    for (;;) {
      await spendTurn(Math.min(steps, SLICE_STEPS), key)
      const endsMs = performance.now() + SLICE_MS
      do {
        const { done, value } = pieces.next()
        if (done === true) return value
      } while (performance.now() < endsMs)
      steps = SLICE_STEPS
    }
  })
}

async function whileHeld<T>(bytes: number, act: () => Promise<T>): Promise<T> {
  const waiting = new Holding(activeMemory)
  waiting.set(bytes)
  try {
    return await act()
  } finally {
    waiting.set(0)
  }
}

function senderKey({ caller, place }: BodySender): string {
  return caller.subject === null ? addressKey(place.address) : callerKey(caller)
}
