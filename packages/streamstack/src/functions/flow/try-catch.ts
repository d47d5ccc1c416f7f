import { type CaughtError, complete } from '../../run/index.ts'
import type { Compiler } from '../parts/compiler.ts'
import type { FunctionDefinition } from '../parts/function-definition.ts'
import type { StepNode } from '../../definition/types.ts'

export const tryCatch: FunctionDefinition = {
  name: 'Try/Catch Block',
  aliases: ['Try Catch', 'Try/Catch', 'Try'],
  summary: 'Runs steps; when one fails, runs others instead of failing; runs the finally steps in any case.',
  parameters: {},
  stacks: {
    try_block: { summary: 'Steps that may fail.', required: true, aliases: ['try', 'steps'] },
    catch_block: {
      summary:
        'Steps when one failed: `error_message`, `is_recoverable`, `suggested_retry_delay` (seconds) and `error` (code, message, recoverable, retry_after, status) are set. What was sent before stays sent.',
      aliases: ['catch'],
    },
    finally_block: {
      summary:
        'Steps that run last, however the others ended: done, failed, left by Break, Continue, Return or Stop, or cancelled.',
      aliases: ['finally'],
    },
  },
  examples: [
    {
      title: 'An error becomes a chunk',
      stack: [
        {
          function: 'Try/Catch Block',
          try_block: [
            { function: 'Streaming API Response', content: 'before' },
            { function: 'Throw Error', message: 'no more paper', recoverable: true },
            { function: 'Streaming API Response', content: 'never' },
          ],
          catch_block: [
            {
              function: 'Streaming API Response',
              content: 'Error occurred: {{error_message}}',
              metadata: { type: 'error', recoverable: '{{is_recoverable}}', retry_after: '{{suggested_retry_delay}}' },
            },
          ],
          finally_block: [{ function: 'Streaming API Response', content: 'after' }],
        },
      ],
      sends: ['before', 'Error occurred: no more paper', 'after'],
    },
  ],
  compile(step, compiler) {
    const { finally_block: finallySteps } = step.stacks
    if (finallySteps === undefined) return compileTry(step, compiler)
    const at = compiler.label()
    const completionSlot = compiler.slot()
    compiler.guarded({ kind: 'finally', at, completionSlot }, () => compileTry(step, compiler))
    compiler.emit((frame) => {
      frame.slots[completionSlot] = { kind: 'next' }
    })
    compiler.place(at)
    compiler.finallyBlock(completionSlot, () => compiler.steps(finallySteps))
    compiler.emit((frame) => complete(frame, completionSlot))
  },
}

function compileTry(step: StepNode, compiler: Compiler): void {
  const { try_block: trySteps, catch_block: catchSteps } = step.stacks
  if (catchSteps === undefined) return compiler.steps(trySteps)
  const done = compiler.label()
  const at = compiler.label()
  const names = ['error', 'error_message', 'is_recoverable', 'suggested_retry_delay']
  const slots = new Map(names.map((name) => [name, compiler.slot()]))
  const slotOf = (name: string): number => slots.get(name) as number
  compiler.guarded({ kind: 'catch', at, errorSlot: slotOf('error') }, () => compiler.steps(trySteps))
  compiler.jump(done)
  compiler.place(at)
  compiler.emit((frame) => {
    const error = frame.slots[slotOf('error')] as CaughtError
    frame.slots[slotOf('error_message')] = error.message
    frame.slots[slotOf('is_recoverable')] = error.recoverable
    frame.slots[slotOf('suggested_retry_delay')] = error.retry_after
  })
  compiler.withNames(slots, () => compiler.steps(catchSteps))
  compiler.place(done)
}
