import { validateHeaderName, validateHeaderValue } from 'node:http'
import { StreamstackError } from '@streamstack/protocol'
import { governedHeaders } from '../../definition/index.ts'
import { action } from '../parts/action.ts'
import { textArgument } from '../parts/arguments.ts'

/** Headers that the connection, the format or the run decides. */
const RESERVED: ReadonlySet<string> = new Set([...governedHeaders, 'content-type', 'stream-run', 'stream-url'])

/** Clients and proxies take some 8,000 to 16,000 characters of headers in all. */
const HEADER_CHARACTERS_MAX = 8_192

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
    const name = textArgument(step, compiler, 'name')
    const value = textArgument(step, compiler, 'value')
    return (frame, { run }) => {
      const header = name(frame)
      const text = value(frame)
      // A header leaves as chunks do: what filters of the run take out of them, they take out of it.
      const passed = run.outlet.message(text)
      const said = typeof passed === 'string' ? passed : text
      const fail = (problem: string): never => {
        throw new StreamstackError('step_failed', `Set Response Header (step ${step.id}): ${problem}`)
      }
      if (run.headersSent || run.chunksSent > 0)
        fail('the first chunk is out, and the headers with it. Move this step before the first Streaming API Response.')
      if (RESERVED.has(header.toLowerCase())) fail(`'${header}' is set by the server. Remove this step.`)
      try {
        validateHeaderName(header)
        validateHeaderValue(header, said)
      } catch {
        fail(`'${header.replaceAll(/[^\w-]/g, '?')}' or its value has characters that no header may have.`)
      }
      if (header.length + text.length > HEADER_CHARACTERS_MAX)
        fail(
          `'${header}' is longer than ${HEADER_CHARACTERS_MAX} characters, which clients and proxies refuse. Send it as a chunk.`,
        )
      run.setResponseHeader(header, said)
    }
  },
})
