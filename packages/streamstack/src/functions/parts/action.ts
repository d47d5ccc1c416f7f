import type { Value } from '@streamstack/protocol'
import type { StepNode } from '../../definition/types.ts'
import type { Frame, Strand } from '../../run/index.ts'
import type { Compiler } from './compiler.ts'
import type { FunctionDefinition } from './function-definition.ts'

/** Does the work of one step; a promise only when it has to wait. */
export type Perform = (frame: Frame, strand: Strand) => Value | void | Promise<Value | void>

interface ActionDefinition extends Omit<FunctionDefinition, 'compile'> {
  /** Called once when the plan is made: compiles the parameters, gives the work. */
  prepare: (step: StepNode, compiler: Compiler) => Perform
}

/** A function that does one thing and has no inner stack: its result goes to the variable that the step names. */
export function action({ prepare, ...definition }: ActionDefinition): FunctionDefinition {
  return {
    ...definition,
    compile(step, compiler) {
      const perform = prepare(step, compiler)
      const slot = compiler.resultSlot(step)
      compiler.emit((frame, strand) => {
        const result = perform(frame, strand)
        if (result instanceof Promise) {
          return result.then((late) => {
            if (slot !== -1) frame.slots[slot] = late ?? null
          })
        }
        if (slot !== -1) frame.slots[slot] = (result as Value | undefined) ?? null
        return undefined
      })
    },
  }
}
