import type { FunctionDefinition } from '../parts/function-definition.ts'

export const continueLoop: FunctionDefinition = {
  name: 'Continue',
  aliases: ['Continue Loop', 'Next', 'Skip'],
  summary: 'Goes on with the next round of the innermost loop.',
  parameters: {},
  examples: [
    {
      title: 'All but one',
      stack: [
        {
          function: 'For Each',
          input: [1, 2, 3],
          inner_functions: [
            { function: 'Conditional', condition: '{{item}} === 2', true_branch: [{ function: 'Continue' }] },
            { function: 'Streaming API Response', content: '{{item}}' },
          ],
        },
      ],
      sends: [1, 3],
    },
  ],
  compile(step, compiler) {
    if (!compiler.leaveLoop('onContinue'))
      compiler.issue('error', 'Continue stands in no loop. Remove it.', step.position)
  },
}
