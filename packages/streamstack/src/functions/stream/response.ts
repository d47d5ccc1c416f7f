import type { Value } from '@streamstack/protocol'
import type { StepNode } from '../../definition/types.ts'
import { type Frame, STOP, type RunningRun, chunkOf } from '../../run/index.ts'
import { argumentError, argumentFault, numberArgument } from '../parts/arguments.ts'
import type { Compiler } from '../parts/compiler.ts'
import type { FunctionDefinition } from '../parts/function-definition.ts'
import { ANSWER_HEADERS, checkHeaders } from '../parts/literal-headers.ts'
import { passedHeader, refuseReserved } from '../parts/response-header.ts'
import { send } from '../parts/send.ts'

export const response: FunctionDefinition = {
  name: 'Response',
  aliases: ['API Response', 'Standard API Response', 'Respond'],
  summary: 'Answers with one document, text or redirect with its own status and headers, and ends the run.',
  parameters: {
    content: {
      kind: 'value',
      summary: 'The body: text unchanged, any other value as JSON. If null or omitted, there is no body.',
      type: 'any',
      aliases: ['value', 'body', 'data'],
    },
    status: {
      kind: 'value',
      summary: 'HTTP status, 200 to 599.',
      type: 'integer',
      aliases: ['status_code'],
      default: 200,
    },
    headers: {
      kind: 'value',
      summary: 'Headers of the answer by name, such as `Location`; `Content-Type` replaces that of the content.',
      type: 'object',
    },
  },
  examples: [
    {
      title: 'A record was made',
      stack: [{ function: 'Response', status: 201, content: { id: 1 } }],
      sends: [{ id: 1 }],
    },
    {
      title: 'A redirect; nothing after it runs',
      stack: [
        { function: 'Response', status: 302, headers: { Location: 'https://example.com/' } },
        { function: 'Streaming API Response', content: 'never' },
      ],
      sends: [],
    },
    {
      title: 'A header that the server sets itself',
      stack: [{ function: 'Response', headers: "{{ {'Transfer-Encoding': 'chunked'} }}", content: 'x' }],
      sends: [],
      fails: 'step_failed',
    },
  ],
  compile(step, compiler) {
    const content = step.parameters['content'] === undefined ? null : compiler.value(step.parameters['content'], null)
    const status = numberArgument(step, compiler, 'status', 200, { min: 200, max: 599, integer: true })
    const headers = headersOf(step, compiler)
    compiler.emit((frame, strand) => {
      const { run } = strand
      const value = content?.evaluate(frame) ?? null
      const chunk = value === null ? null : chunkOf(null, value, null)
      // Text that waits for its piece belongs to what was sent before.
      void run.outlet.flushPending()
      run.state.plainAnswer = {
        status: status(frame),
        contentType: setHeaders(step, run, headers(frame)),
        // The offset of the newest chunk; a durable stream shows it once it is stored.
        after: run.chunksSent,
        through: null,
        content: chunk === null ? null : chunk.kind === 'text' ? 'text' : 'json',
      }
      return chunk === null ? undefined : send(frame, strand, chunk)
    })
    compiler.emit((_, { run }) => {
      const { plainAnswer, filters, smooth } = run.state
      // What finally blocks send is not part of the answer.
      if (plainAnswer !== null && filters === null && smooth === null) {
        run.state.plainAnswer = { ...plainAnswer, through: run.chunksSent }
      }
      throw STOP
    })
  },
}

/** Sets the headers of an answer; returns its Content-Type, null where none is among them. */
function setHeaders(step: StepNode, run: RunningRun, headers: readonly (readonly [string, string])[]): string | null {
  let contentType: string | null = null
  for (const [name, text] of headers) {
    const isType = name.toLowerCase() === 'content-type'
    if (!isType) refuseReserved(step, name)
    const passed = passedHeader(step, run, name, text)
    if (isType) contentType = passed
    else run.setResponseHeader(name, passed)
  }
  return contentType
}

function headersOf(step: StepNode, compiler: Compiler): (frame: Frame) => readonly (readonly [string, string])[] {
  const node = step.parameters['headers']
  if (node === undefined) return () => []
  checkHeaders(step, compiler, ANSWER_HEADERS)
  const expression = compiler.value(node)
  return (frame) => {
    const value = expression.evaluate(frame)
    if (value === null) return []
    if (typeof value !== 'object' || Array.isArray(value)) {
      throw argumentError(step, 'headers', 'must be an object of names and values', value)
    }
    return Object.entries(value)
      .filter(([, header]) => header !== null)
      .map(([name, header]) => [name, headerText(step, name, header)])
  }
}

function headerText(step: StepNode, name: string, value: Value): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw argumentFault(step, 'headers', `has '${name.replaceAll(/[^\w-]/g, '?')}', which must be text`)
}
