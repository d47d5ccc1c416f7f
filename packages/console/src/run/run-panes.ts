import { LitElement, type PropertyDeclarations, type TemplateResult, css, html } from 'lit'
import type { Step } from '../api.ts'
import type { RunModel } from './run-model.ts'
import './side-pane.ts'
import './stream-pane.ts'
import type { ChosenStep } from './variables-view.ts'

/** Columns that scroll by themselves; the stream's holds its own scrolling list. */
export const columnStyles = css`
  .col {
    padding: 16px;
    overflow: auto;
    min-inline-size: 0;
    border-inline-end: 1px solid var(--line);
  }
  .col:last-child {
    border: 0;
  }
  .stream {
    display: flex;
    flex-direction: column;
    overflow: hidden;
  }
  stream-pane {
    flex: 1;
  }
`

/** A run with its stream and its function stack side by side: a chosen chunk chooses its step, and the stack marks it. */
export class RunPanes extends LitElement {
  static override properties: PropertyDeclarations = {
    model: { state: true },
    tick: { state: true },
    selected: { state: true },
    chosen: { state: true },
  }
  declare model: RunModel | null
  declare tick: number
  /** Place of the chosen chunk. */
  declare selected: number | null
  declare chosen: ChosenStep | null

  constructor() {
    super()
    this.model = null
    this.tick = 0
    this.selected = null
    this.chosen = null
  }

  /** Shows a run, or none, with nothing chosen. */
  protected show(model: RunModel | null): void {
    this.model = model
    this.selected = null
    this.chosen = null
  }

  /** `fault`: what went wrong before there was a run. `actions`: fill the pane's slot of that name. */
  protected renderStream(stack: readonly Step[], fault = '', actions: unknown = null): TemplateResult {
    return html`<section class="col stream" aria-label="Stream">
      <stream-pane
        .model=${this.model}
        .stack=${stack}
        .fault=${fault}
        .selected=${this.selected}
        .step=${this.chosen?.step ?? null}
        .tick=${this.tick}
        @choose=${(event: CustomEvent<number>) => this.#choose(event.detail)}
        >${actions}</stream-pane
      >
    </section>`
  }

  protected renderStack(stack: readonly Step[], file: string | null, mode: 'dev' | 'serve'): TemplateResult {
    return html`<side-pane
      .stack=${stack}
      .file=${file}
      .mode=${mode}
      .model=${this.model}
      .tick=${this.tick}
      .selected=${this.selected}
      .chosen=${this.chosen}
      @choose-step=${(event: CustomEvent<ChosenStep | null>) => (this.chosen = event.detail)}
    ></side-pane>`
  }

  /** Chooses a chunk, and with it the step and the round that sent it. */
  #choose(index: number): void {
    this.selected = index
    this.chosen = this.model?.trace.senderOf(this.model.chunks.at(index)?.offset ?? null) ?? null
  }
}
