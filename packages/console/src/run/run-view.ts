import { LitElement, css, html, nothing } from 'lit'
import { type Endpoint, type Step, type Workspace, developerToken, session } from '../api.ts'
import { formatBytes, formatCount, formatMs } from '../page/numbers.ts'
import { shared } from '../page/styles.ts'
import './chunk-list.ts'
import './request-form.ts'
import './stack-view.ts'
import './waterfall.ts'
import { contentText } from './chunk-store.ts'
import type { CallFormat } from './request-form.ts'
import { RunModel, type RunState } from './run-model.ts'

const VIEWS = ['chunks', 'text', 'table', 'json', 'raw'] as const
type View = (typeof VIEWS)[number]

/** Rows and characters that the other views show; the chunks view shows all. */
const TABLE_ROWS_MAX = 500
const TEXT_CHARACTERS_MAX = 200_000

const STATES: Readonly<Record<RunState, { readonly word: string; readonly color: string }>> = {
  idle: { word: 'not run yet', color: '' },
  connecting: { word: 'connecting', color: 'running' },
  streaming: { word: 'streaming', color: 'running' },
  reconnecting: { word: 'reconnecting', color: 'caught' },
  completed: { word: 'completed', color: 'ok' },
  failed: { word: 'failed', color: 'failed' },
  cancelled: { word: 'cancelled', color: 'caught' },
  abandoned: { word: 'abandoned', color: 'failed' },
  stopped: { word: 'left', color: 'caught' },
}

interface Asked {
  readonly inputs: Readonly<Record<string, unknown>>
  readonly format: CallFormat
  readonly caller: 'nobody' | 'developer' | 'token'
  readonly token: string
  readonly roles: readonly string[]
}

/** An endpoint's page: the request, its stream, its stack. */
export class RunView extends LitElement {
  static override styles = [
    ...shared,
    css`
      :host {
        display: grid;
        grid-template-columns: 284px minmax(0, 1fr) 312px;
        min-block-size: 0;
        block-size: 100%;
      }
      .col {
        padding: 16px;
        border-inline-end: 1px solid var(--line);
        overflow: auto;
        min-inline-size: 0;
      }
      .col:last-child {
        border: 0;
      }
      .stream {
        display: flex;
        flex-direction: column;
        gap: 10px;
        overflow: hidden;
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
      chunk-list {
        flex: 1;
      }
      .whole {
        flex: 1;
        min-block-size: 200px;
        overflow: auto;
        padding: 12px;
        white-space: pre-wrap;
        overflow-wrap: anywhere;
        margin: 0;
      }
      .whole.mono {
        white-space: pre;
      }
      table {
        border-collapse: collapse;
        font-size: var(--size-2);
        inline-size: 100%;
      }
      th,
      td {
        text-align: start;
        padding: 4px 8px;
        border-block-end: 1px solid var(--line);
        max-inline-size: 320px;
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      th {
        color: var(--text-3);
        font-weight: 500;
        position: sticky;
        inset-block-start: 0;
        background: var(--surface);
      }
      .error {
        padding: 8px 12px;
        border-color: var(--failed);
        color: var(--failed);
        font-size: var(--size-2);
      }
      .meta {
        margin-block-start: 18px;
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
      .meta span {
        color: var(--text-2);
        overflow-wrap: anywhere;
        text-align: end;
      }
      @media (max-width: 1180px) {
        :host {
          grid-template-columns: 284px minmax(0, 1fr);
          overflow: auto;
        }
        .col:last-child {
          grid-column: 1 / -1;
          border-block-start: 1px solid var(--line);
        }
        .stream {
          min-block-size: 620px;
        }
      }
      @media (max-width: 760px) {
        :host {
          grid-template-columns: minmax(0, 1fr);
        }
        .col {
          border-inline-end: 0;
          border-block-end: 1px solid var(--line);
        }
      }
    `,
  ]
  static override properties = {
    endpoint: { attribute: false },
    workspace: { attribute: false },
    model: { state: true },
    tick: { state: true },
    view: { state: true },
    filter: { state: true },
    frozen: { state: true },
    selected: { state: true },
    fault: { state: true },
  }
  declare endpoint: Endpoint
  declare workspace: Workspace
  declare model: RunModel | null
  declare tick: number
  declare view: View
  declare filter: string
  declare frozen: boolean
  declare selected: number | null
  declare fault: string
  #clock = 0
  #labels: ReadonlyMap<string, string> = new Map()

