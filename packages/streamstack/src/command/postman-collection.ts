import type { Outcome, Value } from '@streamstack/protocol'
import { type EndpointDefinition, type InputDeclaration, pathParameters } from '../definition/index.ts'
import type { TestFile } from '../test/index.ts'
import { isRecord } from '../input/plain-value.ts'
import type { TableDeclaration } from '../table/index.ts'
import { newValues, withNewValues } from './new-values.ts'
import { sampleInputs, sampleOf } from './sample-inputs.ts'
import { BODYLESS, queryPairs, samplePathPart } from './sample-url.ts'
import { type TestedCall, testedCall } from './tested-call.ts'

const SCHEMA = 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json'

/** Postman sees an answer when it is complete, so the scripts judge the whole and no times. */
function streamScript(outcome: Outcome): string {
  const isCompleted = outcome === 'completed'
  return `const lines = pm.response.text().split('\\n').filter((line) => line.trim() !== '').map((line) => JSON.parse(line))
const end = lines.at(-1)
const chunks = lines.filter((line) => line.type === 'chunk')
pm.test('The status is 200', () => pm.response.to.have.status(200))
pm.test('The answer is a stream with a run', () => {
  pm.expect(pm.response.headers.get('Content-Type')).to.include('application/x-ndjson')
  pm.expect(pm.response.headers.get('Stream-Run')).to.be.a('string')
})
${
  isCompleted
    ? `pm.test('No chunk is an error', () => pm.expect(lines.filter((line) => line.type === 'error')).to.eql([]))
pm.test('The stream is complete', () => pm.expect(end).to.include({ type: 'end', outcome: 'completed' }))`
    : `pm.test('The stream ends as ${outcome}', () => pm.expect(end).to.include({ type: 'end', outcome: '${outcome}' }))`
}
pm.test(\`All \${end.offset} chunks arrived, in order\`, () => {
  const offsets = lines.slice(0, -1).map((line) => line.offset)
  pm.expect(offsets).to.eql(Array.from({ length: end.offset }, (_, index) => index + 1))
})
if (chunks.some((chunk) => chunk.content === '[DONE]')) {
  pm.test('[DONE] is the last chunk', () => pm.expect(chunks.at(-1).content).to.equal('[DONE]'))
}`
}

function plainScript(status: number | null): string {
  const isRefused = status !== null && status >= 400
  return `${
    status === null
      ? `pm.test('The call succeeded', () => pm.expect(pm.response.code).to.be.below(400))`
      : `pm.test('The status is ${status}', () => pm.response.to.have.status(${status}))`
  }
pm.test('The answer is ${isRefused ? 'a' : 'no'} problem document', () => {
  pm.expect(pm.response.headers.get('Content-Type') ?? '')${isRefused ? '' : '.not'}.to.include('application/problem+json')
})`
}

/** What the endpoint does, and what stands in the way of the call, where it is meant to fail. */
function requestDescription({ description, responseType }: EndpointDefinition, call: TestedCall | null): string | null {
  if (call === null || call.outcome === 'completed') return description
  const failure =
    responseType === 'streaming' ? `the stream ends as ${call.outcome}` : `the answer has the status ${call.status}`
  return `${description === null ? '' : `${description}. `}This call is meant to fail: ${failure}, and the script tests that.`
}

export interface PostmanOptions {
  readonly name: string
  readonly endpoints: readonly EndpointDefinition[]
  readonly tables: readonly TableDeclaration[]
  /** Of the workspace: their calls are the samples of the collection. */
  readonly tests: readonly TestFile[]
}

/** A collection (format v2.1.0) with one request for each endpoint. It needs the variables of `postmanEnvironment`. */
export function postmanCollection({ name, endpoints, tables, tests }: PostmanOptions): Value {
  const sorted = endpoints.toSorted(
    (a, b) => a.path.localeCompare(b.path, 'en') || a.method.localeCompare(b.method, 'en'),
  )
  return {
    info: { name, description: 'Made by `streamstack postman`. Run it again when endpoints change.', schema: SCHEMA },
    item: sorted.map((endpoint) => itemOf(endpoint, testedCall(endpoint, tests), tables)),
  }
}

/** The environment of the collection: where the server is, and the caller's token. */
export function postmanEnvironment(name: string, url: string): Value {
  return {
    name,
    values: [
      { key: 'base_url', value: url, type: 'default', enabled: true },
      { key: 'token', value: '', type: 'secret', enabled: true },
    ],
    _postman_variable_scope: 'environment',
  }
}

