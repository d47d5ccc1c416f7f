import type { IncomingMessage, ServerResponse } from 'node:http'
import { StreamstackError, toStreamstackError } from '@streamstack/protocol'
import type { PresentedToken } from '../../access/index.ts'
import type { Engine } from '../../engine/index.ts'
import { answerProblem } from '../answer-problem.ts'
import { endWithToken } from '../end-with-token.ts'
import type { Heartbeat } from '../heartbeat.ts'
import { type StreamRight, allowCall, allowClaims } from './access.ts'
import { appendToStream } from './append-to-stream.ts'
import { createStream } from './create-stream.ts'
import { GuardedStore } from './guarded-store.ts'
import { answerHead, readStream } from './read-stream.ts'
import { type StreamCall, type StreamService, answer, settle } from './stream-call.ts'
import { RESERVED_ROOT, STREAM_ROOT, streamName } from './stream-name.ts'
import { Subscriptions } from './subscription-routes.ts'

export { allowCall, allowClaims, checkOpenHost, isLoopback } from './access.ts'
export { NamedStream } from './named-stream.ts'
export { type ContentEncoding, contentEncoding, pageContent, restOf } from './page-content.ts'
export { isProtocolRead, readSource } from './read-source.ts'

/** Runs have their own readers, with formats, and their own right: whoever started one. */
const RUNS_ROOT = `${STREAM_ROOT}runs/`

/** The server's own streams, and those of channels, with other rights. */
const OTHER_ROOTS: readonly string[] = [RUNS_ROOT, `${STREAM_ROOT}system/`, `${STREAM_ROOT}channels/`]

const METHODS = 'GET, HEAD, POST, PUT, DELETE, OPTIONS'
const REQUEST_HEADERS =
  'Authorization, Content-Type, If-None-Match, Stream-TTL, Stream-Expires-At, Stream-Seq, Stream-Closed, Stream-Forked-From, Stream-Fork-Offset, Stream-Fork-Sub-Offset, Producer-Id, Producer-Epoch, Producer-Seq'

interface StreamMethod {
  readonly right: StreamRight
  readonly act: (call: StreamCall) => void
}

const methods: Readonly<Record<string, StreamMethod>> = {
  GET: { right: 'streams:read', act: readStream },
  HEAD: { right: 'streams:read', act: answerHead },
  POST: { right: 'streams:write', act: appendToStream },
  PUT: { right: 'streams:write', act: createStream },
  DELETE: { right: 'streams:write', act: deleteStream },
}

/** The open Durable Streams protocol over HTTP (github.com/durable-streams/durable-streams, PROTOCOL.md), under `/v1/stream/`. */
export class DurableStreams {
  readonly #engine: Engine
  readonly #heartbeat: Heartbeat
  /** Settings that are read again may close what was open, never the other way round: the host was checked at the start. */
  readonly #startedOpen: boolean
  #service: StreamService | null = null
  #subscriptions: Subscriptions | null = null

  constructor(engine: Engine, heartbeat: Heartbeat) {
    this.#engine = engine
    this.#heartbeat = heartbeat
    this.#startedOpen = engine.settings.streams.access === 'open'
    // Subscriptions of an earlier run of the server go on.
    if (engine.hasKeptStreams) this.#service = this.#open()
  }

  /** Whether a path is answered here. */
  static owns(path: string): boolean {
    return path.startsWith(STREAM_ROOT) && !OTHER_ROOTS.some((root) => path.startsWith(root))
  }

  handle(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    corsHeaders: Readonly<Record<string, string>>,
  ): void {
    let service: StreamService
    try {
      service = this.#service ??= this.#open()
    } catch (error) {
      answerProblem(response, toStreamstackError(error), corsHeaders)
      return
    }
    const search = (request.url ?? '').slice(path.length)
    const call: StreamCall = { service, request, response, name: '', path, search, corsHeaders }
    settle(
      call,
      () => this.#dispatch(call),
      () => undefined,
    )
  }

  async close(): Promise<void> {
    await this.#subscriptions?.close()
  }

  #dispatch(call: StreamCall): void | Promise<void> {
    const { request } = call
    if (request.method === 'OPTIONS') {
      // Which origins may call is `server.cors`' to say; this is what they may ask for.
      answer(call, 204, {
        Allow: METHODS,
        'Access-Control-Allow-Methods': METHODS,
        'Access-Control-Allow-Headers': REQUEST_HEADERS,
      })
      return
    }
    const name = streamName(call.path)
    if (name.startsWith(RESERVED_ROOT)) {
      return (this.#subscriptions as Subscriptions).handle(call, name.slice(RESERVED_ROOT.length))
    }
    const method = methods[request.method ?? '']
    if (method === undefined) throw new StreamstackError('method_not_allowed', `A stream answers to ${METHODS}.`)
    const allowed = this.#allow(request, method.right)
    if (allowed === undefined) method.act({ ...call, name })
    else
      return allowed.then((token) =>
        request.method === 'GET' ? this.#read(call, name, token) : method.act({ ...call, name }),
      )
  }

  /** Whoever waits for what comes does so as long as the token is taken. */
  #read(call: StreamCall, name: string, token: PresentedToken): void {
    const { service, request, response, search } = call
    if (!search.includes('live=')) return readStream({ ...call, name })
    const store = new GuardedStore(service.store, (claims) =>
      allowClaims(this.#engine, request, claims, 'streams:read', this.#startedOpen),
    )
    endWithToken({ engine: this.#engine, response, source: store, token })
    readStream({ ...call, service: { ...service, store }, name })
  }

  #allow(request: IncomingMessage, right: StreamRight): void | Promise<PresentedToken> {
    return allowCall(this.#engine, request, right, this.#startedOpen)
  }

  #open(): StreamService {
    const { settings, log } = this.#engine
    const service: StreamService = {
      store: this.#engine.streams,
      heartbeat: this.#heartbeat,
      bodyLimitBytes: settings.server.bodyLimitBytes,
      longPollTimeoutMs: settings.streams.longPollTimeoutMs,
      scheme: settings.server.tls === null ? 'http' : 'https',
      onError: (error) => log.error({ err: error }, 'a stream could not be served'),
    }
    this.#subscriptions = new Subscriptions(this.#engine, service, (request, right) => this.#allow(request, right))
    return service
  }
}

function deleteStream(call: StreamCall): void {
  settle(
    call,
    () => call.service.store.delete(call.name),
    () => answer(call, 204, {}),
  )
}
