import { action } from '../parts/action.ts'
import { prepareAssignments } from '../parts/assign.ts'

export const createVariables = action({
  name: 'Create Variables',
  aliases: ['Set Variables', 'Initialize Variables'],
  summary: 'Makes several variables; a step that has only `variables` is one, too.',
  parameters: {
    variables: {
      kind: 'assignments',
      summary: 'Name → value. A value may use the variables above it.',
      type: 'object',
      required: true,
    },
  },
  examples: [
    {
      title: 'A counter and a flag',
      stack: [
        { step: 'Initialize Variables', variables: { offset: 0, has_more: true } },
        { function: 'Streaming API Response', content: '{{offset}} {{has_more}}' },
      ],
      sends: ['0 true'],
    },
  ],
  prepare: (step, compiler) => prepareAssignments(step, compiler, 'variables'),
})
