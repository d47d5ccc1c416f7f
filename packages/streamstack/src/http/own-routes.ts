import type { IncomingMessage, ServerResponse } from 'node:http'
import fastify, { type FastifyReply, type FastifyRequest, type HTTPMethods } from 'fastify'
import { StreamstackError, toStreamstackError } from '@streamstack/protocol'
import { isForAnybody } from '../channel/index.ts'
import type { Engine } from '../engine/index.ts'
import { answerProblem } from './answer-problem.ts'
import {
  CHANNELS_ROOT,
  CHANNEL_STREAMS_ROOT,
  PRESENCE_ROOT,
  publishToChannel,
  readChannel,
  readChannelByProtocol,
  readPresence,
} from './channel-routes.ts'
import type { Heartbeat } from './heartbeat.ts'
import type { OwnCall } from './own-call.ts'
import { addProbeRoutes } from './probe-route.ts'
import { cancelKeyedRun, cancelRun, listRuns, readRun, showRun } from './run-routes.ts'
import { answerReadiness, systemRoutes } from './system-routes.ts'

const OTHER_METHODS: readonly HTTPMethods[] = ['PUT', 'PATCH', 'DELETE', 'OPTIONS']

type Route = (call: OwnCall) => Promise<void>

/** The server's own API on one screen. Endpoints of the workspace are not here: they come and go while it runs. */
export function ownRoutes(
  engine: Engine,
  heartbeat: Heartbeat,
): (request: IncomingMessage, response: ServerResponse) => void {
  const app = fastify({
    logger: false,
    // What is wrong before any route is found, such as %ff in a path.
    frameworkErrors: (thrown, _request, reply) => {
      reply.hijack()
      answerProblem(reply.raw, asStreamstackError(engine, thrown), {})
    },
  })
  const run = (route: Route) => (request: FastifyRequest, reply: FastifyReply) => {
    reply.hijack()
    const call: OwnCall = {
      engine,
      heartbeat,
      id: (request.params as { id?: string }).id ?? '',
      request: request.raw,
      response: reply.raw,
      query: new URLSearchParams(request.url.split('?')[1] ?? ''),
      // The server put them on the answer already.
      corsHeaders: {},
    }
    route(call).catch((thrown: unknown) => {
      const error = toStreamstackError(thrown)
      if (error.code === 'internal') engine.log.error({ err: error.cause }, 'a request could not be answered')
      // Too late for a status: a break is no end that anybody takes for one.
      if (reply.raw.headersSent || reply.raw.destroyed) reply.raw.destroy()
      else answerProblem(reply.raw, error, {})
    })
  }

  const system = systemRoutes(engine)
  const startedOpen = engine.settings.streams.access === 'open'

  app.get('/', () => listing(engine))
  app.get('/healthz', () => ({ status: 'ok' }))
  app.get('/readyz', (_request, reply) => answerReadiness(engine, reply))
  app.get('/metrics', run(system.scrape))
  app.get('/v1/stream/system/metrics', run(system.metrics))
  app.get('/v1/stream/system/activity', run(system.activity))
  app.get('/v1/stream/runs/:id', run(readRun))
  app.get(
    '/v1/runs',
    run((call) => listRuns(call, startedOpen)),
  )
  app.get('/v1/runs/:id', run(showRun))
  app.post('/v1/runs/:id/cancel', run(cancelRun))
  app.post('/v1/runs/cancel', run(cancelKeyedRun))
  void app.register((channels, _options, registered) => {
    // Who may not publish is refused before the body is read.
    channels.removeAllContentTypeParsers()
    channels.addContentTypeParser('*', (_request, _payload, parsed) => parsed(null))
    // A HEAD would become a reader.
    channels.get(`${CHANNELS_ROOT}*`, { exposeHeadRoute: false }, run(readChannel))
    channels.post(`${CHANNELS_ROOT}*`, run(publishToChannel))
    channels.get(`${CHANNEL_STREAMS_ROOT}*`, run(readChannelByProtocol))
    channels.get(`${PRESENCE_ROOT}*`, { exposeHeadRoute: false }, run(readPresence))
    const refused = (root: string, methods: HTTPMethods[], allowed: string, cure: string): void => {
      channels.route({ url: `${root}*`, method: methods, handler: refuseMethod(engine, allowed, cure) })
    }
    const publish = `Publish with POST to ${CHANNELS_ROOT}<name>`
    refused(CHANNELS_ROOT, ['HEAD', ...OTHER_METHODS], 'GET, POST', `${publish}, read with GET.`)
    refused(CHANNEL_STREAMS_ROOT, ['POST', ...OTHER_METHODS], 'GET, HEAD', `${publish}; here a channel is read.`)
    const presence = `Be seen with GET ${CHANNELS_ROOT}<name>?presence=true; here it is read who is there.`
    refused(PRESENCE_ROOT, ['HEAD', 'POST', ...OTHER_METHODS], 'GET', presence)
    const runs = 'Only its endpoint writes the stream of a run. POST /v1/runs/<id>/cancel ends it.'
    refused('/v1/stream/runs/', ['POST', ...OTHER_METHODS], 'GET, HEAD', runs)
    registered()
  })
  app.get('/v1/ws', ({ raw }, reply) => {
    reply.hijack()
    // HTTP/2 has no such header (RFC 9113 §8.2.2).
    answerProblem(reply.raw, handshakeMissing(), raw.httpVersionMajor === 1 ? { Upgrade: 'websocket' } : {})
  })
  addProbeRoutes(app, engine, heartbeat)

  app.setNotFoundHandler((_request, reply) => {
    reply.hijack()
    const error = new StreamstackError('endpoint_unknown', 'There is no such endpoint. / lists those that there are.')
    engine.observation.pathUnknown(error.code, error.status)
    answerProblem(reply.raw, error, {})
  })
  app.setErrorHandler((thrown, _request, reply) => {
    reply.hijack()
    answerProblem(reply.raw, asStreamstackError(engine, thrown), {})
  })
  const ready = app.ready()
  return (request, response) => {
    void ready.then(() => app.routing(request, response))
  }
}

