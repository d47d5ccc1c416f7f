import { StreamstackError, type Value } from '@streamstack/protocol'
import { jsonText } from '../../expression/index.ts'
import { cutText } from '../../text/cut-text.ts'
import { action } from '../parts/action.ts'

/** Longest message, and longest data as JSON, of one line of the log. */
const CHARACTERS_MAX = 65_536

/** The value as a line of the log takes it: what is too large is not worth the failure of a run. */
function bounded(value: Value): Value {
  try {
    return JSON.parse(jsonText(value, CHARACTERS_MAX)) as Value
  } catch (error) {
    if (error instanceof StreamstackError) return `(left out: ${error.message})`
    throw error
  }
}

function textOf(value: Value): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

export const logMessage = action({
  name: 'Log',
  aliases: ['Debug Log', 'Console Log'],
  summary: "Writes a line to the server's log; nothing goes to the caller.",
  parameters: {
    message: {
      kind: 'value',
      summary: 'The text.',
      type: 'text',
      required: true,
      aliases: ['value', 'content', 'text'],
    },
    level: {
      kind: 'literal',
      summary: 'How important it is.',
      type: 'text',
      values: ['debug', 'info', 'warn', 'error'],
      default: 'info',
    },
    data: { kind: 'value', summary: 'Further fields.', type: 'any' },
  },
  examples: [
    {
      title: 'A note for the operator',
      stack: [
        { function: 'Log', message: 'started', level: 'debug' },
        { function: 'Streaming API Response', content: 'ok' },
      ],
      sends: ['ok'],
    },
  ],
  prepare(step, compiler) {
    const message = compiler.value(step.parameters['message'])
    const data = compiler.value(step.parameters['data'], null)
    const level = (step.parameters['level']?.value ?? 'info') as 'debug' | 'info' | 'warn' | 'error'
    return (frame, strand) => {
      const text = message.evaluate(frame)
      const { run } = strand
      const fields = data.evaluate(frame)
      run.services.log[level](
        { run: run.id, endpoint: run.endpoint, step: step.id, ...(fields === null ? {} : { data: bounded(fields) }) },
        typeof text === 'string' ? cutText(text, CHARACTERS_MAX) : textOf(bounded(text)),
      )
    }
  },
})
