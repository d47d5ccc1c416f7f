import type { IncomingMessage, ServerResponse } from 'node:http'
import { StreamstackError } from '@streamstack/protocol'
import { type Caller, corsHeaders, isPreflight } from '../access/index.ts'
import { answerError } from './answer/answer-error.ts'
import { onAnswerOver } from './answer/answer-over.ts'
import { answerStopping } from './answer/answer-stopping.ts'
import { noteCaller, noteEndpoint, noteParameters, noteRoute } from './call/call-note.ts'
import { callEndpoint } from './call/call-endpoint.ts'
import { resumeChat } from './chat/resume-chat.ts'
import { DurableStreams } from './durable-streams/index.ts'
import { Exchange, type Upgrade } from './exchange.ts'
import { type FoundEndpoint, findEndpoint, methodsAt } from './call/find-endpoint.ts'
import { CallPreparation } from './call/prepare-call.ts'
import type { Route } from './route.ts'
import { type FoundPath, RouteTable } from './route-table.ts'
import { routes } from './routes.ts'
import type { ServerContext } from './server-context.ts'

/** The workspace may have an endpoint here: it goes before the server's own page. */
const ROOT = '/'

/** RFC 9110 §9.2.1. */
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Every request comes through here: CORS → route → caller → handler. */
export class FrontDoor {
  readonly #server: ServerContext
  readonly #table = new RouteTable(routes)

  constructor(server: ServerContext) {
    this.#server = server
  }

