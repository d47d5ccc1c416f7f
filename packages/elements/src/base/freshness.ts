import type { ReactiveController, ReactiveControllerHost } from 'lit'

/** Interval at which a widget checks whether its data is stale. */
const LOOK_MS = 1_000

/** Knows when the last item came, and renders its host when that was too long ago. */
export class Freshness implements ReactiveController {
  /** Milliseconds without an item after which data is stale. */
  staleMs = 30_000
  readonly #host: ReactiveControllerHost
  #atMs: number | null = null
  #wasStale = false
  #timer: ReturnType<typeof setInterval> | null = null

  constructor(host: ReactiveControllerHost) {
    this.#host = host
    host.addController(this)
  }

  /** An item came. */
  touch(): void {
    this.#atMs = performance.now()
  }

  get hasData(): boolean {
    return this.#atMs !== null
  }

  /** Seconds since the last item, where that is too long; else null. */
  get staleSeconds(): number | null {
    if (this.#atMs === null) return null
    const ms = performance.now() - this.#atMs
    return ms > this.staleMs ? Math.round(ms / 1_000) : null
  }

  hostConnected(): void {
    this.#timer = setInterval(() => {
      const isStale = this.staleSeconds !== null
      if (isStale || this.#wasStale) this.#host.requestUpdate()
      this.#wasStale = isStale
    }, LOOK_MS)
  }

  hostDisconnected(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
  }
}
