import type { StepNode } from '../../definition/types.ts'
import type { Compiler } from './compiler.ts'
import type { Perform } from './action.ts'

/** Compiles an object of variable name → value. Each value sees what the entries before it have set. */
export function prepareAssignments(step: StepNode, compiler: Compiler, parameter: string): Perform {
  const entries = (step.parameters[parameter]?.entries ?? []).map((entry) => ({
    slot: compiler.variable(entry.key),
    value: compiler.value(entry.node),
  }))
  return (frame) => {
    for (const { slot, value } of entries) frame.slots[slot] = value.evaluate(frame)
  }
}
