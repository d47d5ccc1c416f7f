import { StreamstackError, type Value } from '@streamstack/protocol'
import type { ParameterShape, StepNode } from '../definition/types.ts'
import type { Frame, Strand } from '../run/index.ts'
import type { OutboundRequest } from '../outbound/index.ts'
import { kindOf, numberArgument, textArgument } from './arguments.ts'
import type { Compiler } from './compiler.ts'

const HOUR_MS = 3_600_000

/** Parameters that both outbound functions have. */
export const requestParameters = {
  url: { kind: 'value', summary: 'Absolute http or https URL.', type: 'text', required: true },
  method: { kind: 'value', summary: 'GET, or POST when there is a body.', type: 'text' },
  headers: { kind: 'value', summary: 'Name → value.', type: 'object' },
  body: {
    kind: 'value',
    summary: 'Text goes out as it is, anything else as JSON.',
    type: 'any',
    aliases: ['data', 'params_body'],
  },
  query: {
    kind: 'value',
    summary: 'Added to the query of the URL: name → value.',
    type: 'object',
    aliases: ['params', 'query_parameters'],
  },
  timeout: { kind: 'value', summary: 'Milliseconds until the answer begins.', type: 'number', aliases: ['timeout_ms'] },
  idle_timeout: { kind: 'value', summary: 'Milliseconds that the answer may be silent in between.', type: 'number' },
  max_bytes: { kind: 'value', summary: 'Most bytes of the answer.', type: 'integer' },
} as const satisfies Record<string, ParameterShape>

export function prepareRequest(step: StepNode, compiler: Compiler): (frame: Frame, strand: Strand) => OutboundRequest {
  const url = textArgument(step, compiler, 'url')
  const method = textArgument(step, compiler, 'method')
  const headers = compiler.value(step.parameters['headers'], null)
  const body = compiler.value(step.parameters['body'], null)
  const query = compiler.value(step.parameters['query'], null)
  const timeoutMs = numberArgument(step, compiler, 'timeout', null, { min: 1, max: HOUR_MS })
  const idleTimeoutMs = numberArgument(step, compiler, 'idle_timeout', null, { min: 1, max: HOUR_MS })
  const maxBytes = numberArgument(step, compiler, 'max_bytes', null, { min: 1, integer: true })
  return (frame, strand) => {
    const timeout = timeoutMs(frame)
    const idle = idleTimeoutMs(frame)
    const most = maxBytes(frame)
    const verb = method(frame)
    return {
      url: url(frame),
      ...(verb === '' ? {} : { method: verb }),
      headers: headerTexts(step, headers.evaluate(frame)),
      body: body.evaluate(frame),
      query: objectOf(step, 'query', query.evaluate(frame)),
      ...(timeout === null ? {} : { timeoutMs: timeout }),
      ...(idle === null ? {} : { idleTimeoutMs: idle }),
      ...(most === null ? {} : { maxBytes: most }),
      signal: strand.signal,
    }
  }
}

function headerTexts(step: StepNode, value: Value): Record<string, string> {
  const texts: Record<string, string> = {}
  for (const [name, text] of Object.entries(objectOf(step, 'headers', value))) {
    if (text === null) continue
    if (typeof text === 'object') throw wrong(step, `headers.${name}`, 'text', text)
    texts[name] = String(text)
  }
  return texts
}

function objectOf(step: StepNode, name: string, value: Value): { readonly [key: string]: Value } {
  if (value === null) return {}
  if (typeof value === 'object' && !Array.isArray(value)) return value as { readonly [key: string]: Value }
  throw wrong(step, name, 'an object', value)
}

function wrong(step: StepNode, name: string, must: string, value: Value): StreamstackError {
  return new StreamstackError(
    'step_failed',
    `${step.function} (step ${step.id}): '${name}' must be ${must}; it is ${kindOf(value)}.`,
  )
}
