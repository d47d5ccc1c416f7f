import { LitElement, css, html, nothing } from 'lit'
import type { Endpoint, Step } from '../api.ts'
import { formatCount, formatMs } from '../page/numbers.ts'
import { shared } from '../page/styles.ts'
import type { RunModel } from './run-model.ts'
import type { StepState } from './step-trace.ts'

/** The function stack beside its run: steps light up while they run, with how often and how long. */
export class StackView extends LitElement {
  static override styles = [
    ...shared,
    css`
      ol ol {
        margin-block: 4px 2px;
        margin-inline-start: 10px;
        padding-inline-start: 12px;
        border-inline-start: 2px solid var(--line);
      }
      .branch {
        color: var(--text-3);
        font-size: var(--size-1);
        padding-block: 2px 4px;
        overflow-wrap: anywhere;
      }
      .step {
        display: grid;
        grid-template-columns: 12px minmax(0, 1fr) auto;
        gap: 8px;
        align-items: center;
        padding: 7px 9px;
        margin-block-end: 5px;
        font-size: var(--size-2);
      }
      .step b {
        font-weight: 600;
      }
      .step .mono {
        font-size: var(--size-1);
        overflow-wrap: anywhere;
      }
      .step.now {
        border-color: var(--running);
        box-shadow: 0 0 0 3px var(--running-weak);
      }
      .step.chosen {
        background: var(--accent-weak);
      }
      .step.broken {
        border-color: var(--failed);
      }
      .dot {
        inline-size: 9px;
        block-size: 9px;
        border-radius: 9px;
        background: var(--line);
      }
      .done .dot {
        background: var(--ok);
      }
      .now .dot {
        background: var(--running);
      }
      .broken .dot {
        background: var(--failed);
        border-radius: 1px;
      }
      .fault {
        grid-column: 2 / -1;
        color: var(--failed);
        overflow-wrap: anywhere;
      }
      .off {
        opacity: 0.5;
      }
    `,
  ]
  static override properties = {
    endpoint: { attribute: false },
    model: { attribute: false },
    tick: { attribute: false },
    chosen: { attribute: false },
  }
  declare endpoint: Endpoint | null
  declare model: RunModel | null
  declare tick: number
  /** Id of the step that sent the chosen chunk. */
  declare chosen: string | null

  constructor() {
    super()
    this.endpoint = null
    this.model = null
    this.tick = 0
    this.chosen = null
  }

  override render(): unknown {
    if (this.endpoint === null) return nothing
    const { model } = this
    const state = model === null ? '' : model.isOpen ? `live · ${formatMs(model.elapsedMs)}` : formatMs(model.elapsedMs)
    return html`<h2 class="part">Function stack <span class="tiny">${state}</span></h2>
      ${this.#steps(this.endpoint.stack)}`
  }

  #steps(steps: readonly Step[]): unknown {
    return html`<ol>
      ${this.#items(steps)}
    </ol>`
  }

  #items(steps: readonly Step[]): unknown {
    return steps.map((step) => html`<li>${this.#step(step)}</li>`)
  }

  #step(step: Step): unknown {
    const state = this.model?.trace.steps.get(step.id)
    const kind =
      state?.failed != null
        ? 'broken'
        : state !== undefined && state.open > 0
          ? 'now'
          : state === undefined
            ? ''
            : 'done'
    const chosen = this.chosen === step.id ? 'chosen' : ''
    return html`<div class="step box ${kind} ${chosen} ${step.disabled ? 'off' : ''}">
        <span class="dot"></span>
        <div>
          <b>${step.function}</b>
          ${step.detail === null ? nothing : html`<span class="muted mono">${step.detail}</span>`}
        </div>
        <span class="tiny mono">${this.#told(state, step)}</span>
        ${state?.failed == null ? nothing : html`<span class="fault small">${state.failed}</span>`}
      </div>
      ${step.stacks.map(
        ({ name, steps }) =>
          html`<ol>
            ${name === 'inner' ? nothing : html`<li class="branch">${name.replaceAll('_', ' ')}</li>`}
            ${this.#items(steps)}
          </ol>`,
      )}`
  }

  #told(state: StepState | undefined, step: Step): string {
    if (step.disabled) return 'disabled'
    if (this.model === null || !this.model.trace.hasBegun) return `line ${step.line}`
    if (state === undefined) return this.model.isOpen ? '' : 'not reached'
    const times = state.count > 1 ? `${formatCount(state.count)} ×` : ''
    if (state.open > 0) return state.loop.length > 0 ? `round ${(state.loop.at(-1) ?? 0) + 1}` : `running ${times}`
    return [times, formatMs(state.totalMs)].filter((part) => part !== '').join(' · ')
  }
}

customElements.define('stack-view', StackView)
