import type { FunctionDefinition } from '../parts/function-definition.ts'

export const breakLoop: FunctionDefinition = {
  name: 'Break',
  aliases: ['Break Loop', 'Exit Loop'],
  summary: 'Leaves the innermost loop.',
  parameters: {},
  examples: [
    {
      title: 'Up to the first match',
      stack: [
        {
          function: 'For Each',
          input: [1, 2, 3],
          inner_functions: [
            { function: 'Conditional', condition: '{{item}} === 2', true_branch: [{ function: 'Break' }] },
            { function: 'Streaming API Response', content: '{{item}}' },
          ],
        },
      ],
      sends: [1],
    },
  ],
  compile(step, compiler) {
    if (!compiler.leaveLoop('onBreak'))
      compiler.issue('error', 'Break stands in no loop. Remove it, or end the run with Stop.', step.position)
  },
}
