import { callRequest, randomKey } from './call-request.ts'
import type { CallOptions, Client, ClientOptions, ReadOptions } from './client.ts'
import type { UntypedEndpoints } from './endpoint-types.ts'
import type { LiveSocket } from './live-socket.ts'
import type { ReaderOptions } from './reader-options.ts'
import { RunStream } from './run-stream.ts'
import { Transport } from './transport.ts'

/** A client without channels and without WebSockets: what a page needs that only calls endpoints and reads streams. */
export type HttpClient<Endpoints = UntypedEndpoints> = Pick<Client<Endpoints>, 'call' | 'read' | 'ticketUrl' | 'close'>

/** Makes a client that leaves out the quarter of the code that WebSockets take; all else is as of `createClient`. */
export function createHttpClient<Endpoints = UntypedEndpoints>(
  options: Omit<ClientOptions, 'transport' | 'socketCredential'>,
): HttpClient<Endpoints> {
  return httpCalls(sharedOptions(options), null)
}

/** Timers count no further, 24.8 days: a longer one fires at once. */
const TIMER_MS_MAX = 2_147_483_647

type SharedOptions = Pick<ReaderOptions, 'transport' | 'retry' | 'silenceMsMax'> & {
  streams: NonNullable<ReaderOptions['streams']>
}

/** State that all readers of a client share. */
export function sharedOptions(options: ClientOptions): SharedOptions {
  return {
    streams: new Set(),
    transport: new Transport(options),
    retry: bounded({ attempts: 5, delayMs: 1_000, delayMsMax: 30_000, ...options.retry }),
    silenceMsMax: Math.min(options.silenceMsMax ?? 45_000, TIMER_MS_MAX),
  }
}

function bounded(retry: ReaderOptions['retry']): ReaderOptions['retry'] {
  return { ...retry, delayMsMax: Math.min(retry.delayMsMax, TIMER_MS_MAX) }
}

/** Calls and reads; over the WebSocket where there is one. */
export function httpCalls<Endpoints>(shared: SharedOptions, socket: LiveSocket | null): HttpClient<Endpoints> {
  type Subject = Pick<ReaderOptions, 'call' | 'path' | 'after' | 'order'>
  const open = <Content, Metadata>(subject: Subject, { format = 'ndjson', kinds, signal, headers }: ReadOptions) => {
    // Headers have no place in a message.
    const over = headers === undefined ? socket : null
    return new RunStream<Content, Metadata>(
      { ...shared, ...subject, socket: over, ask: null, headers, format, kinds },
      signal,
    )
  }
  return {
    call: ((endpoint: string, inputs: Record<string, unknown> = {}, callOptions: CallOptions = {}) => {
      const call = callRequest(endpoint, inputs, callOptions.idempotencyKey ?? randomKey())
      return open({ call, path: null, after: 0, order: 'next' }, callOptions)
    }) as HttpClient<Endpoints>['call'],
    read(url, readOptions = {}) {
      const path = shared.transport.pathOf(url)
      const order = path.startsWith('/v1/stream/runs/') ? 'next' : 'rising'
      return open({ call: null, path, after: readOptions.after ?? 0, order }, readOptions)
    },
    ticketUrl: async (url) => shared.transport.ticketUrl(shared.transport.pathOf(url)),
    close() {
      for (const stream of shared.streams) stream.close()
    },
  }
}