  constructor() {
    super()
    this.model = null
    this.tick = 0
    this.view = 'chunks'
    this.filter = ''
    this.frozen = false
    this.selected = null
    this.fault = ''
  }

  override willUpdate(changed: Map<string, unknown>): void {
    if (!changed.has('endpoint')) return
    this.#labels = stepLabels(this.endpoint.stack)
    const before = changed.get('endpoint') as Endpoint | undefined
    // A file that was saved again is the same endpoint: its last run stays in sight.
    if (before !== undefined && before.method === this.endpoint.method && before.path === this.endpoint.path) return
    this.model?.leave()
    this.model = null
    this.selected = null
    this.fault = ''
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.model?.leave()
    clearInterval(this.#clock)
  }

  override render(): unknown {
    const { model, endpoint, workspace } = this
    const chunk = this.selected === null ? undefined : model?.chunks.at(this.selected)
    const sender = chunk === undefined ? null : (model?.trace.senderOf(chunk.offset) ?? null)
    return html`<section class="col" aria-label="Request">
        <request-form
          .endpoint=${endpoint}
          .open=${model?.isOpen ?? false}
          .canMakeTokens=${workspace.mode === 'dev' && workspace.checks_tokens}
          @run=${(event: CustomEvent<Asked>) => void this.#run(event.detail)}
          @stop=${() => model?.stop()}
        ></request-form>
      </section>
      <section class="col stream" aria-label="Stream">
        ${this.#facts()}
        ${
          this.fault === '' && model?.error == null
            ? nothing
            : html`<p class="box error" role="alert">
                ${this.fault === '' ? `${model?.error?.code}: ${model?.error?.message}` : this.fault}
              </p>`
        }
        <chunk-waterfall .model=${model} .tick=${this.tick} .selected=${this.selected}></chunk-waterfall>
        <div class="row tools">
          <div class="seg" role="group" aria-label="View">
            ${VIEWS.map((view) => html`<button aria-pressed=${this.view === view} @click=${() => (this.view = view)}>${capital(view)}</button>`)}
          </div>
          <input
            class="field"
            type="search"
            placeholder="Filter: text, /regex/, kind:error"
            aria-label="Filter chunks"
            .value=${this.filter}
            @input=${(event: Event) => (this.filter = (event.target as HTMLInputElement).value)}
          />
          <button class="btn slim" aria-pressed=${this.frozen} @click=${() => (this.frozen = !this.frozen)}>
            ${this.frozen ? 'Follow' : 'Freeze'}
          </button>
        </div>
        ${this.#content()}
        <p class="vh" role="status">
          ${model === null || model.isOpen ? '' : `${STATES[model.state].word}, ${formatCount(model.chunks.count)} chunks`}
        </p>
      </section>
      <section class="col" aria-label="Function stack">
        <stack-view
          .endpoint=${endpoint}
          .model=${model}
          .tick=${this.tick}
          .chosen=${sender?.step ?? null}
        ></stack-view>
        ${
          chunk === undefined
            ? nothing
            : html`<h2 class="part meta-head">
                  Chunk ${chunk.offset ?? (this.selected ?? 0) + 1} <span class="tiny">${chunk.kind}</span>
                </h2>
                <div class="box meta">
                  <div>sent by<span>${sender?.text ?? 'not known'}</span></div>
                  <div>after<span>${formatMs(model?.chunks.timeMs(this.selected ?? 0) ?? 0)}</span></div>
                  ${Object.entries(chunk.metadata ?? {}).map(([name, value]) => html`<div>${name}<span>${contentText(value)}</span></div>`)}
                  <div>content<span>${contentText(chunk.content).slice(0, 2_000)}</span></div>
                </div>`
        }
      </section>`
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
        : `${Math.round(chunks.gapQuantile(0.5))} / ${formatMs(chunks.gapQuantile(0.95))}`
    return html`<div class="box facts">
      <span class="pill ${color}">${word}</span>
      ${fact(first, 'first chunk')} ${fact(formatCount(chunks?.count ?? 0), 'chunks')}
      ${fact(formatBytes(chunks?.bytes ?? 0), 'content')} ${fact(gaps, 'gap p50 / p95')}
      ${fact(model === null ? '–' : formatMs(model.elapsedMs), 'elapsed')}
      ${model !== null && model.resumed > 0 ? fact(String(model.resumed), 'resumed') : nothing}
      <span class="grow"></span>
      <button class="btn slim" ?disabled=${model?.isOpen !== true} @click=${() => model?.drop()}>
        Drop connection
      </button>
    </div>`
  }

  #content(): unknown {
    const { model, view } = this
    if (view === 'chunks') {
      return html`<chunk-list
        .model=${model}
        .tick=${this.frozen ? -1 : this.tick}
        .filter=${this.filter}
        .selected=${this.selected}
        .labels=${this.#labels}
        .frozen=${this.frozen}
        @choose=${(event: CustomEvent<number>) => (this.selected = event.detail)}
        @thaw=${() => (this.frozen = false)}
      ></chunk-list>`
    }
    if (model === null) return html`<p class="whole muted">Nothing has been run yet.</p>`
    if (view === 'text')
      return html`<p class="whole box" tabindex="0">${model.chunks.text().slice(-TEXT_CHARACTERS_MAX)}</p>`
    if (view === 'raw') {
      return html`<pre class="whole box mono" tabindex="0">
${model.raw}${model.isRawCut ? '\n… more is not shown' : ''}</pre>`
    }
    if (view === 'json') {
      const values = model.chunks.contents.slice(0, TABLE_ROWS_MAX).map(({ content }) => content)
      return html`<pre class="whole box mono" tabindex="0">${JSON.stringify(values, null, 2)}</pre>`
    }
    return this.#table(model)
  }

