import { callRequest } from './call-request.ts'
import type { CallArguments, ContentOf, MetadataOf, UntypedEndpoints } from './endpoint-types.ts'
import type { RetryOptions } from './retry.ts'
import { RunStream } from './run-stream.ts'
import { type TokenSource, Transport } from './transport.ts'
import type { StreamFormat } from './wire.ts'

export interface ClientOptions {
  /** Where the server is: `https://api.example.com`, with the path that a proxy puts before its own; '' for the page's own server. */
  url: string
  /** The caller's token, or a function that gives a fresh one. It is sent to this server only. */
  token?: TokenSource
  /** Instead of the global `fetch`. */
  fetch?: typeof fetch
  retry?: RetryOptions
  /** After so much silence a connection counts as dead; servers give a sign of life every 15 s. 0: never. Default: 45000. */
  silenceMsMax?: number
}

export interface ReadOptions {
  /** Default: `ndjson`. */
  format?: StreamFormat
  headers?: Readonly<Record<string, string>>
  /** Ends reading; the run goes on. */
  signal?: AbortSignal
}

export interface CallOptions extends ReadOptions {
  /** What the server knows this call by when it comes again. Default: a fresh one. Give your own to come back to the run after a reload. */
  idempotencyKey?: string
}

export interface ResumeOptions extends ReadOptions {
  /** Offset of the last chunk that was read. Default: from the start. */
  after?: number | null
}

/** Calls the endpoints of one server. */
export interface Client<Endpoints> {
  /**
   * Calls an endpoint, at once: `client.call('POST /api/chat', { message: 'Hi' })`. Throws `call_invalid` when the call cannot be
   * written; everything else that goes wrong, the stream tells.
   */
  call<Name extends keyof Endpoints & string>(
    endpoint: Name,
    ...rest: CallArguments<Endpoints[Name], CallOptions>
  ): RunStream<ContentOf<Endpoints[Name]>, MetadataOf<Endpoints[Name]>>
  /** Reads a run that goes on, or is over and still kept, by its `Stream-Url` (`stream.url`). Throws `call_invalid` for another server's. */
  resume<Content = unknown, Metadata = Record<string, unknown>>(
    url: string,
    options?: ResumeOptions,
  ): RunStream<Content, Metadata>
}

/**
 * Makes a client. With the types that `streamstack types` writes, endpoints and inputs are checked: `createClient<Endpoints>({ url })`.
 *
 * @example
 * const client = createClient({ url: 'https://api.example.com', token: () => session.token })
 * for await (const { content } of client.call('POST /api/chat', { message: 'Hi' })) show(content)
 */
export function createClient<Endpoints = UntypedEndpoints>(options: ClientOptions): Client<Endpoints> {
  const transport = new Transport(options)
  const shared = {
    transport,
    retry: { attempts: 5, delayMs: 1_000, delayMsMax: 30_000, ...options.retry },
    silenceMsMax: options.silenceMsMax ?? 45_000,
  }
  return {
    call(endpoint: string, ...rest: readonly unknown[]) {
      const [inputs = {}, callOptions = {}] = rest as [Record<string, unknown>?, CallOptions?]
      const { format = 'ndjson', signal, headers = {}, idempotencyKey } = callOptions
      const call = callRequest(endpoint, inputs, idempotencyKey ?? randomKey())
      return new RunStream({ ...shared, headers, call, path: null, after: 0, format }, signal)
    },
    resume(url, { format = 'ndjson', signal, headers = {}, after } = {}) {
      const path = transport.pathOf(url)
      return new RunStream({ ...shared, headers, call: null, path, after: after ?? 0, format }, signal)
    },
  }
}

/** 128 random bits. `crypto.randomUUID` is missing on pages that came without TLS. */
function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
