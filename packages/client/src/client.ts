import type { ChunkKind } from '@streamstack/protocol'
import type { Channel } from './channel.ts'
import type { CallArguments, ContentOf, MetadataOf } from './endpoint-types.ts'
import type { RetryOptions } from './retry.ts'
import type { RunStream } from './run-stream.ts'
import type { TokenSource } from './transport.ts'
import type { StreamFormat } from './wire.ts'

export interface ClientOptions {
  /** Where the server is: `https://api.example.com`, with the path that a proxy puts before its own; '' for the page's own server. */
  url: string
  /** The caller's token, or a function that gives a fresh one. It is sent to this server only. */
  token?: TokenSource
  /**
   * What the WebSocket is opened with: the token, in a subprotocol that the server does not repeat, or a single-use ticket in its URL, for proxies that log the
   * headers of handshakes. Default: `token`.
   */
  socketCredential?: 'token' | 'ticket'
  /** What sends the requests. Default: the global `fetch`. */
  fetch?: typeof fetch
  /**
   * `http`: everything goes over HTTP. `websocket`: everything goes over one WebSocket, as far as these get through. Default: channels over the WebSocket, calls
   * and reads over HTTP.
   */
  transport?: 'http' | 'websocket'
  /** How often and when a connection that broke is tried again. */
  retry?: RetryOptions
  /** After so many milliseconds of silence a connection counts as dead; servers give a sign of life every 15 s. 0: never. Default: 45000. */
  silenceMsMax?: number
}

export interface ReadOptions {
  /** What travels; the chunks are the same, but for `text`. Default: `ndjson`. */
  format?: StreamFormat
  /**
   * The kinds of chunks that are handed out, as `['text', 'reasoning']`, or `all`; each says in `kind` what it is. Default: the content of the answer, `text` and
   * `json`.
   */
  kinds?: readonly ChunkKind[] | 'all'
  /** Sent along; always over HTTP, since a WebSocket has no place for them. */
  headers?: Readonly<Record<string, string>>
  /** Ends reading; the run goes on. */
  signal?: AbortSignal
}

export interface CallOptions extends ReadOptions {
  /** What the server knows this call by when it comes again. Default: a fresh one. Give your own to come back to the run after a reload. */
  idempotencyKey?: string
}

export interface StreamOptions extends ReadOptions {
  /** Offset of the last chunk that was taken before; `now`: only what comes from now on. Default, and null: from the start. */
  after?: number | 'now' | null
}

/** Calls the endpoints of one server. */
export interface Client<Endpoints> {
  /**
   * Calls an endpoint, at once: `client.call('POST /api/chat', { message: 'Hi' })`. Its chunks wait until they are taken. Throws `call_invalid` when the call cannot be
   * written; everything else that goes wrong, the stream tells.
   */
  call<Name extends keyof Endpoints & string>(
    endpoint: Name,
    ...rest: CallArguments<Endpoints[Name], CallOptions>
  ): RunStream<ContentOf<Endpoints[Name]>, MetadataOf<Endpoints[Name]>>
  /**
   * Reads a stream by its URL: a run that goes on, or is over and still kept (`stream.url`), or one of the server's own, as `/v1/stream/system/metrics`. Throws
   * `call_invalid` for another server's.
   */
  read<Content = unknown, Metadata = Record<string, unknown>>(
    url: string,
    options?: StreamOptions,
  ): RunStream<Content, Metadata>
  /**
   * Makes a URL that opens a stream once, within 30 seconds, without the token: `new EventSource(await client.ticketUrl('/v1/channels/news'))`. Rejects with the
   * error of the server, and with `call_invalid` for another server's URL.
   */
  ticketUrl(url: string): Promise<string>
  /** A channel by its name, as `rooms/7`. Nothing is asked before it is used. */
  channel<Content = unknown, Metadata = Record<string, unknown>>(name: string): Channel<Content, Metadata>
  /**
   * Ends everything that is read, over HTTP and the WebSocket, as `stream.close()` does: loops end, and runs without another reader are cancelled. Without this the
   * WebSocket closes itself when nothing has used it for some seconds.
   */
  close(): void
}
