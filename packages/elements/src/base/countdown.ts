import type { ReactiveController, ReactiveControllerHost } from 'lit'

/** Seconds until something is tried again; its host is rendered each second meanwhile. */
export class Countdown implements ReactiveController {
  readonly #host: ReactiveControllerHost
  #untilMs = 0
  #timer: ReturnType<typeof setInterval> | null = null

  constructor(host: ReactiveControllerHost) {
    this.#host = host
    host.addController(this)
  }

  /** Counts down from here; 0 stops. */
  set(waitMs: number): void {
    this.hostDisconnected()
    this.#untilMs = performance.now() + waitMs
    if (waitMs > 0) this.#timer = setInterval(() => this.#tick(), 1_000)
  }

  get seconds(): number {
    return Math.max(0, Math.ceil((this.#untilMs - performance.now()) / 1_000))
  }

  hostDisconnected(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
  }

  #tick(): void {
    if (this.seconds === 0) this.hostDisconnected()
    this.#host.requestUpdate()
  }
}
