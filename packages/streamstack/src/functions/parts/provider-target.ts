import { StreamstackError, type Value } from '@streamstack/protocol'
import { didYouMean, didYouMeanOr } from '../../text/did-you-mean.ts'
import type { StepNode, TreeNode } from '../../definition/types.ts'
import type { Expression } from '../../expression/index.ts'
import {
  type Dialect,
  type JsonObject,
  type ModelRequest,
  type ProviderName,
  type ProviderTarget,
  compatibleBaseUrl,
  dialectOf,
  dialectOfUrl,
  openaiResponses,
  originOf,
  PROVIDER_WORDS,
  readProviders,
  withTurnsOf,
} from '../../provider/index.ts'
import type { OutboundRequest } from '../../outbound/index.ts'
import type { Frame } from '../../run/index.ts'
import type { Compiler } from './compiler.ts'
import { argumentFault } from './arguments.ts'
import { stepError } from './step-error.ts'

/** What a step asks a model, apart from the model. */
export type Ask = Omit<ModelRequest, 'model'>

/** Makes the target of one request. `ask` is null for a body in the provider's own shape. */
export type MakeTarget = (frame: Frame, request: OutboundRequest, ask: Ask | null) => ProviderTarget

/** The parts of a step, or of an entry of its `fallback`, that say where a request goes. */
export interface TargetNodes {
  readonly provider: TreeNode | undefined
  readonly api: TreeNode | undefined
  readonly url: TreeNode | undefined
  readonly base_url: TreeNode | undefined
  readonly api_key: TreeNode | undefined
  readonly model: TreeNode | undefined
  /** Whether the step's headers and query go along: they may hold keys, which are for one address. */
  readonly takesHeaders: boolean
  /** Whether the step's body goes along, which is in the words of one provider. */
  readonly takesBody: boolean
}

/** Models that reason are silent for long, before their answer and in the middle of it. */
const PATIENCE = { firstByteTimeoutMs: 300_000, idleTimeoutMs: 300_000 }

/** What a run may hold of one answer. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024

/** Google takes the key so, too. */
const KEY_IN_QUERY = /[?&]key=/

const KEY_HEADERS: ReadonlySet<string> = new Set(['authorization', 'x-api-key', 'x-goog-api-key', 'api-key'])

/** Compiles where a request goes. Null: an issue says why not. */
export function compileTarget(step: StepNode, compiler: Compiler, nodes: TargetNodes): MakeTarget | null {
  const providers = providersOf(step, compiler, nodes.provider)
  if (providers === null) return null
  const { url, base_url: baseUrl } = nodes
  if (contradicts(step, compiler, nodes, providers)) return null
  const [only] = providers
  const literalUrl = typeof url?.value === 'string' && !url.value.includes('{{') ? url.value : null
  if (literalUrl !== null && dialectOfUrl(literalUrl, providers) === null) {
    const message = `The host of \`url\` belongs to none of the providers that \`provider\` names. Name one provider whose API it speaks, for example openai-compatible.`
    compiler.issue('error', message, url?.position ?? step.position)
    return null
  }
  if (url === undefined && (providers.length > 1 || only === undefined)) {
    const message = 'Without `url`, `provider` must name one provider.'
    compiler.issue('error', message, nodes.provider?.position ?? step.position)
    return null
  }
  const named = only === undefined ? null : withApi(dialectOf(only), nodes.api)
  if (url === undefined && named?.baseUrl === null && baseUrl === undefined) {
    const message = `The provider ${named.provider} needs \`base_url\`: where its API stands.`
    compiler.issue('error', message, nodes.provider?.position ?? step.position)
    return null
  }
  const expressions = {
    baseUrl: baseUrl === undefined ? null : compiler.value(baseUrl),
    model: compiler.value(nodes.model, null),
  }
  const keyOf = compileKey(
    step,
    compiler,
    nodes,
    (literalUrl === null
      ? providers.map((provider) => dialectOf(provider))
      : [dialectAt(step, literalUrl, providers)]
    ).filter(
      ({ provider }) => provider !== 'google' || !(typeof url?.value === 'string' && KEY_IN_QUERY.test(url.value)),
    ),
  )

  return (frame, request, ask) => {
    const given = url === undefined ? null : request.url
    const dialect = given === null ? (named as Dialect) : dialectAt(step, given, providers)
    const model = modelOf(step, expressions.model.evaluate(frame), request.body ?? null)
    const base = expressions.baseUrl === null ? null : textValue(step, 'base_url', expressions.baseUrl, frame)
    const address =
      given ?? (base ?? dialect.baseUrl ?? '').replace(/\/+$/, '') + dialect.path(needed(step, dialect, model))
    const { body, headers, query, signal: _, ...limits } = request
    return {
      dialect,
      model,
      request: {
        patience: PATIENCE,
        ...limits,
        query: nodes.takesHeaders ? (query ?? {}) : {},
        maxBytes: limits.maxBytes ?? ANSWER_BYTES_MAX,
        url: dialect.provider === 'google' ? asEvents(address) : address,
        method: 'POST',
        headers: {
          ...dialect.headers,
          ...authorization(dialect, keyOf(frame, dialect, address, request)),
          ...(nodes.takesHeaders ? headers : {}),
        },
        body: bodyOf(step, dialect, {
          model,
          ask: ask === null ? null : { ...ask, messages: withTurnsOf(ask.messages, address) },
          body: nodes.takesBody ? (body ?? null) : null,
        }),
      },
    }
  }
}

