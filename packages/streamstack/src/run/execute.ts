import { isWorkDue } from '../expression/index.ts'
import type { Frame } from './frame.ts'
import type { Op, Program, Strand } from './program.ts'
import { advanceTraced, unwindTraced } from './trace.ts'
import { spend, takeTurn } from './turn.ts'
import { endWhenAsked, unwind } from './unwind.ts'

/**
 * Takes a frame to its end. Returns nothing when it never had to wait. What no region of the frame takes is thrown, or rejects.
 */
export function execute(strand: Strand, frame: Frame): void | Promise<void> {
  const program = strand.run.program(frame.program)
  takeUp(frame)
  const wait = advance(strand, program, frame)
  return wait === undefined ? undefined : finishWaiting(strand, program, frame, wait)
}

/** A frame that was left in the middle of an op, as a clone of it was: the op is done again, and goes on with the call or the branches under way. */
function takeUp(frame: Frame): void {
  if (frame.waitingAt >= 0) {
    frame.pc = frame.waitingAt
    frame.waitingAt = -1
  } else if (frame.callee !== null || frame.branches !== null) frame.pc--
}

async function finishWaiting(strand: Strand, program: Program, frame: Frame, first: Promise<void>): Promise<void> {
  let wait: Promise<void> | undefined = first
  while (wait !== undefined) {
    try {
      await wait
    } catch (thrown) {
      if (strand.run.trace === null) unwind(strand, program, frame, thrown)
      else unwindTraced(strand, program, frame, thrown)
    }
    frame.waitingAt = -1
    wait = advance(strand, program, frame)
  }
}

/** Does ops until one has to wait (its promise) or the frame is done (undefined). */
function advance(strand: Strand, program: Program, frame: Frame): Promise<void> | undefined {
  if (strand.run.trace !== null) return advanceTraced(strand, program, frame)
  const { ops } = program
  const { end } = frame
  for (;;) {
    try {
      endWhenAsked(strand, frame)
      const turn = takeTurn(strand, program, frame)
      if (turn !== undefined) return turn
      while (frame.pc < end) {
        const pc = frame.pc++
        const wait = (ops[pc] as Op)(frame, strand)
        if (isWorkDue()) spend(strand, program)
        if (wait !== undefined) {
          frame.waitingAt = strand.takesDone() ? -1 : pc
          return wait
        }
        if (--strand.fuel <= 0) {
          const pause = strand.refuel(program)
          endWhenAsked(strand, frame)
          if (pause !== undefined) return pause
        }
      }
      return undefined
    } catch (thrown) {
      if (isWorkDue()) spend(strand, program)
      unwind(strand, program, frame, thrown)
    }
  }
}
