import { blame } from './blame.ts'
import { caughtError, errorFromCaught } from './caught-error.ts'
import type { Completion, Frame } from './frame.ts'
import type { Program, Strand } from './program.ts'
import { END, STOP } from './signals.ts'

/**
 * Takes what was thrown to the innermost region of the frame that takes it, or throws it on to the frame's caller. Catch blocks take
 * errors; finally blocks take everything and go on with it after. A frame that is being ended stays so, whatever its finally blocks throw.
 */
export function unwind(strand: Strand, program: Program, frame: Frame, failure: unknown): void {
  const cause = blame(program, frame, failure)
  if (cause !== STOP && cause !== END) strand.run.noteFailure(program, frame, cause)
  // What it was waiting for is over.
  frame.callee = null
  frame.branches = null
  if (cause === END) frame.ending = true
  const thrown = frame.ending ? END : cause
  const isSignal = thrown === STOP || thrown === END
  for (;;) {
    const index = frame.regions.pop()
    if (index === undefined) throw thrown
    const region = program.regions[index]
    if (region === undefined) throw new Error(`program '${program.name}' has no region ${index}`)
    if (region.kind === 'catch') {
      if (isSignal) continue
      strand.run.noteCaught(thrown)
      frame.slots[region.errorSlot] = caughtError(thrown, strand.run.told(thrown))
      frame.pc = region.pc
      return
    }
    const completion: Completion =
      thrown === STOP
        ? { kind: 'stop' }
        : thrown === END
          ? { kind: 'end' }
          : { kind: 'throw', error: caughtError(thrown, strand.run.told(thrown)) }
    frame.slots[region.completionSlot] = completion
    frame.pc = region.pc
    return
  }
}

/** Throws END into a frame once, when its strand is to end; its finally blocks may still run, within the grace time. */
export function endWhenAsked(strand: Strand, frame: Frame): void {
  if (!strand.isEnding) return
  if (strand.graceIsOver) frame.regions.length = 0
  else if (frame.ending) return
  frame.ending = true
  throw END
}

/** What Break, Continue and Return do when they leave a finally block: they take the place of an error, not of the run's end. */
export function leaveFinally(frame: Frame, completionSlot: number): void {
  if ((frame.slots[completionSlot] as unknown as Completion).kind === 'end') throw END
}

/** What a finally block does when it is through. */
export function complete(frame: Frame, completionSlot: number): void {
  const completion = frame.slots[completionSlot] as unknown as Completion
  switch (completion.kind) {
    case 'next':
      return
    case 'jump':
      frame.pc = completion.pc
      return
    case 'throw':
      throw errorFromCaught(completion.error)
    case 'stop':
      throw STOP
    case 'end':
      throw END
  }
}
