import { StreamstackError } from '@streamstack/protocol'
import { action } from '../parts/action.ts'
import { numberArgument, textArgument } from '../parts/arguments.ts'

export const precondition = action({
  name: 'Precondition',
  aliases: ['Assert', 'Require'],
  summary: 'Fails unless a condition is true.',
  parameters: {
    condition: { kind: 'condition', summary: 'What must be true.', required: true, aliases: ['if'] },
    message: {
      kind: 'value',
      summary: 'What the caller reads otherwise.',
      type: 'text',
      aliases: ['error', 'error_message'],
    },
    code: { kind: 'value', summary: 'A short name for programs.', type: 'text', default: 'precondition_failed' },
    status: { kind: 'value', summary: 'HTTP status, when nothing was sent yet.', type: 'integer', default: 400 },
  },
  examples: [
    {
      title: 'A bound on an input',
      inputs: { count: 0 },
      stack: [
        { function: 'Precondition', condition: '{{count}} > 0', message: 'count must be above zero' },
        { function: 'Streaming API Response', content: 'never' },
      ],
      sends: [],
      fails: 'precondition_failed',
    },
  ],
  prepare(step, compiler) {
    const condition = compiler.condition(step.parameters['condition'])
    const message = textArgument(step, compiler, 'message', 'A precondition of the endpoint is not met.')
    const code = textArgument(step, compiler, 'code', 'precondition_failed')
    const status = numberArgument(step, compiler, 'status', 400, { min: 400, max: 599, integer: true })
    return (frame) => {
      if (condition.evaluate(frame) === true) return
      throw new StreamstackError('precondition_failed', message(frame), {
        publicCode: code(frame),
        status: status(frame),
      })
    }
  },
})
