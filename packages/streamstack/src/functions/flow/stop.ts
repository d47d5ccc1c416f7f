import { STOP } from '../../run/index.ts'
import { action } from '../parts/action.ts'

export const stop = action({
  name: 'Stop',
  aliases: ['Stop Run', 'End', 'Exit'],
  summary: 'Ends the run here, completed; finally blocks still run.',
  parameters: {},
  examples: [
    {
      title: 'Nothing after it runs',
      stack: [
        { function: 'Streaming API Response', content: 'first' },
        { function: 'Stop' },
        { function: 'Streaming API Response', content: 'never' },
      ],
      sends: ['first'],
    },
  ],
  prepare: () => () => {
    // A signal that unwinds frames, not an error.
    throw STOP
  },
})
