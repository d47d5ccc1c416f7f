import { action } from './action.ts'
import { prepareAssignments } from './assign.ts'

export const updateVariables = action({
  name: 'Update Variables',
  summary: 'Gives several variables new values, one after the other: a value sees the updates above it.',
  parameters: {
    updates: {
      kind: 'assignments',
      summary: 'Name → new value.',
      type: 'object',
      required: true,
      aliases: ['variables'],
    },
  },
  examples: [
    {
      title: 'The next page',
      stack: [
        { function: 'Create Variables', variables: { offset: 0, pages: 0 } },
        { function: 'Update Variables', updates: { offset: '{{offset + 100}}', pages: '{{pages + 1}}' } },
        { function: 'Streaming API Response', content: '{{[offset, pages]}}' },
      ],
      sends: [[100, 1]],
    },
  ],
  prepare: (step, compiler) => prepareAssignments(step, compiler, 'updates'),
})
