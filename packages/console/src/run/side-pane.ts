import { css, html } from 'lit'
import { shared } from '../page/styles.ts'
import { chunkDetails } from './chunk-details.ts'
import { StackElement } from './stack-element.ts'
import './stack-view.ts'
import { type ChosenStep, variablesView } from './variables-view.ts'

/** The function stack of a run, with the chosen chunk and the variables at the chosen step. Sends `choose-step` with a ChosenStep or null. */
export class SidePane extends StackElement {
  static override styles = [
    ...shared,
    css`
      .meta-head {
        margin-block-start: 18px;
      }
      .meta {
        font: var(--size-1) / 1.5 var(--mono);
      }
      .meta div {
        display: flex;
        justify-content: space-between;
        gap: 10px;
        padding: 5px 10px;
        border-block-end: 1px solid var(--line);
      }
      .meta div:last-child {
        border: 0;
      }
      .meta dd {
        color: var(--text-2);
        overflow-wrap: anywhere;
        text-align: end;
      }
      .meta del {
        color: var(--text-3);
      }
      .meta ins {
        color: var(--text);
        text-decoration: none;
        font-weight: 600;
      }
      .rounds {
        margin-block-end: 8px;
      }
      .rounds .field {
        inline-size: 74px;
        padding: 3px 6px;
        font-size: var(--size-2);
      }
      .fault {
        color: var(--failed);
        overflow-wrap: anywhere;
        margin-block-end: 8px;
      }
    `,
  ]
  static override properties = {
    selected: { attribute: false },
    chosen: { attribute: false },
  }
  /** Place of the chosen chunk. */
  declare selected: number | null
  declare chosen: ChosenStep | null

  constructor() {
    super()
    this.selected = null
    this.chosen = null
  }

  override render(): unknown {
    const { model, chosen, selected, stack, file, mode, tick } = this
    return html`<stack-view
        .stack=${stack}
        .file=${file}
        .mode=${mode}
        .model=${model}
        .tick=${tick}
        .chosen=${chosen?.step ?? null}
        @choose-step=${(event: CustomEvent<string | null>) =>
          this.#choose(event.detail === null ? null : { step: event.detail, loop: null })}
      ></stack-view>
      ${variablesView(model, chosen, (next) => this.#choose(next))} ${chunkDetails(model, selected)}`
  }

  #choose(chosen: ChosenStep | null): void {
    this.dispatchEvent(new CustomEvent('choose-step', { detail: chosen }))
  }
}

customElements.define('side-pane', SidePane)
