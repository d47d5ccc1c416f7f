import { numberArgument } from '../parts/arguments.ts'
import type { FunctionDefinition } from '../parts/function-definition.ts'

export const forLoop: FunctionDefinition = {
  name: 'For',
  aliases: ['For Loop', 'Repeat'],
  summary: 'Runs its inner stack a number of times.',
  parameters: {
    count: { kind: 'value', summary: 'How many times.', type: 'integer', required: true, aliases: ['times'] },
  },
  stacks: {
    inner: {
      summary: 'Steps for each round: `loop_index` (from 0) and `current_batch` (from 1) are set; `item` is the index.',
      aliases: ['inner_functions', 'inner_logic', 'processing', 'steps', 'do', 'function_stack', 'stack', 'each'],
    },
  },
  hasResult: true,
  examples: [
    {
      title: 'Three chunks',
      stack: [
        {
          function: 'For',
          count: 3,
          inner_functions: [{ function: 'Streaming API Response', content: '{{loop_index}}' }],
        },
      ],
      sends: [0, 1, 2],
    },
  ],
  compile(step, compiler) {
    const count = numberArgument(step, compiler, 'count', 0, { min: 0, integer: true })
    const slots = { index: compiler.slot(), item: null, length: compiler.slot() }
    const named = compiler.resultSlot(step)
    const body = compiler.label()
    const next = compiler.label()
    const done = compiler.label()
    compiler.emit((frame) => {
      frame.slots[slots.length] = count(frame)
      frame.slots[slots.index] = -1
      frame.pc = next.pc
    })
    compiler.place(body)
    compiler.loop(step, { ...slots, item: slots.index }, { onBreak: done, onContinue: next }, () =>
      compiler.steps(step.stacks['inner']),
    )
    compiler.place(next)
    compiler.emit((frame, strand) => {
      const index = (frame.slots[slots.index] as number) + 1
      if (index >= (frame.slots[slots.length] as number)) return
      strand.run.countIteration()
      frame.slots[slots.index] = index
      if (named !== -1) frame.slots[named] = index
      frame.pc = body.pc
    })
    compiler.place(done)
  },
}
