import type { FunctionDefinition } from '../parts/function-definition.ts'

export const whileLoop: FunctionDefinition = {
  name: 'While Loop',
  aliases: ['While'],
  summary: 'Runs its inner stack as long as a condition is true.',
  parameters: {
    condition: {
      kind: 'condition',
      summary: 'Looked at before each round, as `{{has_more}} === true`.',
      required: true,
    },
  },
  stacks: {
    inner: {
      summary: 'Steps for each round: `loop_index` (from 0) and `current_batch` (from 1) are set.',
      aliases: ['inner_logic', 'inner_functions', 'processing', 'steps', 'do', 'function_stack', 'stack'],
    },
  },
  examples: [
    {
      title: 'Counting to three',
      stack: [
        { function: 'Create Variable', name: 'count', value: 0 },
        {
          function: 'While Loop',
          condition: '{{count}} < 3',
          inner_logic: [
            { function: 'Update Variable', name: 'count', value: '{{count + 1}}' },
            { function: 'Streaming API Response', content: 'round {{current_batch}}: {{count}}' },
          ],
        },
      ],
      sends: ['round 1: 1', 'round 2: 2', 'round 3: 3'],
    },
  ],
  compile(step, compiler) {
    const index = compiler.slot()
    const body = compiler.label()
    const next = compiler.label()
    const done = compiler.label()
    compiler.emit((frame) => {
      frame.slots[index] = -1
      frame.pc = next.pc
    })
    compiler.loop(step, { index, item: null, length: null }, { onBreak: done, onContinue: next }, () => {
      compiler.place(body)
      compiler.steps(step.stacks['inner'])
      compiler.place(next)
      const condition = compiler.condition(step.parameters['condition'])
      compiler.emit((frame, strand) => {
        // The index is that of the round to come, so that the condition sees it, too.
        frame.slots[index] = (frame.slots[index] as number) + 1
        if (condition.evaluate(frame) !== true) return
        strand.run.countIteration()
        frame.pc = body.pc
      })
    })
    compiler.place(done)
  },
}
