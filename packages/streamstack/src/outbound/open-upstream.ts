import { StreamstackError } from '@streamstack/protocol'
import { type LongTimer, startLongTimer } from '../definition/index.ts'
import type { Dispatcher } from 'undici'
import { Exchange } from './exchange.ts'
import type { Upstream } from './exchange.ts'
import { redirectedHeaders } from './headers.ts'
import type { PreparedRequest } from './prepare-request.ts'
import type { TimeLimits } from './time-limits.ts'

/** As many hops as any honest chain needs; a limit asked for above it counts as this one. */
export const REDIRECTS_MAX = 5

const REDIRECT_STATUSES = new Set([301, 302, 303, 307, 308])

export interface OpenOptions {
  dispatcher: Dispatcher
  /** Refuses an address before anything is sent to it; called for every hop. Throws `upstream_refused`. */
  check: (url: URL) => void
  limits: TimeLimits
  redirects: number
  signal: AbortSignal
}

export interface OpenedUpstream extends Upstream {
  /** Where the answer came from, after redirects. */
  url: URL
}

/**
 * Sends a request and waits for the head of the final answer. The signal reaches the body too, until it has ended.
 * Rejects with the signal's reason, `upstream_refused`, `upstream_failed` or `upstream_timeout`.
 */
export async function openUpstream(request: PreparedRequest, options: OpenOptions): Promise<OpenedUpstream> {
  const { dispatcher, check, limits, signal } = options
  signal.throwIfAborted()
  const hopsMax = Math.min(Math.max(0, options.redirects), REDIRECTS_MAX)
  let hop = request
  let exchange: Exchange | undefined
  let late: StreamstackError | undefined
  const leave = (): void => exchange?.cancel(signal.reason)
  signal.addEventListener('abort', leave, { once: true })
  const limit = (durationMs: number, what: string): LongTimer =>
    startLongTimer(() => {
      late = new StreamstackError('upstream_timeout', `${hop.url.host} ${what}.`)
      exchange?.cancel(late)
    }, durationMs)
  const { connectTimeoutMs, firstByteTimeoutMs, totalTimeoutMs, idleTimeoutMs } = limits
  const connecting = limit(connectTimeoutMs, `gave no connection within ${connectTimeoutMs} ms (connect_timeout)`)
  const answering = limit(firstByteTimeoutMs, `did not answer within ${firstByteTimeoutMs} ms (first_byte_timeout)`)
  const whole =
    totalTimeoutMs === Infinity
      ? undefined
      : limit(totalTimeoutMs, `did not come to the end of its answer within ${totalTimeoutMs} ms (total_timeout)`)

  try {
    for (let hops = 0; ; hops++) {
      check(hop.url)
      exchange = new Exchange(hop, idleTimeoutMs)
      exchange.onConnected = () => connecting.clear()
      if (hops > 0) connecting.refresh()
      send(dispatcher, hop, exchange)
      const upstream = await exchange.answer
      // A limit or the signal may fire between the answer and this line; the body must not outlive either.
      if (late !== undefined) throw late
      signal.throwIfAborted()
      const location = REDIRECT_STATUSES.has(upstream.status) ? upstream.headers['location'] : undefined
      if (location === undefined || hopsMax === 0) {
        upstream.body.onClosed = () => {
          whole?.clear()
          signal.removeEventListener('abort', leave)
        }
        return { ...upstream, url: hop.url }
      }
      exchange.cancel(new Error('redirected'))
      if (hops === hopsMax) {
        const message = `${request.url.host} redirected more than ${hopsMax} times.`
        throw new StreamstackError('upstream_failed', message, { recoverable: false })
      }
      hop = followed(hop, location, upstream.status)
    }
  } catch (error) {
    whole?.clear()
    signal.removeEventListener('abort', leave)
    exchange?.cancel(error)
    throw error
  } finally {
    connecting.clear()
    answering.clear()
  }
}

function send(dispatcher: Dispatcher, request: PreparedRequest, exchange: Exchange): void {
  const { url, method, headers, body } = request
  dispatcher.dispatch(
    {
      origin: url.origin,
      path: url.pathname + url.search,
      method,
      headers,
      body,
      // These limits are exact and run only while a step waits; undici's timers tick in half
      // seconds.
      headersTimeout: 0,
      bodyTimeout: 0,
    },
    exchange,
  )
}

/** The request of the next hop, by the rules of https://fetch.spec.whatwg.org/#http-redirect-fetch */
function followed(request: PreparedRequest, location: string, status: number): PreparedRequest {
  if (!URL.canParse(location, request.url.href)) {
    throw new StreamstackError('upstream_failed', `${request.url.host} redirected to what is not a URL.`, {
      recoverable: false,
    })
  }
  const url = new URL(location, request.url)
  url.hash = ''
  const { method } = request
  const toGet =
    (status === 303 && method !== 'GET' && method !== 'HEAD') ||
    ((status === 301 || status === 302) && method === 'POST')
  return {
    url,
    method: toGet ? 'GET' : method,
    headers: redirectedHeaders(request.headers, { sameOrigin: url.origin === request.url.origin, keepBody: !toGet }),
    body: toGet ? undefined : request.body,
  }
}