/** Parts that would be left out in silence. */
function contradicts(
  step: StepNode,
  compiler: Compiler,
  { url, base_url: baseUrl, api }: TargetNodes,
  providers: readonly ProviderName[],
): boolean {
  const problem =
    url !== undefined && baseUrl !== undefined
      ? { node: baseUrl, message: '`base_url` and `url` both say where the API stands; remove one.' }
      : api !== undefined && url !== undefined
        ? { node: api, message: 'The end of `url` says which API is called; remove `api`.' }
        : api !== undefined && !providers.includes('openai')
          ? { node: api, message: '`api` chooses between the APIs of openai; this provider has one. Remove it.' }
          : null
  if (problem !== null) compiler.issue('error', problem.message, problem.node.position ?? step.position)
  return problem !== null
}

function providersOf(step: StepNode, compiler: Compiler, node: TreeNode | undefined): readonly ProviderName[] | null {
  const words = typeof node?.value === 'string' ? node.value : ''
  const { providers, unknown } = readProviders(words)
  if (unknown === null && providers.length > 0) return providers
  const guess = didYouMean(unknown ?? '', PROVIDER_WORDS)
  const baseUrl = compatibleBaseUrl(unknown ?? '')
  const cure =
    baseUrl === null
      ? didYouMeanOr(guess, 'Known are openai, anthropic, google, ollama and openai-compatible.')
      : `It speaks OpenAI's API: write provider: openai-compatible and base_url: ${baseUrl}`
  compiler.issue('error', `There is no provider '${unknown ?? ''}'. ${cure}`, node?.position ?? step.position)
  return null
}

function withApi(dialect: Dialect, api: TreeNode | undefined): Dialect {
  return dialect.provider === 'openai' && api?.value === 'responses' ? openaiResponses : dialect
}

function dialectAt(step: StepNode, url: string, providers: readonly ProviderName[]): Dialect {
  const dialect = dialectOfUrl(url, providers)
  if (dialect !== null) return dialect
  throw argumentFault(step, 'url', 'has a host that belongs to none of the providers that `provider` names')
}

type KeyOf = (frame: Frame, dialect: Dialect, address: string, request: OutboundRequest) => string | null

function isOwnHost({ baseUrl }: Dialect, address: string): boolean {
  return baseUrl !== null && originOf(address) === originOf(baseUrl)
}

/** The step writes the key into a header itself. At a provider's own address, none is refused here and not by the provider. */
function writtenKey(step: StepNode, node: TreeNode | undefined): KeyOf {
  const written = (node?.entries ?? []).filter(({ key }) => KEY_HEADERS.has(key.toLowerCase()))
  return (_, dialect, address, { headers = {} }) => {
    if (dialect.keyName === null || written.length === 0 || !isOwnHost(dialect, address)) return null
    const isSet = Object.entries(headers).some(
      ([name, value]) => KEY_HEADERS.has(name.toLowerCase()) && !/^(?:bearer|basic)?\s*$/i.test(value),
    )
    if (isSet) return null
    const [{ key, node: text } = { key: '', node: null }] = written
    const variable = variableIn(text)
    if (variable !== null) throw unsetKey(step, dialect, variable)
    throw argumentFault(step, `headers.${key}`, 'holds no key')
  }
}

