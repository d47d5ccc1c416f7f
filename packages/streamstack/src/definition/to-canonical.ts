import type { Value } from '@streamstack/protocol'
import type {
  ConcurrencyDeclaration,
  EndpointDefinition,
  InputDeclaration,
  OutputDeclaration,
  StepNode,
} from './types.ts'

/**
 * The endpoint as plain JSON in the format of definitions, with canonical names only and nothing that has its default.
 * Normalising it again gives the same endpoint, positions aside.
 */
export function toCanonical(endpoint: EndpointDefinition): Value {
  const { access, limits, headers, format, rateLimits } = endpoint
  return {
    endpoint_settings: {
      method: endpoint.method,
      path: endpoint.path,
      response_type: endpoint.responseType,
      ...(endpoint.description !== null && { description: endpoint.description }),
      ...(Object.keys(headers).length > 0 && { headers }),
      ...(format !== null && { format }),
      ...((access.authentication || endpoint.allow !== null) && { authentication: access.authentication }),
      ...(access.roles.length > 0 && { roles: access.roles }),
      ...(access.scopes.length > 0 && { scopes: access.scopes }),
      ...(endpoint.allow !== null && { allow: endpoint.allow.value }),
      ...(endpoint.allowRead !== null && { allow_read: endpoint.allowRead.value }),
      ...(rateLimits.length > 0 && {
        rate_limit: rateLimits.map(({ unit, amount, perMs, ...limit }) => ({ ...limit, [unit]: amount, per: perMs })),
      }),
      ...(endpoint.concurrency !== null && { concurrency: concurrencyOf(endpoint.concurrency) }),
      ...(limits.maxDurationMs !== null && { max_duration: limits.maxDurationMs }),
      ...(limits.maxChunks !== null && { max_chunks: limits.maxChunks }),
      ...(limits.maxBytes !== null && { max_bytes: limits.maxBytes }),
      ...(limits.maxIterations !== null && { max_iterations: limits.maxIterations }),
      ...(endpoint.delivery !== 'memory' && { delivery: endpoint.delivery }),
      ...(endpoint.onDisconnect !== 'cancel' && { on_disconnect: endpoint.onDisconnect }),
      ...(endpoint.disconnectGraceMs !== null && { disconnect_grace: endpoint.disconnectGraceMs }),
    },
    ...(endpoint.inputs.length > 0 && { input_parameters: inputsOf(endpoint.inputs) }),
    ...(endpoint.output !== null && { output: outputOf(endpoint.output) }),
    function_stack: endpoint.stack.map(stepOf),
  }
}

function concurrencyOf({ runs, queue, waitMs }: ConcurrencyDeclaration): Value {
  return { runs, queue, wait: waitMs }
}

function outputOf({ content, metadata }: OutputDeclaration): Value {
  return {
    ...(content !== null && { content: inputOf(content) }),
    ...(metadata !== null && { metadata: inputOf(metadata) }),
  }
}

function inputsOf(inputs: readonly InputDeclaration[]): Value {
  return Object.fromEntries(inputs.map((input) => [input.name, inputOf(input)]))
}

function inputOf(input: InputDeclaration): Value {
  return {
    type: input.type,
    ...(input.description !== null && { description: input.description }),
    ...(input.required && { required: true }),
    ...(input.nullable && { nullable: true }),
    ...(input.default !== undefined && { default: input.default }),
    ...(input.values !== null && { values: input.values }),
    ...(input.min !== null && { min: input.min }),
    ...(input.max !== null && { max: input.max }),
    ...(input.minLength !== null && { min_length: input.minLength }),
    ...(input.maxLength !== null && { max_length: input.maxLength }),
    ...(input.pattern !== null && { pattern: input.pattern }),
    ...(input.items !== null && { items: inputOf(input.items) }),
    ...(input.properties !== null && { properties: inputsOf(input.properties) }),
  }
}

function stepOf(step: StepNode): Value {
  const parameters = Object.entries(step.parameters).map(([name, node]): [string, Value] => [name, node.value])
  const stacks = Object.entries(step.stacks).map(([name, steps]): [string, Value] => [name, steps.map(stepOf)])
  const words = Object.entries(step.words)
  const cases = Object.entries(step.cases).map(([name, items]): [string, Value] => [
    name,
    items.map(({ when, steps }) => {
      const inner = steps.map(stepOf)
      return when === null ? inner : { when: when.value, steps: inner }
    }),
  ])
  return {
    ...(step.label !== null && { step: step.label }),
    function: step.function,
    ...Object.fromEntries(parameters),
    ...Object.fromEntries(stacks),
    ...Object.fromEntries(words),
    ...Object.fromEntries(cases),
    ...(step.as !== null && { as: step.as }),
    ...(step.disabled && { disabled: true }),
  }
}
