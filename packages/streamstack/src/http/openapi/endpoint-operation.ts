import { type ErrorCode, FORMAT_NAMES, type FormatName, formats } from '@streamstack/protocol'
import { type EndpointDefinition, pathParameters } from '../../definition/index.ts'
import { chooseFormat, contentTypeOf } from '../../format/index.ts'
import { inputSchema, inputsJsonSchema } from '../../input/index.ts'
import { BEARER, callParameters, headersNamed, otherProblem, problemResponses } from './components.ts'
import { pathParameter, queryParameter } from './input-parameters.ts'
import type { Json, JsonObject } from './json-value.ts'

/** Formats that have a media type of their own; `?format=` reaches the others. */
const BY_MEDIA_TYPE = FORMAT_NAMES.filter((name) => formats[name].mediaTypes.length > 0)

const TEXT: JsonObject = { schema: { type: 'string' } }

/**
 * Maximum number of alternatives of roles and scopes in the document; more would make it
 * unreadable.
 */
const ALTERNATIVES_MAX = 32

/**
 * One declared endpoint as an Operation Object. `names`: those of the parameters in its path, in order. `limitsRate`: whether the settings
 * limit the rate of all calls.
 */
export function endpointOperation(
  endpoint: EndpointDefinition,
  operationId: string,
  names: readonly string[],
  limitsRate: boolean,
): JsonObject {
  const { name, description, inputs, access, path } = endpoint
  const hasBody = takesBody(endpoint)
  const hasRate = limitsRate || endpoint.rateLimits.length > 0
  const own = pathParameters(path)
  const others = inputs.filter((input) => !own.includes(input.name))
  const inQuery = hasBody ? [] : others
  const taken = new Set(inQuery.map((input) => input.name))
  return {
    operationId,
    summary: description ?? name,
    tags: ['Endpoints'],
    parameters: [
      ...own.map((parameter, index) => pathParameter(names[index] ?? parameter, inputNamed(endpoint, parameter))),
      ...inQuery.map(queryParameter),
      ...Object.keys(callParameters)
        .filter((parameter) => !taken.has(parameter))
        .map((parameter) => ({ $ref: `#/components/parameters/${parameter}` })),
    ],
    ...(hasBody && others.length > 0 && { requestBody: requestBody(endpoint) }),
    responses: {
      200: answer(endpoint, hasRate),
      ...problemResponses(errorsOf(endpoint, hasBody, hasRate)),
      default: otherProblem,
    },
    security: access.authentication ? alternatives(access) : [],
  }
}

function inputNamed({ inputs }: EndpointDefinition, name: string): EndpointDefinition['inputs'][number] | undefined {
  return inputs.find((input) => input.name === name)
}

/** The body of the other methods is not read. */
function takesBody({ method }: EndpointDefinition): boolean {
  return method !== 'GET' && method !== 'DELETE'
}

function requestBody({ inputs, path }: EndpointDefinition): JsonObject {
  const inPath = pathParameters(path)
  const inBody = inputs.filter(({ name }) => !inPath.includes(name))
  const schema = inputsJsonSchema(inBody) as JsonObject
  return {
    required: Array.isArray(schema['required']),
    content: { 'application/json': { schema }, 'application/x-www-form-urlencoded': { schema } },
  }
}

function answer({ format, headers, responseType, output }: EndpointDefinition, hasRate: boolean): JsonObject {
  const rate = hasRate ? headersNamed(['RateLimit', 'RateLimit-Policy']) : {}
  const declaredType = headers['Content-Type']
  if (responseType === 'standard') {
    const declared = output?.content ?? null
    const json: JsonObject = declared === null ? {} : { schema: inputSchema({ ...declared, required: true }) }
    const content =
      declaredType === undefined ? { 'application/json': json, 'text/plain': TEXT } : { [declaredType]: json }
    const description = 'A plain answer. `format` and `Accept` ask for a stream instead.'
    return { description, ...(hasRate && { headers: rate }), content }
  }
  const usual = chooseFormat({ asked: null, accept: undefined, declaredType, declared: format, otherwise: 'lines' })
  const types = [usual, ...BY_MEDIA_TYPE].map((one) => [typeOf(one, declaredType), one] as const)
  const content = new Map<string, JsonObject>()
  for (const [type, one] of types) {
    if (content.has(type)) continue
    content.set(type, { schema: one === 'json' ? { $ref: '#/components/schemas/Result' } : { type: 'string' } })
  }
  return {
    description: `A stream. Without \`format\` and \`Accept\` it is sent as \`${usual}\`.`,
    headers: {
      'Stream-Run': { $ref: '#/components/headers/Stream-Run' },
      'Stream-Url': { $ref: '#/components/headers/Stream-Url' },
      ...rate,
    },
    content: Object.fromEntries(content),
  }
}

/** The media type of a format's answer, without parameters. */
function typeOf(name: FormatName, declaredType: string | undefined): string {
  const { contentType } = formats[name].encoder({ metadata: false }, { run: null })
  return (contentTypeOf(name, contentType, declaredType).split(';', 1)[0] as string).trim()
}

function errorsOf({ access, allow }: EndpointDefinition, hasBody: boolean, hasRate: boolean): readonly ErrorCode[] {
  return [
    'input_invalid',
    ...(hasBody ? (['body_unreadable', 'body_too_large', 'media_type_unsupported'] as const) : []),
    ...(access.authentication ? (['unauthenticated', 'forbidden'] as const) : []),
    ...(allow !== null && !access.authentication ? (['forbidden'] as const) : []),
    'format_unknown',
    'idempotency_conflict',
    'too_many',
    ...(hasRate ? (['rate_limited'] as const) : []),
    'internal',
    'unavailable',
  ]
}

/** One role and one scope of those listed are needed, so each pair is an alternative. */
function alternatives({ roles, scopes }: EndpointDefinition['access']): readonly Json[] {
  const pairs = orNone(roles).flatMap((role) => orNone(scopes).map((scope) => [...role, ...scope]))
  const needed = pairs.length > ALTERNATIVES_MAX ? [[]] : pairs
  return needed.map((names) => ({ [BEARER]: names }))
}

function orNone(names: readonly string[]): readonly (readonly string[])[] {
  return names.length === 0 ? [[]] : names.map((name) => [name])
}
