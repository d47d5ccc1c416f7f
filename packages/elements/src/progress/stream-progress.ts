import { css, html, nothing } from 'lit'
import type { PropertyDeclarations } from 'lit'
import { LinkedElement } from '../base/linked-element.ts'
import { bytesText, countText, durationText, numberText } from '../base/numbers.ts'
import { controls } from '../theme/controls.ts'

/** Numbers that change more often cannot be read. */
const SHOW_MS = 250

/** A time left is not said before this share: it would be a guess. */
const SHARE_MIN = 3

const LABELS = {
  heading: 'Progress',
  chunks: '{n} chunks',
  chunk: '1 chunk',
  rate: '{n} chunks/s',
  left: 'about {time} left',
  took: 'in {time}',
} as const

/**
 * Shows how far a stream is: a bar from the `progress_percentage` of its chunks' metadata, or one that only moves; chunks, bytes, rate and time left.
 *
 * @tagname stream-progress
 * @csspart bar - The bar.
 * @csspart text - The numbers below it.
 */
export class StreamProgress extends LinkedElement {
  static override styles = [
    ...super.styles,
    controls,
    css`
      .bar {
        block-size: 6px;
      }
      .line {
        display: flex;
        flex-wrap: wrap;
        gap: 2px 14px;
        margin-block-start: 6px;
        color: var(--text-2);
        font: var(--size-1) / 1.5 var(--mono);
        font-variant-numeric: tabular-nums;
      }
      .line b {
        color: var(--text);
        font-weight: 600;
      }
      .end {
        margin-inline-start: auto;
      }
    `,
  ]

  static override properties: PropertyDeclarations = { heading: {}, labels: { attribute: false } }

  /** Name of the bar for screen readers. */
  declare heading: string
  /** The words that the element shows. */
  declare labels: Partial<Record<keyof typeof LABELS, string>>
  #timer: ReturnType<typeof setInterval> | null = null

  constructor() {
    super()
    this.heading = ''
    this.labels = {}
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#tick(false)
  }

  protected override onHeard(name: string): void {
    // Chunks arrive faster than a person can read; a timer updates the bar.
    if (name === 'stream-item') return
    const { state } = this.watched
    this.#tick(state === 'connecting' || state === 'streaming' || state === 'reconnecting')
    this.requestUpdate()
  }

  #tick(isActive: boolean): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = isActive ? setInterval(() => this.requestUpdate(), SHOW_MS) : null
  }

  override render(): unknown {
    const words = { ...LABELS, ...this.labels }
    const { language } = this
    const { state } = this.watched
    const progress = this.watchedProgress
    const isActive = state === 'connecting' || state === 'streaming' || state === 'reconnecting'
    const isKnown = progress !== null && progress.percentage !== null
    const share = state === 'completed' ? 100 : (progress?.percentage ?? 0)
    const { chunks = 0, bytes = 0, chunksPerSecond = 0, elapsedMs = 0 } = progress ?? {}
    const leftMs = share >= SHARE_MIN ? (elapsedMs / share) * (100 - share) : null
    return html`<div
        class="bar ${isActive && !isKnown ? 'indeterminate' : ''} ${state === 'failed' ? 'failed' : ''}"
        part="bar"
        role="progressbar"
        aria-label=${this.heading || words.heading}
        aria-valuemin="0"
        aria-valuemax="100"
        aria-valuenow=${isActive && !isKnown ? nothing : Math.round(share)}
      >
        <i .style=${isActive && !isKnown ? '' : `--done: ${share}%`}></i>
      </div>
      <div class="line" part="text">
        <span><b>${chunks === 1 ? words.chunk : words.chunks.replace('{n}', countText(chunks, language))}</b></span>
        <span>${bytesText(bytes, language)}</span>
        ${
          isActive && chunks > 0
            ? html`<span>${words.rate.replace('{n}', numberText(chunksPerSecond, language))}</span>`
            : nothing
        }
        <span class="end">
          ${isKnown ? html`<b>${Math.round(share)} %</b>` : nothing}
          ${isActive && isKnown && leftMs !== null ? words.left.replace('{time}', durationText(leftMs)) : nothing}
          ${state === 'completed' ? words.took.replace('{time}', durationText(elapsedMs)) : nothing}
        </span>
      </div>`
  }
}
