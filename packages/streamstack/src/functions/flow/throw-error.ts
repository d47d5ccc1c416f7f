import { StreamstackError } from '@streamstack/protocol'
import { action } from '../parts/action.ts'
import { numberArgument, secondsArgument, textArgument } from '../parts/arguments.ts'

export const throwError = action({
  name: 'Throw Error',
  aliases: ['Throw', 'Raise Error'],
  summary:
    'Throws an error: the enclosing Try/Catch Block catches it; otherwise the run ends as failed and the caller gets the error.',
  parameters: {
    message: {
      kind: 'value',
      summary: 'What the caller reads.',
      type: 'text',
      required: true,
      aliases: ['error', 'content'],
    },
    code: { kind: 'value', summary: 'A short name for programs.', type: 'text', default: 'thrown', aliases: ['name'] },
    status: { kind: 'value', summary: 'HTTP status, when nothing was sent yet.', type: 'integer', default: 500 },
    recoverable: { kind: 'value', summary: 'Whether trying again may help.', type: 'boolean', default: false },
    retry_after: {
      kind: 'value',
      summary: 'When to try again: a number of seconds, or a duration such as `30s`.',
      type: 'any',
    },
  },
  examples: [
    {
      title: 'With a code and a status of its own',
      stack: [{ function: 'Throw Error', message: 'No seats left.', code: 'sold_out', status: 409 }],
      sends: [],
      fails: 'sold_out',
    },
  ],
  prepare(step, compiler) {
    const message = textArgument(step, compiler, 'message')
    const code = textArgument(step, compiler, 'code', 'thrown')
    const status = numberArgument(step, compiler, 'status', 500, { min: 400, max: 599, integer: true })
    const recoverable = compiler.value(step.parameters['recoverable'], false)
    const retryAfter = secondsArgument(step, compiler, 'retry_after')
    return (frame) => {
      const retryAfterMs = retryAfter(frame)
      throw new StreamstackError('thrown', message(frame), {
        publicCode: code(frame),
        status: status(frame),
        recoverable: recoverable.evaluate(frame) === true,
        ...(retryAfterMs === null ? {} : { retryAfterMs }),
      })
    }
  },
})
