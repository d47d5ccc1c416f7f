import { css, html, nothing } from 'lit'
import type { Step } from '../api.ts'
import { fileLink } from '../page/file-link.ts'
import { formatCount, formatMs } from '../page/numbers.ts'
import { shared } from '../page/styles.ts'
import { StackElement } from './stack-element.ts'
import type { StepState } from './step-trace.ts'

/** The function stack beside its run: steps light up while they run, with how often and how long. Sends `choose-step` with the id of a step. */
export class StackView extends StackElement {
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
        gap: 2px 8px;
        align-items: center;
        padding: 7px 9px;
        margin-block-end: 5px;
        font-size: var(--size-2);
        position: relative;
      }
      .step b {
        font-weight: 600;
      }
      .step .mono {
        font-size: var(--size-1);
        overflow-wrap: anywhere;
      }
      .name {
        all: unset;
        cursor: pointer;
      }
      /* The whole box chooses its step. */
      .name::after {
        content: '';
        position: absolute;
        inset: 0;
        border-radius: var(--radius);
      }
      .name:focus-visible::after {
        outline: 2px solid var(--accent);
        outline-offset: 1px;
      }
      .told {
        display: grid;
        justify-items: end;
      }
      .step a {
        position: relative;
      }
      .step.now {
        border-color: var(--running);
        box-shadow: 0 0 0 3px var(--running-weak);
      }
      .step.chosen {
        background: var(--accent-weak);
      }
      .chosen .told {
        color: var(--text-2);
      }
      .step.broken {
        border-color: var(--failed);
      }
      .step.caught {
        border-color: var(--caught);
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
      .caught .dot {
        background: var(--caught);
        border-radius: 1px;
      }
      .fault {
        grid-column: 2 / -1;
        color: var(--failed);
        overflow-wrap: anywhere;
      }
      .caught .fault {
        color: var(--caught);
      }
      .off {
        opacity: 0.5;
      }
    `,
  ]
  static override properties = {
    chosen: { attribute: false },
  }
  /** Id of the chosen step, or of the one that sent the chosen chunk. */
  declare chosen: string | null

  constructor() {
    super()
    this.chosen = null
  }

  override render(): unknown {
    const { model } = this
    const state = model === null ? '' : model.isOpen ? `live · ${formatMs(model.elapsedMs)}` : formatMs(model.elapsedMs)
    return html`<h2 class="part">Function stack <span class="tiny">${state}</span></h2>
      ${model?.trace.isPartial === true ? html`<p class="muted small">The run was faster than this page: a part of its trace is missing, and steps count too little.</p>` : nothing}
      ${this.stack.length === 0 ? html`<p class="muted small">The stack is not known.</p>` : this.#steps(this.stack)}`
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
    const isChosen = this.chosen === step.id
    const line = `line ${step.line}`
    const place = this.file === null ? line : fileLink(this.mode, { file: this.file, line: step.line }, line)
    const told = this.#told(state, step)
    return html`<div class="step box ${kindOf(state)} ${isChosen ? 'chosen' : ''} ${step.disabled ? 'off' : ''}">
        <span class="dot"></span>
        <button class="name" aria-pressed=${isChosen} @click=${() => this.#choose(step)}>
          <b>${step.function}</b
          >${step.detail === null ? nothing : html` <span class="muted mono">${step.detail}</span>`}
        </button>
        <span class="told tiny mono">${told}${told === '' || isChosen ? html`<span>${place}</span>` : nothing}</span>
        ${
          state?.failed == null
            ? nothing
            : html`<span class="fault small">${state.isCaught ? 'caught · ' : ''}${state.failed}</span>`
        }
      </div>
      ${step.stacks.map(
        ({ name, steps }) =>
          html`<ol>
            ${name === 'inner' ? nothing : html`<li class="branch">${name.replaceAll('_', ' ')}</li>`}
            ${this.#items(steps)}
          </ol>`,
      )}`
  }

  #choose({ id }: Step): void {
    this.dispatchEvent(new CustomEvent('choose-step', { detail: this.chosen === id ? null : id }))
  }

  /** '': there is nothing to tell yet. */
  #told(state: StepState | undefined, step: Step): string {
    if (step.disabled) return 'disabled'
    if (this.model === null || !this.model.trace.hasBegun) return ''
    if (state === undefined) return this.model.isOpen ? '' : 'not reached'
    const times = state.count > 1 ? `${formatCount(state.count)} ×` : ''
    if (state.open > 0) return state.loop.length > 0 ? `round ${(state.loop.at(-1) ?? 0) + 1}` : `running ${times}`
    return [times, formatMs(state.totalMs)].filter((part) => part !== '').join(' · ')
  }
}

function kindOf(state: StepState | undefined): string {
  if (state === undefined) return ''
  if (state.failed !== null) return state.isCaught ? 'caught' : 'broken'
  return state.open > 0 ? 'now' : 'done'
}

customElements.define('stack-view', StackView)
