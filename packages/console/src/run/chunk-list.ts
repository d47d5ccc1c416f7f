import { LitElement, html, nothing } from 'lit'
import { cut } from '@streamstack/elements/base/cut.js'
import { formatMs } from '../page/numbers.ts'
import { shared } from '../page/styles.ts'
import { type ChunkFilter, chunkFilter } from './chunk-filter.ts'
import { ROW_PX, chunkListStyles } from './chunk-list-styles.ts'
import { contentText, sizeOf } from './chunk-store.ts'
import type { RunModel } from './run-model.ts'
import { roundsText } from './step-trace.ts'

/** Rows beyond the edges, for fast wheels. */
const SPARE_ROWS = 6
/** The gap bar of this length is full. */
const BAR_MS = 300
const BAR_PX = 74
const CONTENT_CHARACTERS_MAX = 300

/** How many rows a key moves. */
const STEPS: Readonly<Record<string, number>> = {
  ArrowDown: 1,
  ArrowUp: -1,
  PageDown: 15,
  PageUp: -15,
  Home: -Infinity,
  End: Infinity,
}

/** The chunks of a run as a table that holds only the rows in sight. Follows the newest while it is at the bottom. */
export class ChunkList extends LitElement {
  static override styles = [...shared, chunkListStyles]
  static override properties = {
    model: { attribute: false },
    tick: { attribute: false },
    filter: { attribute: false },
    selected: { attribute: false },
    labels: { attribute: false },
    frozen: { attribute: false },
    step: { attribute: false },
  }
  declare model: RunModel | null
  declare tick: number
  declare filter: string
  /** Place of the chosen chunk. */
  declare selected: number | null
  /** Names of the steps, by id. */
  declare labels: ReadonlyMap<string, string>
  /** Whether the list stops scrolling while chunks arrive. */
  declare frozen: boolean
  /** Id of the chosen step: its chunks are marked. */
  declare step: string | null
  #follows = true
  #seen = 0
  /** Places of the chunks that the filter lets through, as far as they were looked at. */
  #matches: number[] = []
  #looked = 0
  #filtered = ''
  #filter: ChunkFilter = chunkFilter('')
  #of: RunModel | null = null
  readonly #resized = new ResizeObserver(() => this.requestUpdate())

  constructor() {
    super()
    this.model = null
    this.tick = 0
    this.filter = ''
    this.selected = null
    this.frozen = false
    this.step = null
    this.labels = new Map()
  }

  override connectedCallback(): void {
    super.connectedCallback()
    this.#resized.observe(this)
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#resized.disconnect()
  }

  override willUpdate(): void {
    if (this.#of !== this.model || this.#filtered !== this.filter) {
      this.#of = this.model
      this.#filtered = this.filter
      this.#filter = chunkFilter(this.filter)
      this.#matches = []
      this.#looked = 0
      this.#follows = true
    }
    if (this.filter === '' || this.model === null) return
    const { test } = this.#filter
    for (const { count } = this.model.chunks; this.#looked < count; this.#looked++) {
      const chunk = this.model.chunks.at(this.#looked)
      if (chunk !== undefined && test(chunk.kind, contentText(chunk.content))) this.#matches.push(this.#looked)
    }
  }

  get #count(): number {
    return this.filter === '' ? (this.model?.chunks.count ?? 0) : this.#matches.length
  }

