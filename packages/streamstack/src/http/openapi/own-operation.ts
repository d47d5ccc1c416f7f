import { inputsJsonSchema } from '../../input/index.ts'
import type { RouteDescription } from '../route-table.ts'
import { BEARER, otherProblem } from './components.ts'
import { pathParameter, queryParameter } from './input-parameters.ts'
import type { Json, JsonObject } from './json-value.ts'

/** Headers that OpenAPI describes in other places than among the parameters (OpenAPI 3.1.1 §4.8.12). */
const DESCRIBED_ELSEWHERE: ReadonlySet<string> = new Set(['Accept', 'Authorization', 'Content-Type'])

/** Rights that also callers without a token may have. */
const OPTIONAL_TOKEN: ReadonlySet<unknown> = new Set(['guest', 'caller', 'reader', 'owner'])

/** One route of the server as an Operation Object. */
export function ownOperation(route: RouteDescription, operationId: string): JsonObject {
  const { path, summary, inputs } = route
  const parameters = [
    ...Array.from(path.matchAll(/\{(\w+)(\.\.\.)?\}/g), ([, name = '', rest]) =>
      pathParameter(name, undefined, rest === undefined ? null : 'May contain slashes.'),
    ),
    ...inputs.query.map(queryParameter),
    ...Object.entries(inputs.headers)
      .filter(([name]) => !DESCRIBED_ELSEWHERE.has(name))
      .map(([name, description]) => ({ name, in: 'header', description, schema: { type: 'string' } })),
  ]
  return {
    operationId,
    summary,
    tags: ['Server'],
    ...(parameters.length > 0 && { parameters }),
    ...bodyOf(route),
    responses: { ...answerOf(route), default: otherProblem },
    security: securityOf(route),
  }
}

function bodyOf({ inputs: { body, headers } }: RouteDescription): JsonObject {
  if (body !== null)
    return { requestBody: { content: { 'application/json': { schema: inputsJsonSchema(body) as Json } } } }
  // What has a Content-Type of the caller's choice takes any bytes.
  return Object.hasOwn(headers, 'Content-Type') ? { requestBody: { content: { '*/*': {} } } } : {}
}

function answerOf({ answers }: RouteDescription): JsonObject {
  if (answers === 'upgrade') return { 101: { description: 'The connection continues as a WebSocket.' } }
  return { '2XX': { description: answers === 'stream' ? 'A stream.' : 'The answer.' } }
}

function securityOf({ right }: RouteDescription): readonly Json[] {
  if (right === 'anyone') return []
  if (OPTIONAL_TOKEN.has(right)) return [{}, { [BEARER]: [] }]
  return [{ [BEARER]: typeof right === 'string' ? [] : right }]
}