function itemOf(endpoint: EndpointDefinition, call: TestedCall | null, tables: readonly TableDeclaration[]): Value {
  const { method, path, access, responseType } = endpoint
  const description = requestDescription(endpoint, call)
  const streams = responseType === 'streaming'
  const script = streams ? streamScript(call?.outcome ?? 'completed') : plainScript(call?.status ?? null)
  return {
    name: `${method} ${path}`,
    event: [{ listen: 'test', script: { type: 'text/javascript', exec: script.split('\n') } }],
    request: {
      method,
      ...(description !== null && { description }),
      auth: access.authentication
        ? { type: 'bearer', bearer: [{ key: 'token', value: '{{token}}', type: 'string' }] }
        : { type: 'noauth' },
      header: streams ? [{ key: 'Accept', value: 'application/x-ndjson' }] : [],
      url: urlOf(endpoint, call),
      ...bodyOf(endpoint, call, newValues(endpoint, tables)),
    },
  }
}

function urlOf(endpoint: EndpointDefinition, call: TestedCall | null): Value {
  const { method, path, inputs } = endpoint
  const query =
    call === null ? (BODYLESS.has(method) ? queryOf(bodyInputs(endpoint)) : []) : calledQuery(endpoint, call)
  const segments = path.split('/').slice(1)
  const enabled = query.filter(({ disabled }) => !disabled)
  const search = enabled.map(({ key, value }) => `${key}=${value}`).join('&')
  return {
    raw: `{{base_url}}${path}${search === '' ? '' : `?${search}`}`,
    host: ['{{base_url}}'],
    path: segments,
    ...(query.length > 0 && { query }),
    variable: pathParameters(path).map((name) => {
      const input = inputs.find((one) => one.name === name)
      return {
        key: name,
        value: call?.path[segments.indexOf(`:${name}`)] ?? samplePathPart(endpoint, name),
        ...descriptionOf(input),
      }
    }),
  }
}

interface QueryParameter {
  readonly [key: string]: Value
  readonly key: string
  readonly value: string
  readonly disabled: boolean
}

/** Inputs that a call may leave out are listed and turned off. */
function queryOf(inputs: readonly InputDeclaration[]): readonly QueryParameter[] {
  const samples = sampleInputs(inputs)
  return inputs.flatMap((input) => {
    const { name } = input
    const isRequired = Object.hasOwn(samples, name) && name !== 'options'
    const value = (Object.hasOwn(samples, name) ? samples[name] : sampleOf(input)) ?? null
    return queryPairs(name, value).map(([key, text]) => ({
      key,
      value: encodeURIComponent(text),
      disabled: !isRequired,
      ...descriptionOf(input),
    }))
  })
}

/** The parameters of the test's call; other inputs are listed and turned off. */
function calledQuery(endpoint: EndpointDefinition, { query }: TestedCall): readonly QueryParameter[] {
  const names = new Set(query.map(([key]) => key.split('.', 1)[0]))
  const others = BODYLESS.has(endpoint.method) ? bodyInputs(endpoint).filter(({ name }) => !names.has(name)) : []
  return [
    ...query.map(([key, value]) => ({ key, value: encodeURIComponent(value), disabled: false })),
    ...queryOf(others).map((parameter) => ({ ...parameter, disabled: true })),
  ]
}

function bodyOf(
  endpoint: EndpointDefinition,
  call: TestedCall | null,
  fresh: Readonly<Record<string, string>>,
): { readonly body?: Value } {
  const raw = call === null ? sampleBody(endpoint, fresh) : calledBody(call, fresh)
  return raw === null ? {} : { body: { mode: 'raw', raw, options: { raw: { language: 'json' } } } }
}

function sampleBody(endpoint: EndpointDefinition, fresh: Readonly<Record<string, string>>): string | null {
  const samples = sampleInputs(bodyInputs(endpoint))
  if (BODYLESS.has(endpoint.method) || Object.keys(samples).length === 0) return null
  return JSON.stringify(withNewValues(samples, fresh), null, 2)
}

/** JSON on several lines; other text as it is. A call that is meant to fail may do so for the values that it has. */
function calledBody({ body, outcome }: TestedCall, fresh: Readonly<Record<string, string>>): string | null {
  if (body === null) return null
  try {
    const value = JSON.parse(body) as Value
    return JSON.stringify(isRecord(value) && outcome === 'completed' ? withNewValues(value, fresh) : value, null, 2)
  } catch {
    return body
  }
}

/** The inputs that are not in the path. */
function bodyInputs({ inputs, path }: EndpointDefinition): readonly InputDeclaration[] {
  const inPath = pathParameters(path)
  return inputs.filter(({ name }) => !inPath.includes(name))
}

function descriptionOf(input: InputDeclaration | undefined): { readonly description?: string } {
  return input === undefined || input.description === null ? {} : { description: input.description }
}