  override render(): unknown {
    const scroll = this.renderRoot.querySelector('.scroll')
    const height = scroll?.clientHeight ?? 400
    const top = scroll?.scrollTop ?? 0
    const count = this.#count
    const isFollowing = this.#follows && !this.frozen
    const last = isFollowing ? count : Math.min(count, Math.ceil((top + height) / ROW_PX) + SPARE_ROWS)
    const first = Math.max(
      0,
      isFollowing ? count - Math.ceil(height / ROW_PX) - SPARE_ROWS : Math.floor(top / ROW_PX) - SPARE_ROWS,
    )
    if (isFollowing) this.#seen = count
    const rows = []
    for (let row = first; row < last; row++) rows.push(this.#row(row))
    const fresh = count - this.#seen
    return html`<div class="head" aria-hidden="true">
        <span class="number">offset</span><span>gap</span><span>content</span><span class="number wide">bytes</span
        ><span class="wide">step</span>
      </div>
      <div
        class="scroll"
        tabindex="0"
        role="listbox"
        aria-label="Chunks"
        aria-activedescendant=${this.selected === null ? nothing : `row-${this.#rowOf(this.selected)}`}
        @scroll=${() => this.#scrolled()}
        @keydown=${(event: KeyboardEvent) => this.#key(event)}
      >
        ${
          count === 0
            ? html`<p class="none">
                ${this.filter === '' ? 'Chunks appear here as they arrive.' : (this.#filter.problem ?? 'No chunk matches the filter.')}
              </p>`
            : html`<div class="all" .style=${`block-size:${count * ROW_PX}px`}>${rows}</div>`
        }
      </div>
      ${fresh > 0 ? html`<button class="btn slim more" @click=${() => this.#toEnd()}>${fresh} new ↓</button>` : nothing}`
  }

  override updated(): void {
    if (!this.#follows || this.frozen) return
    const scroll = this.renderRoot.querySelector('.scroll')
    if (scroll !== null) scroll.scrollTop = scroll.scrollHeight
  }

  #row(row: number): unknown {
    const model = this.model
    const index = this.filter === '' ? row : (this.#matches[row] ?? 0)
    const chunk = model?.chunks.at(index)
    if (model === null) return nothing
    const gap = model.chunks.gapMs(index)
    const width = Math.max(4, Math.min(BAR_PX, (gap / BAR_MS) * BAR_PX))
    const text = chunk === undefined ? 'no longer kept' : contentText(chunk.content)
    const sender = chunk === undefined ? null : model.trace.senderOf(chunk.offset)
    const isOfStep = sender !== null && this.step !== null && isWithin(sender.step, this.step)
    const isNamed = chunk !== undefined && chunk.kind !== 'text' && chunk.kind !== 'json'
    return html`<div
      class="line ${isOfStep ? 'mine' : ''}"
      role="option"
      id=${`row-${row}`}
      aria-selected=${this.selected === index}
      .style=${`inset-block-start:${row * ROW_PX}px`}
      @click=${() => this.#choose(index)}
    >
      <span class="number">${chunk?.offset ?? index + 1}</span>
      <span class="gap ${model.chunks.isStall(index) ? 'stall' : ''}"
        ><i .style=${`inline-size:${width}px`}></i>${index === 0 ? 'first ' : '+'}${formatMs(gap)}</span
      >
      <span title=${cut(text, 2_000)}
        >${isNamed ? html`<span class="kind ${chunk.kind}">${chunk.kind}</span>` : nothing}${cut(text, CONTENT_CHARACTERS_MAX)}</span
      >
      <span class="number wide">${chunk === undefined ? '' : sizeOf(chunk)}</span>
      <span class="wide muted"
        >${sender === null ? '' : `${this.labels.get(sender.step) ?? sender.step}${roundsText(sender.loop)}`}</span
      >
    </div>`
  }

  /** Row of the chunk at a place; -1: the filter hides it. */
  #rowOf(index: number): number {
    return this.filter === '' ? index : this.#matches.indexOf(index)
  }

  #choose(index: number): void {
    this.dispatchEvent(new CustomEvent('choose', { detail: index }))
  }

  #scrolled(): void {
    const scroll = this.renderRoot.querySelector('.scroll')
    if (scroll === null) return
    this.#follows = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < ROW_PX
    this.requestUpdate()
  }

  #toEnd(): void {
    this.#follows = true
    this.dispatchEvent(new CustomEvent('thaw'))
    this.requestUpdate()
  }

  #key(event: KeyboardEvent): void {
    const step = STEPS[event.key]
    if (step === undefined || this.#count === 0) return
    event.preventDefault()
    const row = this.selected === null ? -1 : this.#rowOf(this.selected)
    const next = Math.min(this.#count - 1, Math.max(0, row + step))
    // The list stays where the user reads; at its end it follows new chunks again.
    this.#follows = next === this.#count - 1
    this.#choose(this.filter === '' ? next : (this.#matches[next] ?? 0))
    const scroll = this.renderRoot.querySelector('.scroll')
    if (scroll === null) return
    const [top, bottom] = [next * ROW_PX, (next + 1) * ROW_PX]
    if (top < scroll.scrollTop) scroll.scrollTop = top
    else if (bottom > scroll.scrollTop + scroll.clientHeight) scroll.scrollTop = bottom - scroll.clientHeight
  }
}

/** Whether a step is another one or stands in one of its stacks. */
function isWithin(step: string, outer: string): boolean {
  return step === outer || step.startsWith(`${outer}.`)
}

customElements.define('chunk-list', ChunkList)
