import { action } from '../parts/action.ts'
import { durationArgument } from '../parts/arguments.ts'

const DAY_MS = 86_400_000

export const sleep = action({
  name: 'Sleep',
  aliases: ['Wait', 'Delay'],
  summary: 'Waits; other runs go on, and a cancel ends the waiting at once.',
  parameters: {
    duration: {
      kind: 'value',
      summary: 'As `500ms`, `3s`, `2m`, or a number of milliseconds; at most a day.',
      type: 'duration',
      required: true,
      aliases: ['milliseconds', 'ms', 'delay'],
    },
  },
  examples: [
    {
      title: 'A short rest',
      stack: [
        { function: 'Streaming API Response', content: 'tick' },
        { function: 'Sleep', duration: 5 },
        { function: 'Streaming API Response', content: 'tock' },
      ],
      sends: ['tick', 'tock'],
    },
  ],
  prepare(step, compiler) {
    const duration = durationArgument(step, compiler, 'duration', 0, { max: DAY_MS })
    return (frame, strand) => strand.sleep(duration(frame))
  },
})
