import { type PropertyDeclarations, css, html, nothing } from 'lit'
import { agoText, countText, durationText } from '../base/numbers.ts'
import { numberAttribute } from '../base/gauge-state.ts'
import { WIDGET_LABELS, WidgetElement } from '../base/widget-element.ts'
import { card, noData } from '../theme/card.ts'
import { controls } from '../theme/controls.ts'
import { type Activity, activityOf } from './activity.ts'

/** Interval at which relative times are updated. */
const AGO_MS = 10_000

const LABELS = {
  ...WIDGET_LABELS,
  now: 'now',
  newItem: '1 new',
  newItems: '{n} new',
  chunks: '{n} chunks',
  chunk: '1 chunk',
} as const

/**
 * What happens, newest first. Entries of `system/activity` are shown with their outcome, route, caller and numbers; other entries with what they hold under common
 * names.
 *
 * @tagname activity-feed
 * @csspart list - The entries.
 */
export class ActivityFeed extends WidgetElement {
  static override styles = [
    ...super.styles,
    controls,
    card,
    noData,
    css`
      :host {
        position: relative;
        display: flex;
        flex-direction: column;
        max-block-size: 420px;
      }
      ul {
        flex: 1;
        min-block-size: 96px;
        margin: 8px -16px -16px;
        padding: 0 16px 8px;
        list-style: none;
        overflow: hidden auto;
        overflow-anchor: none;
        scrollbar-width: thin;
      }
      ul:focus-visible {
        outline-offset: -2px;
      }
      li {
        display: flex;
        gap: 4px 10px;
        align-items: center;
        padding: 7px 0;
        border-block-end: 1px solid var(--line);
        font-size: var(--size-2);
      }
      li:last-child {
        border: 0;
      }
      li .pill {
        flex: none;
      }
      .what {
        flex: none;
        max-inline-size: 50%;
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
        font-family: var(--mono);
      }
      .more {
        flex: 1;
        min-inline-size: 0;
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
        color: var(--text-2);
      }
      time {
        flex: none;
        color: var(--text-3);
        font-size: var(--size-1);
        font-variant-numeric: tabular-nums;
      }
      .none {
        min-block-size: 96px;
      }
      .new {
        inset-block-start: 44px;
      }
      li.fresh {
        animation: fresh 1.2s ease-out;
      }
      @keyframes fresh {
        from {
          background: var(--accent-weak);
        }
      }
      @container (inline-size < 420px) {
        li {
          flex-wrap: wrap;
        }
        .what {
          max-inline-size: 60%;
        }
        time {
          margin-inline-start: auto;
        }
        .more {
          flex-basis: 100%;
          order: 1;
        }
      }
      .box {
        container-type: inline-size;
        display: flex;
        flex: 1;
        flex-direction: column;
        min-block-size: 0;
      }
    `,
  ]

  static override properties: PropertyDeclarations = { max: numberAttribute }

  /** Entries that are kept. Default: 100. */
  declare max: number | null

  #entries: Activity[] = []
  #timer: ReturnType<typeof setInterval> | null = null
  #count = 0
  #seen = 0
  #isAtTop = true

  constructor() {
    super()
    this.max = null
  }

  override connectedCallback(): void {
    super.connectedCallback()
    this.#timer = setInterval(() => this.requestUpdate(), AGO_MS)
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    if (this.#timer !== null) clearInterval(this.#timer)
  }

  protected override onReset(): void {
    this.#entries = []
    this.#count = this.#seen = 0
  }

  protected override onValue(value: unknown, timeMs: number): void {
    this.#entries.unshift({ ...activityOf(value), id: ++this.#count, timeMs })
    const max = Math.max(1, this.max ?? 100)
    if (this.#entries.length > max) this.#entries.length = max
  }

  /** Keeps the visible rows in place: new rows above scroll the box down by their height. */
  protected override draw(): void {
    const list = this.renderRoot.querySelector('ul')
    const [height, top] = [list?.scrollHeight ?? 0, list?.scrollTop ?? 0]
    if (this.#isAtTop) this.#seen = this.#count
    this.requestUpdate()
    if (this.#isAtTop || list === null) return
    void this.updateComplete.then(() => (list.scrollTop = top + list.scrollHeight - height))
  }

  #scrolled(event: Event): void {
    this.#isAtTop = (event.currentTarget as Element).scrollTop < 8
    if (!this.#isAtTop || this.#seen === this.#count) return
    this.#seen = this.#count
    this.requestUpdate()
  }

  override render(): unknown {
    const words = { ...LABELS, ...this.labels }
    const fresh = this.#count - this.#seen
    const toTop = (): void => {
      const list = this.renderRoot.querySelector('ul')
      list?.scrollTo({ top: 0 })
      list?.focus()
    }
    return html`<div class="head">
        <h2 dir="auto">${this.heading}</h2>
        ${this.renderState()}
      </div>
      <div class="box">
        ${
          this.#entries.length === 0
            ? html`<div class="none">${words.noData}</div>`
            : html`<ul
                tabindex="0"
                part="list"
                aria-label=${this.heading || 'Activity'}
                @scroll=${{ handleEvent: (event: Event) => this.#scrolled(event), passive: true }}
              >
                ${this.#entries.map((entry) => this.#renderEntry(entry, words))}
              </ul>`
        }
      </div>
      ${
        fresh > 0
          ? html`<button type="button" class="new" @click=${toTop}>
              <span aria-hidden="true">↑ </span
              >${fresh === 1 ? words.newItem : words.newItems.replace('{n}', countText(fresh, this.language))}
            </button>`
          : nothing
      }`
  }

  #renderEntry(entry: Activity, words: Readonly<Record<keyof typeof LABELS, string>>): unknown {
    const { kind, word, what, who, chunks, durationMs, more, timeMs } = entry
    const numbers = [
      who,
      chunks === null ? '' : chunks === 1 ? words.chunk : words.chunks.replace('{n}', countText(chunks, this.language)),
      durationMs === null ? '' : durationMs < 1_000 ? `${Math.round(durationMs)} ms` : durationText(durationMs),
      more,
    ]
    const line = numbers.filter((text) => text !== '').join(' · ')
    const at = new Date(timeMs)
    return html`<li>
      ${word === '' ? nothing : html`<span class="pill ${kind}">${word}</span>`}
      <span class="what" dir="auto" title=${what}>${what}</span>
      <span class="more" dir="auto" title=${line}>${line}</span>
      <time datetime=${at.toISOString()} title=${at.toLocaleString(this.language || undefined)}
        >${agoText(Date.now() - timeMs, words)}</time
      >
    </li>`
  }
}
