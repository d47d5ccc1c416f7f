import { StreamstackError } from '@streamstack/protocol'
import { ArgumentError, HOST_ARGUMENT, INPUTS_ALONE } from '../expression/index.ts'
import type { Frame } from './frame.ts'
import type { Program, StepInfo } from './program.ts'

/** Faults of callers, with the program whose inputs they come from. */
const blamed = new WeakMap<StreamstackError, { readonly program: string; readonly original: StreamstackError }>()

/**
 * Turns the failure of a step into `input_unusable` where all that is wrong comes from the caller. In a function file that is the step which calls it, so the
 * verdict is reached anew there.
 */
export function blame(program: Program, frame: Frame, thrown: unknown): unknown {
  if (!(thrown instanceof StreamstackError)) return thrown
  const step = stepAt(program, frame)
  if (step === undefined) return thrown
  const before = blamed.get(thrown)
  if (before !== undefined) {
    if (before.program === program.name) return thrown
    if (!step.isFromCaller('inputs')) return before.original
    blamed.set(thrown, { program: program.name, original: before.original })
    return thrown
  }
  const argument = argumentOf(thrown)
  if (argument === undefined || thrown.status < 500) return thrown
  if (argument !== INPUTS_ALONE && !step.isFromCaller(argument)) return thrown
  const { message, details } = thrown
  const fault = new StreamstackError('input_unusable', message, {
    cause: thrown,
    ...(details === undefined ? {} : { details }),
  })
  blamed.set(fault, { program: program.name, original: thrown })
  return fault
}

/** The step that a frame is at. */
export function stepAt(program: Program, frame: Frame): StepInfo | undefined {
  return program.steps[program.stepOf[frame.waitingAt >= 0 ? frame.waitingAt : frame.pc - 1] ?? -1]
}

/** The argument that an error is about; undefined: it is about none. */
function argumentOf(error: StreamstackError): string | null | undefined {
  if (error instanceof ArgumentError) return error.argument
  switch (error.row) {
    case 'expression_failed':
      return null
    case 'table_unknown':
      return 'table'
    case 'upstream_refused':
      return HOST_ARGUMENT
    default:
      return undefined
  }
}
