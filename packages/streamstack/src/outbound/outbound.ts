import { StreamstackError } from '@streamstack/protocol'
import type { Value } from '@streamstack/protocol'
import { Agent, Pool } from 'undici'
import { AllowList } from './allow-list.ts'
import type { ByteSource } from './byte-source.ts'
import { collectBytes, collectExcerpt, decodeBody } from './collect-answer.ts'
import type { DecodedBody } from './collect-answer.ts'
import { ACCEPTED_CODINGS } from '../coding/index.ts'
import { statusFailure } from './failure.ts'
import { checkUrl, guardedConnector, lookupAll } from './guard.ts'
import type { Lookup } from './guard.ts'
import { type EndMark, EndMarks } from './end-marks.ts'
import type { ItemDecoder, ItemDecoderOptions } from './item-decoder.ts'
import { acceptFor, itemDecoderFor, tellsOutcome } from './item-format.ts'
import type { ItemFormat } from './item-format.ts'
import { ItemReader } from './item-source.ts'
import type { ItemSource } from './item-source.ts'
import { openUpstream, REDIRECTS_MAX } from './open-upstream.ts'
import type { OpenedUpstream } from './open-upstream.ts'
import { OwnServer } from './own-server.ts'
import { prepareRequest } from './prepare-request.ts'
import type { OutboundRequest, PreparedRequest } from './prepare-request.ts'
import { Rewrites } from './rewrite.ts'
import { credentialsIn, upstreamText } from './upstream-text.ts'
import { type TimeLimits, timeLimits } from './time-limits.ts'

/** Limits that are not given have the defaults of `TIME_LIMITS`. */
export interface OutboundSettings extends Partial<TimeLimits> {
  /**
   * What may be reached beyond the public internet: hosts, addresses and networks, each with or without a port, as
   * `internal.example:443`, `[::1]:80`, `10.0.0.0/8`. See `allowEntryProblem`. The entry `self` opens `ownUrl`.
   */
  allow: readonly string[]
  /**
   * Where this server listens, as `http://127.0.0.1:8080`: with `self` among `allow`, a URL that is only a path, as
   * `/api/monitoring`, leads there. Null or absent: nowhere.
   */
  ownUrl?: string | null
  /** Most connections to one host at once; further requests wait for one. Default 500. */
  hostConnectionsMax?: number
  /** Where requests for an origin go instead: origin → origin, `self`, or a path of this server. See `rewriteProblem`. */
  rewrite?: Readonly<Record<string, string>>
  /** Most bytes of a whole answer, after decompression. Default 16 MiB. */
  maxBytes?: number
  /** Longest single item of a stream, in UTF-16 code units. Default 8 Mi. */
  itemCharactersMax?: number
  /** Finds the addresses of a host name. Default: the operating system's resolver. */
  lookup?: Lookup
  /** Called with each answer of another server, before its body is read. */
  onAnswer?: (answer: ObservedAnswer) => void
}

/** An answer as an observer sees it. */
export interface ObservedAnswer {
  /** Of the URL in the definition, before rewriting and redirects. */
  readonly origin: string
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** Set its `observer` to see the bytes that the run reads. */
  readonly body: ByteSource
}

/** A whole answer. */
export interface OutboundAnswer {
  status: number
  /** Names in lower case; a header that came several times is joined by `, `. */
  headers: Record<string, string>
  /** Parsed JSON when the Content-Type says JSON, else text; null when there is no body. */
  body: Value
  /** `base64` when the bytes are no text. */
  encoding: DecodedBody['encoding']
  /** Where the answer came from, after redirects. May hold secrets in its query: not for logs. */
  url: string
}

/** How the end of a streamed answer is told, and what is no item of it. */
export interface ItemEnds {
  /** Marks of which one must come, or the answer is incomplete. Default: its end is enough. */
  until?: readonly EndMark[]
  /** Whether error frames and items that are not valid JSON are items like others. Default: they are failures. */
  passesBadItems?: boolean
}

/** The one way out: every request of every step goes through here. */
export interface Outbound {
  /**
   * Sends a request and reads the whole answer. Rejects with `upstream_refused`, `upstream_failed`, `upstream_timeout`,
   * `upstream_too_large`, `upstream_status` (details: `upstream_status`), `step_failed` for a request that cannot be
   * sent, or the reason of the signal.
   */
  request(request: OutboundRequest): Promise<OutboundAnswer>
  /**
   * Sends a request and gives the answer's items as they come, cut by a format or by a decoder that is made when the answer begins. Rejects
   * as `request` does.
   */
  stream(
    request: OutboundRequest,
    items: ItemFormat | ((options: ItemDecoderOptions) => ItemDecoder),
    ends?: ItemEnds,
  ): Promise<ItemSource>
  /** Breaks off what is under way and closes every connection; later calls reject with `unavailable`. */
  close(): Promise<void>
}