function refuseMethod(engine: Engine, allowed: string, cure: string) {
  return (_request: FastifyRequest, reply: FastifyReply): void => {
    reply.hijack()
    const error = new StreamstackError('method_not_allowed', `This path answers to ${allowed}. ${cure}`)
    engine.observation.pathUnknown(error.code, error.status)
    answerProblem(reply.raw, error, { Allow: allowed })
  }
}

/** Handshakes do not come here: the server takes them before. */
function handshakeMissing(): StreamstackError {
  return new StreamstackError(
    'header_invalid',
    'Here a WebSocket is opened: over HTTP/1.1, with Upgrade: websocket. A proxy in between must pass that on.',
    { status: 426 },
  )
}

function listing(engine: Engine): object {
  return {
    name: engine.settings.name ?? 'Streamstack',
    endpoints: [...engine.workspace.plans.values()].map(({ endpoint }) => ({
      method: endpoint.method,
      path: endpoint.path,
      description: endpoint.description,
      authentication: endpoint.access.authentication,
    })),
    // Those that want a token are not told of to whoever has none.
    channels: engine.workspace.channels.channels
      .filter(({ subscribe }) => isForAnybody(subscribe))
      .map(({ pattern, description }) => ({ name: pattern.text, description })),
  }
}

/** What Fastify itself refuses (a malformed URL, a body it cannot read) is the caller's fault, and says so. */
function asStreamstackError(engine: Engine, thrown: unknown): StreamstackError {
  const status = (thrown as { statusCode?: number }).statusCode
  if (status !== undefined && status < 500) {
    return new StreamstackError('body_unreadable', 'The request cannot be read.', { status, cause: thrown })
  }
  const error = toStreamstackError(thrown)
  engine.log.error({ err: error.cause }, 'a request could not be answered')
  return error
}
