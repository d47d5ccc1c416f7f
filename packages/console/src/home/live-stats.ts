import type { ReactiveController, ReactiveControllerHost } from 'lit'
import { clientOf, session } from '../api.ts'

/** What is known of an endpoint while the page is open. */
export interface EndpointStats {
  /** Calls in the last minute. */
  readonly perMinute: number
  /** Of the calls that finished in the last minute, the share that failed; null: none finished. */
  readonly errorRate: number | null
}

/** The last call of an endpoint. */
export interface LastCall {
  readonly outcome: string
  readonly atMs: number
}

interface Sample {
  readonly endpoints?: Readonly<
    Record<string, { readonly requests: { readonly last_minute: number }; readonly error_rate: number | null }>
  >
}

interface Call {
  readonly time?: string
  readonly route?: string | null
  readonly outcome?: string | null
}

const QUIET: EndpointStats = { perMinute: 0, errorRate: null }

/** Numbers of the endpoints from `system/metrics`, and their last outcomes from `system/activity`, while its host is in the page. */
export class LiveStats implements ReactiveController {
  /** By route, as `GET /api/poem`. */
  readonly #lastCalls = new Map<string, LastCall>()
  readonly #host: ReactiveControllerHost
  #sample: Sample | null = null
  #abort: AbortController | null = null

  constructor(host: ReactiveControllerHost) {
    this.#host = host
    host.addController(this)
  }

  hostConnected(): void {
    const { signal } = (this.#abort = new AbortController())
    const client = clientOf(session.token)
    // Without the right to read them, the page shows no numbers.
    client.read<Sample>('/v1/stream/system/metrics', { signal, after: 'now' }).on('chunk', ({ content }) => {
      this.#sample = content
      this.#host.requestUpdate()
    })
    client.read<Call>('/v1/stream/system/activity', { signal }).on('chunk', ({ content }) => {
      const { route, outcome, time } = content
      if (typeof route !== 'string' || typeof outcome !== 'string') return
      this.#lastCalls.set(route, { outcome, atMs: Date.parse(time ?? '') || Date.now() })
      this.#host.requestUpdate()
    })
  }

  hostDisconnected(): void {
    this.#abort?.abort()
  }

  /** Null: the numbers cannot be read, or did not come yet. */
  of(endpoint: string): EndpointStats | null {
    if (this.#sample === null) return null
    const { endpoints = {} } = this.#sample
    const found = Object.hasOwn(endpoints, endpoint) ? endpoints[endpoint] : undefined
    return found === undefined ? QUIET : { perMinute: found.requests.last_minute, errorRate: found.error_rate }
  }

  lastCall(route: string): LastCall | null {
    return this.#lastCalls.get(route) ?? null
  }
}