/** After this time an attempt to connect ends even if its request is gone; each request has a limit of its own. */
const CONNECT_TIMEOUT_MS_MAX = 120_000

/** Statuses that never have a body. */
const BODYLESS_STATUSES = new Set([204, 205, 304])

/** Makes the outward door. Throws an Error naming the entry and the cure when `allow` holds one that cannot be read. */
export function createOutbound(settings: OutboundSettings): Outbound {
  const { hostConnectionsMax = 500, lookup = lookupAll } = settings
  const { maxBytes: answerBytesMax = 16 * 1024 * 1024, itemCharactersMax = 8 * 1024 * 1024 } = settings
  const own = new OwnServer(settings.allow, settings.ownUrl ?? null)
  const rewrites = new Rewrites(settings.rewrite ?? {})
  const allowList = new AllowList(own.allow)
  // An agent of our own, never the global one: proxy variables of the environment do not reach it, and its
  // connections are all made, and so checked, by the connector of their origin.
  const agent = new Agent({
    allowH2: false,
    factory: (origin) =>
      new Pool(origin, {
        allowH2: false,
        connections: hostConnectionsMax,
        connect: guardedConnector({
          origin: new URL(origin),
          allowList,
          lookup,
          connectTimeoutMs: CONNECT_TIMEOUT_MS_MAX,
        }),
      }),
  })
  const check = (url: URL): void => checkUrl(url, allowList)

  /** Throws unless the status is a success, or the step takes any. */
  const open = async (request: OutboundRequest, prepared: PreparedRequest, isOwn: boolean): Promise<OpenedUpstream> => {
    const upstream = await openUpstream(prepared, {
      dispatcher: agent,
      check,
      limits: timeLimits(request, settings, request.patience ?? {}),
      redirects: request.redirects ?? REDIRECTS_MAX,
      signal: request.signal,
    })
    const { status, headers, body, url } = upstream
    if (!isOwn) settings.onAnswer?.({ origin: new URL(request.url).origin, status, headers, body })
    if (isSuccess(status) || request.acceptAnyStatus === true) return upstream
    const excerpt = await collectExcerpt(body)
    request.signal.throwIfAborted()
    const text = excerpt === '' ? undefined : upstreamText(excerpt, credentialsIn(request.headers ?? {}))
    throw statusFailure(url.host, status, headers, text)
  }

  return {
    async request(request) {
      const asked = rewrites.resolved(request)
      const resolved = own.resolved(asked)
      const prepared = prepareRequest(resolved, { accept: '*/*', 'accept-encoding': ACCEPTED_CODINGS })
      const { status, headers, body, url } = await open(request, prepared, resolved !== asked)
      const bytes = await collectBytes(body, request.maxBytes ?? answerBytesMax)
      const decoded: DecodedBody =
        prepared.method === 'HEAD' || BODYLESS_STATUSES.has(status)
          ? { body: null, encoding: 'text' }
          : await decodeBody(bytes, headers, url.host)
      return { status, headers, ...decoded, url: url.href }
    },

    async stream(request, items, { until, passesBadItems = false } = {}) {
      const asked = rewrites.resolved(request)
      const resolved = own.resolved(asked)
      // Compressing proxies hold small pieces back, so a stream is asked for uncompressed unless the step says else.
      const prepared = prepareRequest(resolved, {
        accept: typeof items === 'function' ? '*/*' : acceptFor(items),
        'accept-encoding': 'identity',
      })
      const { status, headers, body, url } = await open(request, prepared, resolved !== asked)
      const marks = until === undefined ? null : new EndMarks(until)
      const options = { host: url.host, itemCharactersMax, marks, passesBadItems }
      const isFormat = typeof items !== 'function'
      const decoder = isFormat ? itemDecoderFor(items, headers, options) : items(options)
      // This server always says how a stream ended, where the format can.
      const isOwn = isFormat && resolved !== asked && marks === null && tellsOutcome(items, headers)
      return new ItemReader({
        status,
        headers,
        body,
        decoder,
        marks: isOwn ? new EndMarks([]) : marks,
        bytesMax: request.maxBytes,
      })
    },

    async close() {
      await agent.destroy(new StreamstackError('unavailable', 'The server is stopping.'))
    },
  }
}

function isSuccess(status: number): boolean {
  return status >= 200 && status <= 299
}
