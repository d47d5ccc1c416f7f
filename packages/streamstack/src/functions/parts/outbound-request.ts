import type { Value } from '@streamstack/protocol'
import type { ParameterShape, StepNode, TreeNode } from '../../definition/types.ts'
import type { Frame, Strand } from '../../run/index.ts'
import { type OutboundRequest, type TimeLimits, methodProblem } from '../../outbound/index.ts'
import { argumentError, durationArgument, numberArgument, textArgument } from './arguments.ts'
import type { Compiler } from './compiler.ts'
import { REQUEST_HEADERS, checkHeaders, literalText } from './literal-headers.ts'
import { prepareUrl } from './outbound-url.ts'

const DAY_MS = 86_400_000

/** Parameters that both outbound functions have. */
export const requestParameters = {
  url: {
    kind: 'value',
    summary:
      'Absolute http or https URL, or a path of this server. Values in its path and query are encoded: `https://api.example/items/{{id}}?q={{text}}`.',
    type: 'text',
    required: true,
  },
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
  connect_timeout: {
    kind: 'value',
    summary: 'How long the request may wait for a connection. Durations as `3s`, or milliseconds.',
    type: 'duration',
  },
  first_byte_timeout: {
    kind: 'value',
    summary: 'From the call to the headers of the answer, redirects included.',
    type: 'duration',
  },
  idle_timeout: { kind: 'value', summary: 'Longest silence in the middle of the answer.', type: 'duration' },
  total_timeout: { kind: 'value', summary: 'From the call to the end of the answer.', type: 'duration' },
  timeout: {
    kind: 'value',
    summary: '`first_byte_timeout` and `idle_timeout` in one, where they are not given.',
    type: 'duration',
    aliases: ['timeout_ms'],
  },
  max_bytes: { kind: 'value', summary: 'Most bytes of the answer.', type: 'integer' },
} as const satisfies Record<string, ParameterShape>

export function prepareRequest(step: StepNode, compiler: Compiler): (frame: Frame, strand: Strand) => OutboundRequest {
  const url = prepareUrl(step, compiler)
  const method = textArgument(step, compiler, 'method')
  checkMethod(step.parameters['method'], compiler)
  checkHeaders(step, compiler, REQUEST_HEADERS)
  const headers = compiler.value(step.parameters['headers'], null)
  const body = compiler.value(step.parameters['body'], null)
  const query = compiler.value(step.parameters['query'], null)
  const limits = prepareLimits(step, compiler)
  const maxBytes = numberArgument(step, compiler, 'max_bytes', null, { min: 1, integer: true })
  return (frame, strand) => {
    const most = maxBytes(frame)
    const verb = method(frame)
    return {
      url: url(frame),
      ...(verb === '' ? {} : { method: verb }),
      headers: headerTexts(step, headers.evaluate(frame)),
      body: body.evaluate(frame),
      query: objectOf(step, 'query', query.evaluate(frame)),
      ...limits(frame),
      ...(most === null ? {} : { maxBytes: most }),
      hops: strand.run.state.hops,
      signal: strand.signal,
    }
  }
}

/** Adds an issue for a method that is written out and could never be sent. */
function checkMethod(node: TreeNode | undefined, compiler: Compiler): void {
  const method = literalText(node)
  const problem = method === null || method === '' ? null : methodProblem(method)
  if (node !== undefined && problem !== null) compiler.issue('error', `'method' ${problem}.`, node.position)
}

/** The limits that a step sets itself. */
function prepareLimits(step: StepNode, compiler: Compiler): (frame: Frame) => Partial<TimeLimits> {
  const limit = (name: string): ((frame: Frame) => number | null) =>
    durationArgument(step, compiler, name, null, { min: 1, max: DAY_MS })
  const connect = limit('connect_timeout')
  const firstByte = limit('first_byte_timeout')
  const idle = limit('idle_timeout')
  const total = limit('total_timeout')
  const silence = limit('timeout')
  return (frame) => {
    const both = silence(frame)
    const given = {
      connectTimeoutMs: connect(frame),
      firstByteTimeoutMs: firstByte(frame) ?? both,
      idleTimeoutMs: idle(frame) ?? both,
      totalTimeoutMs: total(frame),
    }
    return Object.fromEntries(Object.entries(given).filter(([, limitMs]) => limitMs !== null))
  }
}

function headerTexts(step: StepNode, value: Value): Record<string, string> {
  const texts: Record<string, string> = {}
  for (const [name, text] of Object.entries(objectOf(step, 'headers', value))) {
    if (text === null) continue
    if (typeof text === 'object') throw argumentError(step, `headers.${name}`, 'must be text', text)
    texts[name] = String(text)
  }
  return texts
}

function objectOf(step: StepNode, name: string, value: Value): { readonly [key: string]: Value } {
  if (value === null) return {}
  if (typeof value === 'object' && !Array.isArray(value)) return value as { readonly [key: string]: Value }
  throw argumentError(step, name, 'must be an object', value)
}
