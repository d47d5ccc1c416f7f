import type { ChannelStream, RunStream, StreamFormat } from '@streamstack/client'
import { type HttpClient, createHttpClient } from '@streamstack/client/http.js'
import {
  type OpenSource,
  type Source,
  type SourceSink,
  type SourceStatus,
  type TokenProvider,
  statusAtEnd,
  statusOf,
} from './source.ts'

/** Reads an endpoint call or a stream of a Streamstack server with the SDK, which reconnects, resumes and falls back. */
export function openOwnSource(source: Source, sink: SourceSink, client: ClientMaker = createHttpClient): OpenSource {
  const { token, body, method, headers, after } = source
  const { server: url, path } = splitUrl(source.server, source.src || streamPath(source.stream))
  const { call, read } = client({ url, ...(token === null ? {} : { token }) })
  const format = source.format as StreamFormat
  const options = { format, kinds: 'all' as const, ...(Object.keys(headers).length > 0 ? { headers } : {}) }
  if (source.stream !== '') return follow(read(path, { ...options, after }), sink, false)
  const inputs = body !== null && typeof body === 'object' ? (body as Record<string, unknown>) : {}
  return follow(call(`${method.toUpperCase()} ${endpointPath(path, inputs)}`, inputs, options), sink, true)
}

type ClientMaker = (options: { url: string; token?: TokenProvider }) => HttpClient

/** Passes the items of a stream to a sink. */
export function follow(stream: RunStream | ChannelStream, sink: SourceSink, isOwnRun: boolean): OpenSource {
  let isLeft = false
  const tell = (status: SourceStatus): void => {
    if (!isLeft) sink.status(status)
  }
  queueMicrotask(() => {
    if (stream.status === 'connecting') tell(statusOf('connecting'))
  })
  stream.on('status', ({ status, cause, waitMs }) => {
    if (status === 'open') tell(statusOf('streaming'))
    else if (status !== 'ended') tell(breakStatus(waitMs, cause?.message ?? null))
  })
  stream.on('chunk', (chunk) => {
    if (isLeft) return
    sink.item(chunk)
  })
  stream.on('end', (result) => {
    if (isLeft) return
    tell(statusAtEnd(result))
    sink.end(result)
  })
  return {
    get progress() {
      return stream.progress
    },
    get url() {
      return 'url' in stream ? stream.url : null
    },
    get offset() {
      return stream.offset
    },
    cancel() {
      // A stream that is no run has nothing to end but this reading.
      if (isOwnRun && 'cancel' in stream) stream.cancel().catch(() => stream.leave())
      else stream.leave()
    },
    leave() {
      isLeft = true
      stream.leave()
    },
  }
}

/** A break in words: offline when the browser says so, else a countdown. */
export function breakStatus(waitMs: number, message: string | null): SourceStatus {
  if (navigator.onLine) return statusOf('reconnecting', { waitMs, message, recoverable: true })
  return statusOf('offline', { message, recoverable: true })
}

/** `system/metrics` and `runs/<id>` are short for what stands under `/v1/stream/`. */
export function streamPath(stream: string): string {
  return /^(?:\/|https?:)/.test(stream) ? stream : `/v1/stream/${stream}`
}

/** A whole URL names its own server. Throws for `//host`, which would be another server to a browser whatever `server` says. */
export function splitUrl(server: string, url: string): { server: string; path: string } {
  if (/^\s*[/\\]{2}/.test(url)) throw new Error(`"${url}" names no server. Write https:// before it, or one slash.`)
  const base = server.replace(/\/+$/, '')
  if (base !== '' && url.startsWith(`${base}/`)) return { server: base, path: url.slice(base.length) }
  const [, origin, path] = /^(https?:\/\/[^/?#]+)(.*)$/.exec(url) ?? []
  if (origin !== undefined) return { server: origin, path: path === '' ? '/' : (path ?? '/') }
  return { server: base, path: url.startsWith('/') ? url : `/${url}` }
}

/** The SDK fills `:name` and `{name}` from the inputs; what no input names is part of the path. */
function endpointPath(path: string, inputs: Readonly<Record<string, unknown>>): string {
  const isInput = (name: string): boolean => Object.hasOwn(inputs, name)
  return path.replace(/:(\w+)/g, (text, name: string) => (isInput(name) ? text : `%3A${name}`))
}