  #table(model: RunModel): unknown {
    const rows = model.chunks.contents
      .flatMap(({ kind, content }) => (kind === 'json' ? [content].flat() : []))
      .filter((row): row is Record<string, unknown> => typeof row === 'object' && row !== null)
      .slice(0, TABLE_ROWS_MAX)
    if (rows.length === 0) return html`<p class="whole muted">No chunk holds objects that could be rows.</p>`
    const columns = [...new Set(rows.slice(0, 50).flatMap((row) => Object.keys(row)))]
    return html`<div class="whole box" tabindex="0">
      <table>
        <thead>
          <tr>
            ${columns.map((column) => html`<th scope="col">${column}</th>`)}
          </tr>
        </thead>
        <tbody class="mono">
          ${rows.map(
            (row) =>
              html`<tr>
                ${columns.map((column) => html`<td>${cellText(row[column])}</td>`)}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`
  }

  async #run({ inputs, format, caller, token, roles }: Asked): Promise<void> {
    this.fault = ''
    this.selected = null
    this.frozen = false
    this.model?.leave()
    let bearer = caller === 'token' ? token : ''
    if (caller === 'developer') {
      try {
        bearer = await developerToken('developer', roles)
      } catch (error) {
        this.fault = (error as Error).message
        return
      }
    }
    // The console's own right, where the server asks for one, is needed for the trace.
    if (bearer === '') bearer = session.token
    const model = new RunModel(this.endpoint, () => {
      this.tick++
      if (!model.isOpen) clearInterval(this.#clock)
    })
    this.model = model
    clearInterval(this.#clock)
    this.#clock = window.setInterval(() => this.tick++, 100)
    model.start({ inputs, format, token: bearer })
  }

  /** Runs with what the form holds: the command of the palette. */
  runNow(): void {
    this.renderRoot.querySelector('request-form')?.shadowRoot?.querySelector('form')?.requestSubmit()
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

function capital(word: string): string {
  return word === 'json' ? 'JSON' : word.slice(0, 1).toUpperCase() + word.slice(1)
}

function cellText(value: unknown): string {
  if (value === undefined || value === null) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}

customElements.define('run-view', RunView)
