import { action } from '../parts/action.ts'
import { prepareAssignments } from '../parts/assign.ts'
import { checkUpdated } from '../parts/check-updated.ts'

export const updateVariables = action({
  name: 'Update Variables',
  summary: 'Gives several variables new values, one after the other: a value sees the updates above it.',
  updatesOnly: true,
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
  prepare(step, compiler) {
    for (const { key, keyPosition } of step.parameters['updates']?.entries ?? []) {
      checkUpdated(compiler, key, keyPosition)
    }
    return prepareAssignments(step, compiler, 'updates')
  },
})
