import { css, html, nothing } from 'lit'
import { formatMs } from '../page/numbers.ts'
import { shared } from '../page/styles.ts'
import { RunModel } from '../run/run-model.ts'
import { RunPanes, columnStyles } from '../run/run-panes.ts'
import { download } from './download.ts'
import type { Recording } from './recording.ts'
import { Replay, SPEEDS, type Speed } from './replay.ts'

/** A run that is over, with all that was seen of it, and played again at its own pace. Sends `repeat` and `close`. */
export class RecordingView extends RunPanes {
  static override styles = [
    ...shared,
    columnStyles,
    css`
      :host {
        display: grid;
        grid-template: auto minmax(0, 1fr) / minmax(0, 1fr) 312px;
        min-block-size: 0;
        block-size: 100%;
      }
      .top {
        grid-column: 1 / -1;
        padding: 10px 16px;
        border-block-end: 1px solid var(--line);
        background: var(--surface);
      }
      .top b {
        overflow-wrap: anywhere;
      }
      .top select {
        inline-size: auto;
        padding: 3px 6px;
        font-size: var(--size-2);
      }
      .inputs {
        margin-block-start: 18px;
      }
      .inputs pre {
        margin: 0;
        padding: 8px 10px;
        overflow: auto;
        white-space: pre-wrap;
        overflow-wrap: anywhere;
        font-size: var(--size-1);
      }
      @media (max-width: 1180px) {
        :host {
          grid-template: auto / minmax(0, 1fr);
          overflow: auto;
        }
        .stream {
          min-block-size: 620px;
        }
        .col {
          border-inline-end: 0;
          border-block-end: 1px solid var(--line);
        }
      }
    `,
  ]
  static override properties = {
    recording: { attribute: false },
    canRepeat: { attribute: false },
    mode: { attribute: false },
    file: { attribute: false },
    speed: { state: true },
  }
  declare recording: Recording
  /** Whether the server has the endpoint. */
  declare canRepeat: boolean
  declare mode: 'dev' | 'serve'
  /** File of the stack in this workspace; null: unknown. */
  declare file: string | null
  declare speed: Speed
  #replay: Replay | null = null

  constructor() {
    super()
    this.canRepeat = false
    this.mode = 'serve'
    this.file = null
    this.speed = 1
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#stop()
  }

  override willUpdate(changed: Map<string, unknown>): void {
    if (changed.has('recording')) this.#open().finish()
  }

  override render(): unknown {
    const { recording } = this
    const { method, path, stack, inputs, started_at: startedAt } = recording
    const isPlaying = this.#replay?.isPlaying === true
    return html`<div class="top row">
        <b class="mono">${method} ${path}</b>
        <span class="tiny grow"
          >${startedAt === null ? '' : `${new Date(startedAt).toLocaleString()} · `}${formatMs(recording.elapsed_ms)}${
            recording.is_timed ? '' : ' · times of its chunks are not known: a replay is even'
          }</span
        >
        <button class="btn slim" @click=${() => this.#toggle()}>${isPlaying ? 'Pause' : 'Replay'}</button>
        <label class="tiny"
          >speed
          <select class="field" @change=${(event: Event) => this.#setSpeed(event)}>
            ${SPEEDS.map((speed) => html`<option value=${speed} ?selected=${speed === this.speed}>${speed} ×</option>`)}
          </select></label
        >
        ${isPlaying ? html`<button class="btn slim" @click=${() => this.#finish()}>Show all</button>` : nothing}
        ${this.canRepeat ? html`<button class="btn slim" @click=${() => this.#send('repeat')}>Run again</button>` : nothing}
        <button class="btn slim" @click=${() => download(recording)}>Download</button>
        <button class="btn slim" @click=${() => this.#send('close')}>Close</button>
      </div>
      ${this.renderStream(stack)}
      <section class="col" aria-label="Function stack">
        ${this.renderStack(stack, this.file, this.mode)}
        <div class="inputs">
          <h2 class="part">Inputs</h2>
          ${
            inputs === null
              ? html`<p class="muted small">The inputs of this run are not kept.</p>`
              : html`<pre class="box mono" tabindex="0">${JSON.stringify(inputs, null, 2)}</pre>`
          }
        </div>
      </section>`
  }

  #open(): Replay {
    this.#stop()
    const model = new RunModel(this.recording, () => this.tick++)
    this.show(model)
    this.#replay = new Replay(this.recording, model, this.speed)
    return this.#replay
  }

  /** From its beginning, unless it was paused. */
  #toggle(): void {
    if (this.#replay?.isPlaying === true) this.#replay.pause()
    else if (this.#replay !== null && this.model?.state === 'paused') this.#replay.play()
    else this.#open().play()
    this.tick++
  }

  #finish(): void {
    this.#replay?.finish()
    this.tick++
  }

  #setSpeed(event: Event): void {
    const speed = SPEEDS.find((one) => String(one) === (event.target as HTMLSelectElement).value) ?? 1
    this.speed = speed
    if (this.#replay !== null) this.#replay.speed = speed
  }

  #stop(): void {
    this.#replay?.close()
    this.#replay = null
    this.model?.close()
  }

  #send(name: 'repeat' | 'close'): void {
    this.dispatchEvent(new CustomEvent(name))
  }
}

customElements.define('recording-view', RecordingView)
