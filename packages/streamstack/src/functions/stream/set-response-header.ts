import { action } from '../parts/action.ts'
import { textArgument } from '../parts/arguments.ts'
import { FURTHER_HEADERS, checkHeaderName, checkHeaderValue, literalText } from '../parts/literal-headers.ts'
import { passedHeader, refuseReserved } from '../parts/response-header.ts'
import { stepError } from '../parts/step-error.ts'

export const setResponseHeader = action({
  name: 'Set Response Header',
  aliases: ['Set Header', 'Response Header'],
  summary: 'Adds a header to the answer; it must come before the first chunk.',
  parameters: {
    name: { kind: 'value', summary: 'Name of the header.', type: 'text', required: true, aliases: ['header'] },
    value: { kind: 'value', summary: 'Its value.', type: 'text', required: true },
  },
  examples: [
    {
      title: 'Before the first chunk',
      stack: [
        { function: 'Set Response Header', name: 'X-Total', value: '{{6 * 7}}' },
        { function: 'Streaming API Response', content: 'ok' },
      ],
      sends: ['ok'],
    },
    {
      title: 'Too late',
      stack: [
        { function: 'Streaming API Response', content: 'ok' },
        { function: 'Set Response Header', name: 'X-Total', value: '42' },
      ],
      sends: ['ok'],
      fails: 'step_failed',
    },
  ],
  prepare(step, compiler) {
    const named = step.parameters['name']
    checkHeaderName(named, compiler, FURTHER_HEADERS)
    checkHeaderValue(literalText(named) ?? 'value', step.parameters['value'], compiler)
    const name = textArgument(step, compiler, 'name')
    const value = textArgument(step, compiler, 'value')
    return (frame, { run }) => {
      const header = name(frame)
      const text = value(frame)
      if (run.headersSent || run.chunksSent > 0) {
        throw stepError(
          step,
          'the first chunk is out, and the headers with it. Move this step before the first Streaming API Response.',
        )
      }
      refuseReserved(step, header)
      run.setResponseHeader(header, passedHeader(step, run, header, text))
    }
  },
})
