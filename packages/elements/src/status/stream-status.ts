import { css, html, nothing } from 'lit'
import type { PropertyDeclarations } from 'lit'
import { Announcer } from '../base/announcer.ts'
import { Countdown } from '../base/countdown.ts'
import { LinkedElement } from '../base/linked-element.ts'
import type { SourceState } from '../source/source.ts'
import { controls } from '../theme/controls.ts'

/** The words of a state. `{n}` is a number of seconds. */
const LABELS = {
  idle: 'not started',
  connecting: 'connecting',
  streaming: 'streaming',
  reconnecting: 'reconnecting',
  reconnectingIn: 'reconnecting in {n} s',
  completed: 'completed',
  failed: 'failed',
  cancelled: 'cancelled',
  offline: 'offline',
  retry: 'Retry',
} as const

const KINDS: Readonly<Record<SourceState, string>> = {
  idle: '',
  connecting: 'running pulse',
  streaming: 'running pulse',
  reconnecting: 'caught pulse',
  offline: 'caught',
  completed: 'ok',
  failed: 'failed',
  cancelled: '',
}

/**
 * Says in a word where a stream stands; with a button that tries again after a failure.
 *
 * @tagname stream-status
 * @csspart status - The state.
 * @csspart message - Why it failed.
 * @csspart retry - The button.
 */
export class StreamStatus extends LinkedElement {
  static override styles = [
    ...super.styles,
    controls,
    css`
      :host {
        display: inline-flex;
        flex-wrap: wrap;
        gap: 4px 8px;
        align-items: center;
      }
      .message {
        color: var(--failed);
        font-size: var(--size-2);
      }
      .btn {
        min-block-size: 28px;
        padding: 3px 10px;
      }
    `,
  ]

  static override properties: PropertyDeclarations = { labels: { attribute: false } }

  /** The words that the element shows. */
  declare labels: Partial<Record<keyof typeof LABELS, string>>
  readonly #countdown = new Countdown(this)
  readonly #announcer = new Announcer()
  #announced: SourceState = 'idle'

  constructor() {
    super()
    this.labels = {}
  }

  protected override onHeard(name: string): void {
    if (name !== 'stream-status') return
    const { state, waitMs } = this.watched
    this.#countdown.set(waitMs)
    if (state !== this.#announced) this.#announcer.say(this.#words[state])
    this.#announced = state
    this.requestUpdate()
  }

  get #words(): Readonly<Record<keyof typeof LABELS, string>> {
    return { ...LABELS, ...this.labels }
  }

  override render(): unknown {
    const { state, message } = this.watched
    const words = this.#words
    const { seconds } = this.#countdown
    const text =
      state === 'reconnecting' && seconds > 0 ? words.reconnectingIn.replace('{n}', String(seconds)) : words[state]
    return html`<span class="pill ${KINDS[state]}" part="status">${text}</span> ${
        state === 'failed'
          ? html`<span class="message" part="message" dir="auto">${message}</span>
              <button type="button" class="btn" part="retry" @click=${() => this.again()}>${words.retry}</button>`
          : nothing
      }
      ${this.#announcer.element}`
  }
}
