import { type ErrorCode, StreamstackError } from '@streamstack/protocol'
import type { StepNode } from '../../definition/types.ts'

/** An error of a step that shows only at run time. The message names the step. */
export function stepError(step: StepNode, problem: string, code: ErrorCode = 'step_failed'): StreamstackError {
  return new StreamstackError(code, `${step.function} (step ${step.id}): ${problem}`)
}
