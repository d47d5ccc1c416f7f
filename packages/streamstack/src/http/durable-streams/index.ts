import { StreamstackError } from '@streamstack/protocol'
import type { Engine } from '../../engine/index.ts'
import { after } from '../../storage/index.ts'
import { endWithToken } from '../reader/end-with-token.ts'
import type { Exchange } from '../exchange.ts'
import type { Heartbeat } from '../reader/heartbeat.ts'
import { type NamedReading, readNamed } from './named-reading.ts'
import { forkOrigin } from './create-stream.ts'
import { readStream } from './read-stream.ts'
import { type StreamCall, type StreamService, settle } from './stream-call.ts'
import { RESERVED_ROOT, STREAM_ROOT, streamName } from './stream-name.ts'
import { type Subscriptions, openSubscriptions } from './subscriptions.ts'

export { type NamedReading, readNamed } from './named-reading.ts'
export { type ContentEncoding, contentEncoding, pageContent, restAt } from './page-content.ts'
export { nameAt } from './stream-name.ts'
export { isProtocolRead, readSource } from './read-source.ts'

/** Runs have their own readers, with formats, and a right of their own: the caller that started one. */
const RUNS_ROOT = `${STREAM_ROOT}runs/`

/** The server's own streams, and those of channels, with other rights. */
const OTHER_ROOTS: readonly string[] = [RUNS_ROOT, `${STREAM_ROOT}system/`, `${STREAM_ROOT}channels/`]

/** The open Durable Streams protocol over HTTP (github.com/durable-streams/durable-streams, PROTOCOL.md), under `/v1/stream/`. */
export class DurableStreams {
  readonly #engine: Engine
  readonly #heartbeat: Heartbeat
  #service: StreamService | null = null
  #subscriptions: Subscriptions | Promise<Subscriptions> | null = null

  constructor(engine: Engine, heartbeat: Heartbeat) {
    this.#engine = engine
    this.#heartbeat = heartbeat
    // Subscriptions of an earlier run of the server go on.
    if (engine.hasKeptStreams) this.#service = this.#open()
  }

  /** Whether a path leads to a stream by name. */
  static owns(path: string): boolean {
    return path.startsWith(STREAM_ROOT) && !OTHER_ROOTS.some((root) => path.startsWith(root))
  }

  /** Does something with the stream that a path names. */
  act(exchange: Exchange, act: (call: StreamCall) => void | Promise<void>): void {
    const call = this.call(exchange)
    settle(
      call,
      () => {
        const name = streamName(exchange.path)
        if (name.startsWith(RESERVED_ROOT) || !DurableStreams.owns(STREAM_ROOT + name)) throw notHere()
        this.#permit(exchange, name)
        return act({ ...call, name })
      },
      () => undefined,
    )
  }

  /** A fork shows what its origin holds, so it is read as well. */
  #permit({ engine, method, caller, request }: Exchange, name: string): void {
    engine.access.permitStream(caller, method === 'GET' || method === 'HEAD' ? 'read' : 'write', name)
    const origin = forkOrigin(request)
    if (origin !== null) engine.access.permitStream(caller, 'read', origin.from)
  }

  /** A reader that waits for what comes does so as long as its caller's token is accepted. */
  read(exchange: Exchange): void {
    const { engine, response, query, caller } = exchange
    const open = (name: string): NamedReading | Promise<NamedReading> =>
      after(readNamed(engine, name, caller), (stream) => {
        if (query.has('live')) endWithToken({ engine, response, source: stream, caller })
        return stream
      })
    this.act(exchange, (call) => readStream(call, () => open(call.name)))
  }

  /** A request in the words of this protocol. Opens the store when it is needed first: throws `storage_failed`. */
  call({ request, response, path, search, caller, place, corsHeaders }: Exchange): StreamCall {
    const service = (this.#service ??= this.#open())
    return { service, request, response, name: '', path, search, caller, place, corsHeaders }
  }

  /** The protocol's subscriptions. A promise while they are read from the store. */
  get subscriptions(): Subscriptions | Promise<Subscriptions> {
    this.#service ??= this.#open()
    return this.#subscriptions as Subscriptions | Promise<Subscriptions>
  }

  async close(): Promise<void> {
    const subscriptions = await this.#subscriptions
    await subscriptions?.close()
  }

  #open(): StreamService {
    const engine = this.#engine
    const service: StreamService = {
      store: engine.streams,
      heartbeat: this.#heartbeat,
      get bodyLimitBytes() {
        return engine.settings.server.bodyLimitBytes
      },
      get longPollTimeoutMs() {
        return engine.settings.streams.longPollTimeoutMs
      },
      get hidesDetails() {
        return engine.hidesDetails
      },
      onError: (error) => engine.log.error({ err: error }, 'a stream could not be served'),
      waitingBodies: new Map(),
    }
    this.#subscriptions = openSubscriptions(engine, service)
    return service
  }
}

function notHere(): StreamstackError {
  return new StreamstackError('stream_unknown', 'No stream can have this name: it belongs to the server.')
}
