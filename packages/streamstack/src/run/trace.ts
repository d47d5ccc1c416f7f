import { isWorkDue } from '../expression/index.ts'
import type { Frame } from './frame.ts'
import type { Op, Program, StepInfo, Strand, TraceEvent } from './program.ts'
import { blame } from './blame.ts'
import { END, STOP } from './signals.ts'
import { spend, takeTurn } from './turn.ts'
import { endWhenAsked, unwind } from './unwind.ts'

/** Steps that a frame is inside of, while traced; not part of the frame, because it can be told again from `pc`. */
const openSteps = new WeakMap<Frame, StepInfo[]>()

/** As the plain loop in execute.ts, and tells the trace which steps begin and end. Kept apart so that the plain one pays nothing. */
export function advanceTraced(strand: Strand, program: Program, frame: Frame): Promise<void> | undefined {
  for (;;) {
    try {
      endWhenAsked(strand, frame)
      const turn = takeTurn(strand, program, frame)
      if (turn !== undefined) return turn
      while (frame.pc < frame.end) {
        const { pc } = frame
        enterSteps(strand, program, frame)
        frame.pc = pc + 1
        const wait = (program.ops[pc] as Op)(frame, strand)
        if (isWorkDue()) spend(strand, program)
        if (wait !== undefined) {
          frame.waitingAt = strand.takesDone() ? -1 : pc
          return wait
        }
        strand.fuel--
        if (strand.fuel <= 0) {
          const pause = strand.refuel(program)
          endWhenAsked(strand, frame)
          if (pause !== undefined) return pause
        }
      }
      leaveSteps(strand, program, frame, () => false)
      return undefined
    } catch (thrown) {
      if (isWorkDue()) spend(strand, program)
      unwindTraced(strand, program, frame, thrown)
    }
  }
}

/** Unwinds; when nothing in the frame takes what was thrown, all its open steps end. */
export function unwindTraced(strand: Strand, program: Program, frame: Frame, failure: unknown): void {
  const thrown = blame(program, frame, failure)
  const step = openSteps.get(frame)?.at(-1)
  if (step !== undefined && thrown !== STOP && thrown !== END) {
    const { code, message } = strand.run.told(thrown)
    tell(strand, program, frame, 'failed', step, { code, message })
  }
  try {
    unwind(strand, program, frame, thrown)
  } catch (unhandled) {
    leaveSteps(strand, program, frame, () => false)
    throw unhandled
  }
}

function enterSteps(strand: Strand, program: Program, frame: Frame): void {
  const { pc } = frame
  const open = leaveSteps(strand, program, frame, (step) => pc >= step.from && pc < step.to)
  const innermost = program.stepOf[pc] ?? -1
  if (innermost === -1) return
  // A single-step loop body comes round to its own first op: that is a new start of the step.
  const top = open.at(-1)
  if (top !== undefined && top.from === pc && top.id === program.steps[innermost]?.id) {
    tell(strand, program, frame, 'end', top)
    open.pop()
  }
  for (const step of program.steps) {
    // The steps around a branch are told by the frame that waits for it.
    if (step.from < frame.start || pc < step.from || pc >= step.to || open.includes(step)) continue
    open.push(step)
    tell(strand, program, frame, 'start', step)
  }
}

function leaveSteps(strand: Strand, program: Program, frame: Frame, stays: (step: StepInfo) => boolean): StepInfo[] {
  let open = openSteps.get(frame)
  if (open === undefined) {
    open = []
    openSteps.set(frame, open)
  }
  while (open.length > 0 && !stays(open.at(-1) as StepInfo)) {
    tell(strand, program, frame, 'end', open.pop() as StepInfo)
  }
  return open
}

function tell(
  strand: Strand,
  program: Program,
  frame: Frame,
  kind: TraceEvent['event'],
  step: StepInfo,
  error?: TraceEvent['error'],
): void {
  const { trace } = strand.run
  if (trace === null) return
  const event: TraceEvent = {
    event: kind,
    program: program.name,
    step: step.id,
    function: step.function,
    loop: step.loopSlots.map((slot) => frame.slots[slot] as number),
    at: strand.run.elapsedMs(),
    chunks: strand.run.chunksSent,
    ...(error === undefined ? {} : { error }),
  }
  trace(event, { program, frame, step })
}