/** The key of the step; else, for a provider's own address, the one of the environment unless a header carries a key. */
function compileKey(step: StepNode, compiler: Compiler, nodes: TargetNodes, dialects: readonly Dialect[]): KeyOf {
  if (nodes.api_key !== undefined) {
    const key = compiler.value(nodes.api_key)
    return (frame, dialect) =>
      presentKey(step, dialect, textValue(step, 'api_key', key, frame), variableIn(nodes.api_key))
  }
  const headers = nodes.takesHeaders ? step.parameters['headers'] : undefined
  const isOwnAddress = nodes.base_url === undefined
  const hasKey =
    headers !== undefined &&
    (headers.entries ?? [{ key: 'authorization' }]).some(({ key }) => KEY_HEADERS.has(key.toLowerCase()))
  if (!isOwnAddress) return () => null
  if (hasKey) return writtenKey(step, headers)
  const keys = new Map<string, Expression<Frame>>()
  for (const { keyName } of dialects) {
    if (keyName === null) continue
    keys.set(
      keyName,
      compiler.value({ value: `{{env.${keyName}}}`, position: nodes.provider?.position ?? step.position }),
    )
  }
  return (frame, dialect, address, { query = {} }) => {
    const { keyName } = dialect
    const key = keyName === null ? undefined : keys.get(keyName)
    if (key === undefined || !isOwnHost(dialect, address)) return null
    // Google also takes the key in the query.
    if ((new URL(address).searchParams.get('key') ?? query['key'] ?? '') !== '') return null
    const value = key.evaluate(frame)
    return presentKey(step, dialect, typeof value === 'string' ? value : '', keyName)
  }
}

/** `variable`: of the environment, where the key comes from one. */
function presentKey(step: StepNode, dialect: Dialect, key: string, variable: string | null): string {
  if (key !== '') return key
  throw variable === null ? argumentFault(step, 'api_key', 'is empty') : unsetKey(step, dialect, variable)
}

function variableIn(node: TreeNode | null | undefined): string | null {
  return /\benv\.(\w+)/.exec(typeof node?.value === 'string' ? node.value : '')?.[1] ?? null
}

/** No argument of the step, and so no caller, is to blame. */
function unsetKey(step: StepNode, { provider }: Dialect, variable: string): StreamstackError {
  const problem = `the key of ${provider} is not set. Put ${variable} into .env.`
  return new StreamstackError('setting_invalid', stepError(step, problem).message)
}

function authorization(dialect: Dialect, key: string | null): Readonly<Record<string, string>> {
  return key === null ? {} : dialect.authorize(key)
}

function modelOf(step: StepNode, model: Value, body: Value): string | null {
  if (typeof model === 'string' && model !== '') return model
  if (model !== null && model !== '') throw argumentFault(step, 'model', 'must be text')
  const own =
    typeof body === 'object' && body !== null && !Array.isArray(body) ? (body as { model?: Value }).model : null
  return typeof own === 'string' ? own : null
}

/** Paths and bodies in neutral words name the model. */
function needed(step: StepNode, dialect: Dialect, model: string | null): string {
  if (model !== null) return model
  if (dialect.provider !== 'google') return ''
  throw argumentFault(step, 'model', 'is missing: the address of the request names it')
}

interface BodyParts {
  readonly model: string | null
  readonly ask: Ask | null
  readonly body: Value
}

/** The body in neutral words, with what the step gives in the provider's own shape on top. */
function bodyOf(step: StepNode, dialect: Dialect, { model, ask, body }: BodyParts): Value {
  if (body !== null && (typeof body !== 'object' || Array.isArray(body)))
    throw argumentFault(step, 'body', 'must be an object')
  const own = (body ?? {}) as { readonly [key: string]: Value }
  // A path that names the model has no place for it in the body.
  const named: JsonObject = model === null || dialect.provider === 'google' ? {} : { model }
  if (ask === null) return dialect.streamed(dialect.adopt({ ...own, ...named }))
  if (model === null) throw argumentFault(step, 'model', 'has no value')
  return dialect.streamed({ ...dialect.body({ ...ask, model }), ...own, ...named })
}

/** Google's method that streams, as events: without `alt=sse` it answers with one JSON list. */
function asEvents(given: string): string {
  const url = given.replace(/:generateContent(?=$|\?)/, ':streamGenerateContent')
  if (!URL.canParse(url) || new URL(url).searchParams.has('alt')) return url
  return `${url}${url.includes('?') ? '&' : '?'}alt=sse`
}

function textValue(step: StepNode, name: string, expression: Expression<Frame>, frame: Frame): string {
  const value = expression.evaluate(frame)
  if (typeof value === 'string') return value
  if (value === null) return ''
  throw argumentFault(step, name, 'must be text')
}
