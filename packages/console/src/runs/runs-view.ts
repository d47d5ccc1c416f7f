import { LitElement, css, html, nothing } from 'lit'
import { ApiError, type ListedRun, api, clientOf, session } from '../api.ts'
import { formatCount, formatMs } from '../page/numbers.ts'
import { shared } from '../page/styles.ts'
import { contentText } from '../run/chunk-store.ts'

interface Page {
  readonly runs: readonly ListedRun[]
  readonly next_cursor: string | null
}

const OUTCOMES = ['running', 'completed', 'failed', 'cancelled', 'abandoned'] as const
const COLORS: Readonly<Record<string, string>> = {
  completed: 'ok',
  failed: 'failed',
  cancelled: 'caught',
  abandoned: 'failed',
  running: 'running',
}

/** Chunks of an opened run that are shown. */
const SHOWN_MAX = 1_000

interface OpenedRun {
  readonly run: string
  readonly chunks: { readonly offset: number | null; readonly content: unknown; readonly kind: string }[]
  outcome: string | null
  error: string | null
}

/** The runs that the caller may see, and one of them opened. */
export class RunsView extends LitElement {
  static override styles = [
    ...shared,
    css`
      :host {
        display: grid;
        grid-template: minmax(0, 1fr) / minmax(0, 1fr) minmax(0, 1fr);
        block-size: 100%;
        min-block-size: 0;
      }
      .col {
        padding: 16px;
        overflow: auto;
        border-inline-end: 1px solid var(--line);
      }
      .row h2 {
        margin: 0;
      }
      ul {
        margin-block-start: 12px;
      }
      .item {
        display: grid;
        grid-template-columns: minmax(0, 1fr) auto;
        gap: 2px 10px;
        inline-size: 100%;
        text-align: start;
        padding: 8px 12px;
        border: 0;
        border-block-end: 1px solid var(--line);
        background: none;
        font-weight: 400;
      }
      .item:hover,
      .item[aria-current] {
        background: var(--accent-weak);
      }
      select.field {
        inline-size: auto;
        padding: 4px 9px;
      }
      .line {
        display: grid;
        grid-template-columns: 56px minmax(0, 1fr);
        gap: 10px;
        padding: 4px 8px;
        border-block-end: 1px solid var(--line);
        font: var(--size-2) var(--mono);
        overflow-wrap: anywhere;
      }
      .line span:first-child {
        text-align: end;
        color: var(--text-2);
      }
      .error {
        color: var(--failed);
        padding-block: 12px;
      }
      @media (max-width: 760px) {
        :host {
          grid-template-columns: minmax(0, 1fr);
          overflow: auto;
        }
      }
    `,
  ]
  static override properties = {
    chosen: { attribute: false },
    runs: { state: true },
    outcome: { state: true },
    fault: { state: true },
    opened: { state: true },
    tick: { state: true },
  }
  /** Id of the run to open; null: none. */
  declare chosen: string | null
  declare runs: readonly ListedRun[]
  declare outcome: string
  declare fault: string
  declare opened: OpenedRun | null
  declare tick: number
  #abort: AbortController | null = null

  constructor() {
    super()
    this.chosen = null
    this.runs = []
    this.outcome = ''
    this.fault = ''
    this.opened = null
    this.tick = 0
  }

  override connectedCallback(): void {
    super.connectedCallback()
    void this.#load()
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#abort?.abort()
  }

  override willUpdate(changed: Map<string, unknown>): void {
    if (changed.has('chosen') && this.chosen !== null && this.opened?.run !== this.chosen) this.#open(this.chosen)
  }

  override render(): unknown {
    return html`<section class="col" aria-label="Runs">
        <div class="row">
          <h2 class="part grow">Runs</h2>
          <select class="field" aria-label="Outcome" @change=${(event: Event) => this.#filter(event)}>
            <option value="">all outcomes</option>
            ${OUTCOMES.map((outcome) => html`<option ?selected=${outcome === this.outcome}>${outcome}</option>`)}
          </select>
          <button class="btn slim" @click=${() => void this.#load()}>Refresh</button>
        </div>
        ${this.fault === '' ? nothing : html`<p class="error" role="alert">${this.fault}</p>`}
        ${this.runs.length === 0 && this.fault === '' ? html`<p class="muted small">No run that this caller may see is kept.</p>` : nothing}
        <ul>
          ${this.runs.map(
            ({ id: run, route, outcome, started_at: started, ended_at: ended, chunks }) =>
              html`<li>
                <button
                  class="item"
                  aria-current=${run === this.chosen ? 'true' : nothing}
                  @click=${() => (location.hash = `#/runs/${run}`)}
                >
                  <b class="mono">${route}</b
                  ><span class="pill ${COLORS[outcome ?? 'running'] ?? ''}">${outcome ?? 'running'}</span>
                  <span class="tiny"
                    >${new Date(started).toLocaleTimeString()} · ${formatCount(chunks)}
                    chunks${ended === null ? '' : ` · ${formatMs(Date.parse(ended) - Date.parse(started))}`}</span
                  >
                </button>
              </li>`,
          )}
        </ul>
      </section>
      <section class="col" aria-label="Run">
        ${this.opened === null ? html`<p class="muted">Choose a run to read it again from its first chunk.</p>` : this.#run(this.opened)}
      </section>`
  }

  #run({ run, chunks, outcome, error }: OpenedRun): unknown {
    return html`<h2 class="part">
        <span class="mono">${run}</span>
        <span class="pill ${COLORS[outcome ?? 'running'] ?? ''}">${outcome ?? 'reading'}</span>
      </h2>
      <div class="row">
        <span class="tiny">${formatCount(chunks.length)} chunks</span><span class="grow"></span>
        <button class="btn slim" @click=${() => this.#download()}>Download</button>
      </div>
      ${error === null ? nothing : html`<p class="error">${error}</p>`}
      ${chunks.slice(-SHOWN_MAX).map(({ offset, content }) => html`<div class="line"><span>${offset ?? ''}</span><span>${contentText(content)}</span></div>`)}`
  }

  async #load(): Promise<void> {
    try {
      const query = new URLSearchParams({ limit: '100', ...(this.outcome === '' ? {} : { outcome: this.outcome }) })
      this.runs = (await api<Page>(`/v1/workspace/runs?${query.toString()}`)).runs
      this.fault = ''
    } catch (error) {
      this.fault = error instanceof ApiError ? error.message : 'The list could not be read.'
    }
  }

  #filter(event: Event): void {
    this.outcome = (event.target as HTMLSelectElement).value
    void this.#load()
  }

  #open(run: string): void {
    this.#abort?.abort()
    this.#abort = new AbortController()
    const opened: OpenedRun = { run, chunks: [], outcome: null, error: null }
    this.opened = opened
    const stream = clientOf(session.token).read(`/v1/stream/runs/${run}`, { signal: this.#abort.signal, kinds: 'all' })
    stream.on('chunk', ({ offset, content, kind }) => {
      opened.chunks.push({ offset, content, kind })
      this.tick++
    })
    stream.on('end', ({ outcome, error }) => {
      opened.outcome = outcome
      opened.error = error === null ? null : error.message
      this.tick++
    })
  }

  #download(): void {
    const text = JSON.stringify({ streamstack_run: 1, ...this.opened })
    const link = document.createElement('a')
    link.href = URL.createObjectURL(new Blob([text], { type: 'application/json' }))
    link.download = `${this.opened?.run ?? 'run'}.json`
    link.click()
    URL.revokeObjectURL(link.href)
  }
}

customElements.define('runs-view', RunsView)
