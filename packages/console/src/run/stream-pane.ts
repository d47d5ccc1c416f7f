import { LitElement, css, html, nothing } from 'lit'
import type { Step } from '../api.ts'
import { formatBytes, formatCount, formatMs } from '../page/numbers.ts'
import { shared } from '../page/styles.ts'
import './chunk-list.ts'
import { type RunModel, STATES } from './run-model.ts'
import './waterfall.ts'
import { WHOLE_VIEWS } from './whole-view.ts'

const VIEWS = ['chunks', ...WHOLE_VIEWS] as const
type View = (typeof VIEWS)[number]

const VIEW_NAMES: Readonly<Record<View, string>> = {
  chunks: 'Chunks',
  text: 'Text',
  table: 'Table',
  json: 'JSON',
  raw: 'Raw',
}

/** Interval at which what moves without chunks is drawn: the time, a stall that grows. */
const CLOCK_MS = 100

/**
 * The stream of a run: its numbers, its chunks over time, and the chunks themselves in five views. Sends `choose` with the place of a chunk; what is in the slot
 * `actions` stands beside the numbers.
 */
export class StreamPane extends LitElement {
  static override styles = [
    ...shared,
    css`
      :host {
        display: flex;
        flex-direction: column;
        gap: 10px;
        min-block-size: 0;
      }
      .facts {
        display: flex;
        flex-wrap: wrap;
        gap: 6px 22px;
        padding: 10px 14px;
        align-items: center;
      }
      .facts div {
        line-height: 1.25;
      }
      .facts b {
        display: block;
        font: 600 var(--size-3) var(--mono);
        letter-spacing: -0.02em;
        font-variant-numeric: tabular-nums;
      }
      .facts div span {
        font-size: var(--size-1);
        color: var(--text-3);
      }
      .tools .field {
        flex: 1 1 140px;
        inline-size: auto;
        padding: 4px 9px;
        font-size: var(--size-2);
      }
      .error {
        padding: 10px 12px;
        border-color: var(--failed);
        color: var(--failed);
        font-size: var(--size-2);
        overflow-wrap: anywhere;
      }
      chunk-list {
        flex: 1;
      }
    `,
  ]
  static override properties = {
    model: { attribute: false },
    stack: { attribute: false },
    fault: { attribute: false },
    selected: { attribute: false },
    step: { attribute: false },
    tick: { attribute: false },
    view: { state: true },
    filter: { state: true },
    frozen: { state: true },
  }
  declare model: RunModel | null
  declare stack: readonly Step[]
  /** What went wrong before there was a run; '': nothing. */
  declare fault: string
  /** Place of the chosen chunk. */
  declare selected: number | null
  /** Id of the chosen step: its chunks are marked. */
  declare step: string | null
  /** Changes when the model has. */
  declare tick: number
  declare view: View
  declare filter: string
  declare frozen: boolean
  #clock = 0
  #labels: ReadonlyMap<string, string> = new Map()

  constructor() {
    super()
    this.model = null
    this.stack = []
    this.fault = ''
    this.selected = null
    this.step = null
    this.tick = 0
    this.view = 'chunks'
    this.filter = ''
    this.frozen = false
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    clearInterval(this.#clock)
  }

  override willUpdate(changed: Map<string, unknown>): void {
    if (changed.has('stack')) this.#labels = stepLabels(this.stack)
    if (changed.has('model')) this.frozen = false
    const isOpen = this.model?.isOpen === true
    if (isOpen && this.#clock === 0) this.#clock = window.setInterval(() => this.requestUpdate(), CLOCK_MS)
    if (!isOpen) {
      clearInterval(this.#clock)
      this.#clock = 0
    }
  }

  override render(): unknown {
    const { model, fault } = this
    const error = fault !== '' ? fault : model?.error == null ? '' : `${model.error.code}: ${model.error.message}`
    return html`${this.#facts()} ${error === '' ? nothing : html`<p class="box error" role="alert">${error}</p>`}
      <chunk-waterfall .model=${model} .tick=${model?.elapsedMs ?? 0} .selected=${this.selected}></chunk-waterfall>
      <div class="row tools">
        <div class="seg" role="group" aria-label="View">
          ${VIEWS.map((view) => html`<button aria-pressed=${this.view === view} @click=${() => (this.view = view)}>${VIEW_NAMES[view]}</button>`)}
        </div>
        <input
          class="field"
          type="search"
          placeholder="Filter: text, /regex/, kind:error"
          aria-label="Filter chunks"
          ?disabled=${this.view !== 'chunks'}
          .value=${this.filter}
          @input=${(event: Event) => (this.filter = (event.target as HTMLInputElement).value)}
        />
        <button class="btn slim" aria-pressed=${this.frozen} @click=${() => (this.frozen = !this.frozen)}>
          ${this.frozen ? 'Follow' : 'Freeze'}
        </button>
      </div>
      ${this.#content()}
      <p class="vh" role="status">
        ${model === null || model.isOpen || model.state === 'paused' ? '' : `${STATES[model.state].word}, ${formatCount(model.chunks.count)} chunks`}
      </p>`
  }

  #facts(): unknown {
    const { model } = this
    const { word, color } = STATES[model?.state ?? 'idle']
    const chunks = model?.chunks
    const fact = (value: string, name: string): unknown => html`<div><b>${value}</b><span>${name}</span></div>`
    const first = chunks === undefined || chunks.count === 0 ? '–' : formatMs(chunks.timeMs(0))
    const gaps =
      chunks === undefined || chunks.count < 2
        ? '–'
        : `${Math.round(chunks.gaps.quantile(0.5))} / ${formatMs(chunks.gaps.quantile(0.95))}`
    return html`<div class="box facts">
      <span class="pill ${color}">${word}</span>
      ${fact(first, 'first chunk')} ${fact(formatCount(chunks?.count ?? 0), 'chunks')}
      ${fact(formatBytes(chunks?.bytes ?? 0), 'content')} ${fact(gaps, 'gap p50 / p95')}
      ${fact(model === null ? '–' : formatMs(model.elapsedMs), 'elapsed')}
      ${model !== null && model.resumed > 0 ? fact(String(model.resumed), 'resumed') : nothing}
      <slot name="actions"></slot>
    </div>`
  }

  #content(): unknown {
    const { model, view, frozen } = this
    const tick = model?.tick ?? 0
    if (view !== 'chunks') {
      return html`<whole-view .model=${model} .view=${view} .tick=${tick} .frozen=${frozen}></whole-view>`
    }
    return html`<chunk-list
      .model=${model}
      .tick=${tick}
      .filter=${this.filter}
      .selected=${this.selected}
      .step=${this.step}
      .labels=${this.#labels}
      .frozen=${frozen}
      @choose=${(event: CustomEvent<number>) => this.dispatchEvent(new CustomEvent('choose', { detail: event.detail }))}
      @thaw=${() => (this.frozen = false)}
    ></chunk-list>`
  }
}

/** `2 · For Each` for all steps of the loop that is step 2. */
function stepLabels(
  steps: readonly Step[],
  outer: string | null = null,
  labels = new Map<string, string>(),
): Map<string, string> {
  for (const step of steps) {
    const label = outer ?? `${step.id} · ${step.function}`
    labels.set(step.id, label)
    for (const { steps: inner } of step.stacks) stepLabels(inner, label, labels)
  }
  return labels
}

customElements.define('stream-pane', StreamPane)