  /** Answers a request. Never throws. */
  take(request: IncomingMessage, response: ServerResponse, upgrade: Upgrade | null = null): void {
    const exchange = new Exchange(this.#server, request, response, upgrade)
    try {
      checkFields(request)
      const answered = this.#answer(exchange)
      if (answered instanceof Promise) answered.catch((thrown: unknown) => fail(exchange, thrown))
    } catch (thrown) {
      fail(exchange, thrown)
    }
  }

  /** Refuses a request before it is looked at. Never throws. */
  refuse(request: IncomingMessage, response: ServerResponse, error: StreamstackError): void {
    fail(new Exchange(this.#server, request, response, null), error)
  }

  #answer(exchange: Exchange): void | Promise<void> {
    const { engine, path, method, response } = exchange
    const strictTransport = engine.gate.strictTransport(exchange.place)
    if (strictTransport !== null) response.setHeader('Strict-Transport-Security', strictTransport)
    const cors = corsOf(exchange)
    exchange.corsHeaders = cors.headers
    if (cors.isPreflight) {
      engine.gate.admitHost(exchange.place)
      response.writeHead(204, cors.headers)
      response.end()
      return
    }
    const own = this.#table.find(path)
    if (own?.path.byMethod.get(method)?.operation.fromAnyHost !== true) {
      engine.gate.admit(exchange.place, exchange.upgrade !== null || !SAFE_METHODS.has(method))
    }
    if (own !== null && path !== ROOT) return this.#answerOwn(exchange, own)
    const endpoint = findEndpoint(engine, method, path)
    if (endpoint !== null) {
      exchange.parameters = endpoint.pathParameters
      return this.#answerEndpoint(exchange, endpoint)
    }
    const methods = methodsAt(engine, path)
    if (methods.length > 0) return refuseMethod(exchange, [...methods, 'OPTIONS'])
    if (own !== null) return this.#answerOwn(exchange, own)
    throw unknownPath(exchange)
  }

  #answerOwn(exchange: Exchange, { path, parameters }: FoundPath): void | Promise<void> {
    const route = path.byMethod.get(exchange.method)
    if (route === undefined) return refuseMethod(exchange, path.allowed, path.cure)
    if (exchange.engine.isDraining && route.whileStopping === 'refused') {
      noteRoute(exchange.response, route)
      answerStopping(exchange.request, exchange.response, exchange.corsHeaders)
      return
    }
    exchange.parameters = parameters
    noteRoute(exchange.response, route)
    if (!isAnsweredUnaudited(route)) exchange.engine.audit.checkWritable()
    const { operation } = route
    try {
      const caller = admit(exchange, route)
      if (caller instanceof Promise) {
        return caller
          .then((admitted) => enter(exchange, route, admitted))
          .catch((thrown: unknown) => {
            operation.onRefused?.(exchange, thrown)
            throw thrown
          })
          .then(() => operation.handle(exchange, this.#server))
      }
      enter(exchange, route, caller)
    } catch (thrown) {
      operation.onRefused?.(exchange, thrown)
      throw thrown
    }
    return operation.handle(exchange, this.#server)
  }

  #answerEndpoint(exchange: Exchange, { plan, isResume, format }: FoundEndpoint): void | Promise<void> {
    const { engine, request } = exchange
    noteEndpoint(exchange.response, plan.endpoint)
    const preparation = new CallPreparation(engine, plan)
    const call = (caller: Caller): void | Promise<void> => {
      exchange.caller = caller
      noteCaller(exchange.response, caller)
      preparation.admit(caller)
      addHeaders(exchange, preparation.limitHeaders)
      enterStream(exchange)
      if (isResume) return resumeChat({ exchange, plan, preparation })
      return callEndpoint({ exchange, plan, preparation }, format)
    }
    const refuse = (thrown: unknown): void => {
      addHeaders(exchange, preparation.limitHeaders)
      fail(exchange, preparation.refused(thrown), ignore)
    }
    try {
      engine.audit.checkWritable()
      const { authorization } = request.headers
      // An endpoint may have an input of that name.
      const hasOwn = plan.endpoint.inputs.some(({ name }) => name === 'ticket')
      const ticket = hasOwn || !preparation.asksForCaller ? null : exchange.takeTicket()
      const caller = preparation.asksForCaller
        ? engine.access.authenticate({ authorization, place: exchange.place, urlToken: null, ticket })
        : engine.access.withoutToken(exchange.place)
      if (caller instanceof Promise) return caller.then(call).catch(refuse)
      return call(caller)?.catch(refuse)
    } catch (thrown) {
      refuse(thrown)
    }
  }
}

function addHeaders(exchange: Exchange, headers: Readonly<Record<string, string>>): void {
  if (Object.keys(headers).length > 0) exchange.corsHeaders = { ...exchange.corsHeaders, ...headers }
}

/** Counts an answer that may stream, until it is over. */
function enterStream({ engine, response, caller }: Exchange): void {
  onAnswerOver(response, engine.openStreams.enter(caller, engine.settings.limits.openStreams))
}

/** Fields that decide who a request is for and who sends it. Node takes the first of several, and a proxy in front may take the last. */
const SINGLE_FIELDS: readonly string[] = ['host', 'origin', 'authorization']

/**
 * Refuses requests that name no host (RFC 9112 §3.2), and those that name two hosts or two callers: in a field that is repeated (RFC 9112 §3.2, RFC 9110 §5.3), in the URL beside Host, or in
 * `:authority` beside it (RFC 9113 §8.3.1).
 */
function checkFields({ rawHeaders, url = '/', headers, httpVersion }: IncomingMessage): void {
  if (httpVersion === '1.1' && headers.host === undefined) {
    throw new StreamstackError('header_invalid', 'The request has no Host.')
  }
  const [, authority = null] = url.startsWith('/') ? [] : (/^https?:\/\/([^/?#]*)/i.exec(url) ?? [])
  if (authority !== null && authority.toLowerCase() !== headers.host?.toLowerCase()) {
    throw new StreamstackError('header_invalid', 'The Host of the request is not that of its URL.')
  }
  const named = headers[':authority']?.toString()
  if (named !== undefined && headers.host !== undefined && named.toLowerCase() !== headers.host.toLowerCase()) {
    throw new StreamstackError('header_invalid', 'The Host of the request is not its `:authority`.')
  }
  const seen: string[] = []
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const field = rawHeaders[index] as string
    // Most fields of most requests are told apart by their length.
    const name = SINGLE_FIELDS.find(({ length }) => length === field.length)
    if (name === undefined || name !== field.toLowerCase()) continue
    if (seen.includes(name)) {
      throw new StreamstackError('header_invalid', `The request has more than one ${name} field.`)
    }
    seen.push(name)
  }
}

function admit(exchange: Exchange, { right, operation }: Route): Caller | Promise<Caller> {
  const { engine, request, search, place } = exchange
  const urlToken = search.includes('access_token') ? exchange.query.get('access_token') : null
  const ticket = operation.answers === 'stream' ? exchange.takeTicket() : null
  const onKnown = (caller: Caller): void => noteCaller(exchange.response, caller)
  return engine.access.admit({ authorization: request.headers.authorization, place, urlToken, ticket, onKnown }, right)
}

function enter(exchange: Exchange, { inputs, operation }: Route, caller: Caller): void {
  exchange.caller = caller
  noteCaller(exchange.response, caller)
  noteParameters(exchange.response, exchange.parameters)
  if (operation.answers === 'stream') enterStream(exchange)
  if (inputs.checker !== null) {
    exchange.inputs = inputs.checker.check({ path: exchange.parameters, query: exchange.query, body: {} })
  }
}

/** Health, pages without a right, and what an operator needs to see why the audit cannot be written. */
function isAnsweredUnaudited({ right, operation }: Route): boolean {
  if (right === 'guest') return true
  if (right === 'anyone') return operation.answers !== 'upgrade'
  return typeof right === 'object' && right.every((scope) => scope === 'system:read' || scope === 'audit:read')
}

/** OPTIONS is answered for every path that there is (RFC 9110 §9.3.7). */
function refuseMethod(exchange: Exchange, allowed: readonly string[], cure = ''): void {
  const { engine, method, response, corsHeaders: headers } = exchange
  const allow = allowed.join(', ')
  if (method === 'OPTIONS') {
    response.writeHead(204, { ...headers, Allow: allow })
    response.end()
    return
  }
  const error = new StreamstackError('method_not_allowed', `This path answers to ${allow}. ${cure}`.trim())
  engine.observation.pathUnknown(error.code, error.status)
  exchange.corsHeaders = { ...headers, Allow: allow }
  throw error
}

function unknownPath({ engine, path }: Exchange): StreamstackError {
  const error = isDecodable(path)
    ? new StreamstackError('endpoint_unknown', 'There is no such endpoint. GET / lists the endpoints.')
    : DurableStreams.owns(path)
      ? new StreamstackError('stream_unknown', 'No stream can have this name: its percent escapes are not UTF-8.')
      : new StreamstackError('header_invalid', 'The path cannot be decoded: its percent escapes are not UTF-8.')
  engine.observation.pathUnknown(error.code, error.status)
  return error
}

function isDecodable(path: string): boolean {
  try {
    decodeURI(path)
    return true
  } catch {
    return false
  }
}

function fail(exchange: Exchange, thrown: unknown, onError = logged(exchange)): void {
  const { engine, request, response, corsHeaders: headers } = exchange
  const { isDraining: isStopping, hidesDetails } = engine
  answerError({ request, response, corsHeaders: headers, isStopping, hidesDetails, onError }, thrown)
}

function logged({ engine }: Exchange): (error: unknown) => void {
  return (error) => engine.log.error({ err: error }, 'a request could not be answered')
}

function ignore(): void {}

function corsOf({ engine, request, method }: Exchange): { headers: Record<string, string>; isPreflight: boolean } {
  const { headers } = request
  const { cors } = engine.settings.server
  if (headers.origin === undefined || cors.origins.length === 0) return { headers: {}, isPreflight: false }
  const asked = {
    origin: headers.origin,
    method,
    requestMethod: headers['access-control-request-method'],
    requestHeaders: headers['access-control-request-headers'],
    privateNetwork: headers['access-control-request-private-network'] as string | undefined,
  }
  return { headers: corsHeaders(cors, asked) ?? {}, isPreflight: isPreflight(asked) }
}
