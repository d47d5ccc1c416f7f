import type { FunctionDefinition } from '../parts/function-definition.ts'

export const group: FunctionDefinition = {
  name: 'Group',
  aliases: ['Step Group'],
  summary: 'Runs its inner steps in order; keeps what belongs together in one place.',
  parameters: {},
  stacks: {
    inner: {
      summary: 'The steps.',
      required: true,
      aliases: ['inner_functions', 'inner_logic', 'steps', 'processing', 'stack'],
    },
  },
  examples: [
    {
      title: 'Two steps as one',
      stack: [
        {
          step: 'Say hello',
          function: 'Group',
          steps: [
            { function: 'Streaming API Response', content: 'hello' },
            { function: 'Streaming API Response', content: 'world' },
          ],
        },
      ],
      sends: ['hello', 'world'],
    },
  ],
  compile: (step, compiler) => compiler.steps(step.stacks['inner']),
}
