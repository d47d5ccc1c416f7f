import { LitElement, html, nothing } from 'lit'
import { ApiError, type Endpoint, type ListedRun, type Workspace, api } from '../api.ts'
import { formatCount, formatMs } from '../page/numbers.ts'
import { endpointHash } from '../page/route.ts'
import { shared } from '../page/styles.ts'
import { inputsOf, repeatWith } from './known-inputs.ts'
import { readRun } from './read-run.ts'
import { FILE_BYTES_MAX, type Recording, parseRecording } from './recording.ts'
import './recording-view.ts'
import { runsViewStyles } from './runs-view-styles.ts'

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

/** The runs that the caller may see, and one of them opened, from the server or from a file. */
export class RunsView extends LitElement {
  static override styles = [...shared, runsViewStyles]
  static override properties = {
    chosen: { attribute: false },
    workspace: { attribute: false },
    runs: { state: true },
    more: { state: true },
    outcome: { state: true },
    route: { state: true },
    fault: { state: true },
    opened: { state: true },
    reading: { state: true },
    openFault: { state: true },
    isOver: { state: true },
  }
  /** Id of the run to open; null: none. */
  declare chosen: string | null
  /** Null: the server cannot be reached, or does not say. */
  declare workspace: Workspace | null
  declare runs: readonly ListedRun[]
  /** Cursor of the next page; null: there is none. */
  declare more: string | null
  declare outcome: string
  /** Method and path of an endpoint, or ''. */
  declare route: string
  declare fault: string
  declare opened: Recording | null
  /** Chunks that were read so far; null: nothing is read. */
  declare reading: number | null
  declare openFault: string
  declare isOver: boolean
  #abort: AbortController | null = null

  constructor() {
    super()
    this.chosen = null
    this.workspace = null
    this.runs = []
    this.more = null
    this.outcome = ''
    this.route = ''
    this.fault = ''
    this.opened = null
    this.reading = null
    this.openFault = ''
    this.isOver = false
  }

  override connectedCallback(): void {
    super.connectedCallback()
    void this.#load(null)
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#abort?.abort()
  }

  override willUpdate(changed: Map<string, unknown>): void {
    if (changed.has('chosen') && this.chosen !== null && this.opened?.run !== this.chosen) void this.#open(this.chosen)
  }

  override render(): unknown {
    return html`<section class="list" aria-label="Runs">
        <div class="row">
          <h2 class="part grow">Runs</h2>
          <button class="btn slim" @click=${() => void this.#load(null)}>Refresh</button>
          <button class="btn slim" @click=${() => this.renderRoot.querySelector('input')?.click()}>Open a file</button>
          <input
            type="file"
            accept=".json"
            hidden
            aria-label="File of a run"
            @change=${(event: Event) => this.#pick(event)}
          />
        </div>
        <div class="row filters">
          <select class="field" aria-label="Endpoint" @change=${(event: Event) => this.#filter('route', event)}>
            <option value="">all endpoints</option>
            ${(this.workspace?.endpoints ?? []).map(
              ({ method, path }) =>
                html`<option ?selected=${`${method} ${path}` === this.route}>${method} ${path}</option>`,
            )}
          </select>
          <select class="field" aria-label="Outcome" @change=${(event: Event) => this.#filter('outcome', event)}>
            <option value="">all outcomes</option>
            ${OUTCOMES.map((outcome) => html`<option ?selected=${outcome === this.outcome}>${outcome}</option>`)}
          </select>
        </div>
        ${this.fault === '' ? nothing : html`<p class="error" role="alert">${this.fault}</p>`}
        ${
          this.runs.length === 0 && this.fault === ''
            ? html`<p class="muted small wait">
                No run that you may see is kept. Run an endpoint, and it is listed here.
              </p>`
            : nothing
        }
        <ul>
          ${this.runs.map((run) => html`<li>${this.#item(run)}</li>`)}
        </ul>
        ${this.more === null ? nothing : html`<button class="btn slim" @click=${() => void this.#load(this.more)}>More</button>`}
      </section>
      <section
        class="opened ${this.isOver ? 'over' : ''}"
        aria-label="Run"
        @dragover=${(event: DragEvent) => this.#over(event, true)}
        @dragleave=${(event: DragEvent) => this.#over(event, false)}
        @drop=${(event: DragEvent) => this.#drop(event)}
      >
        ${this.#right()}
      </section>`
  }

  #item({ id: run, route, outcome, started_at: started, ended_at: ended, chunks }: ListedRun): unknown {
    const lasted = ended === null ? '' : ` · ${formatMs(Date.parse(ended) - Date.parse(started))}`
    return html`<button
      class="item"
      aria-current=${run === this.chosen ? 'true' : nothing}
      @click=${() => (location.hash = `#/runs/${run}`)}
    >
      <b class="mono">${route}</b
      ><span class="pill ${COLORS[outcome ?? 'running'] ?? ''}">${outcome ?? 'running'}</span>
      <span class="tiny">${new Date(started).toLocaleTimeString()} · ${formatCount(chunks)} chunks${lasted}</span>
    </button>`
  }

  #right(): unknown {
    if (this.openFault !== '') return html`<p class="error wait" role="alert">${this.openFault}</p>`
    if (this.reading !== null) {
      return html`<p class="muted wait" role="status">Reading the run: ${formatCount(this.reading)} chunks.</p>`
    }
    if (this.opened === null) {
      return html`<p class="muted wait">
        Choose a run to see it again and replay it, or drop the file of a run here. A file needs no server.
      </p>`
    }
    const { method, path } = this.opened
    const endpoint = this.workspace?.endpoints.find((one) => one.method === method && one.path === path)
    return html`<recording-view
      .recording=${this.opened}
      .mode=${this.workspace?.mode ?? 'serve'}
      .file=${endpoint?.file ?? null}
      .canRepeat=${endpoint !== undefined}
      @repeat=${() => endpoint !== undefined && this.#repeat(endpoint)}
      @close=${() => this.#close()}
    ></recording-view>`
  }

  async #load(cursor: string | null): Promise<void> {
    try {
      const query = new URLSearchParams({ limit: '100' })
      if (this.outcome !== '') query.set('outcome', this.outcome)
      if (this.route !== '') query.set('endpoint', this.route)
      if (cursor !== null) query.set('cursor', cursor)
      const page = await api<Page>(`/v1/workspace/runs?${query.toString()}`)
      this.runs = cursor === null ? page.runs : [...this.runs, ...page.runs]
      this.more = page.next_cursor
      this.fault = ''
    } catch (error) {
      this.fault = error instanceof ApiError ? error.message : 'The list could not be read.'
    }
  }

  #filter(name: 'route' | 'outcome', event: Event): void {
    this[name] = (event.target as HTMLSelectElement).value
    void this.#load(null)
  }

  async #open(run: string): Promise<void> {
    this.#abort?.abort()
    const abort = (this.#abort = new AbortController())
    this.opened = null
    this.openFault = ''
    this.reading = 0
    try {
      const opened = await readRun(run, this.workspace, {
        signal: abort.signal,
        onCount: (chunks) => (this.reading = chunks),
      })
      if (!abort.signal.aborted) this.opened = opened
    } catch (error) {
      if (!abort.signal.aborted) this.openFault = (error as Error).message
    }
    if (!abort.signal.aborted) this.reading = null
  }

  #close(): void {
    this.opened = null
    location.hash = '#/runs'
  }

  #repeat(endpoint: Endpoint): void {
    const { run = null, inputs = null } = this.opened ?? {}
    // A secret that was typed in this page is still known.
    const known = run === null ? null : inputsOf(run)
    repeatWith({ method: endpoint.method, path: endpoint.path, inputs: known ?? inputs ?? {} })
    location.hash = `${endpointHash(endpoint)}?run`
  }

  #pick(event: Event): void {
    const input = event.target as HTMLInputElement
    void this.#openFile(input.files?.[0])
    input.value = ''
  }

  #over(event: DragEvent, isOver: boolean): void {
    event.preventDefault()
    this.isOver = isOver
  }

  #drop(event: DragEvent): void {
    event.preventDefault()
    this.isOver = false
    void this.#openFile(event.dataTransfer?.files[0])
  }

  async #openFile(file: File | undefined): Promise<void> {
    if (file === undefined) return
    this.#abort?.abort()
    this.reading = null
    this.openFault = ''
    try {
      if (file.size > FILE_BYTES_MAX) throw new Error('The file is too large to be a run.')
      this.opened = parseRecording(await file.text())
    } catch (error) {
      this.opened = null
      this.openFault = `${file.name}: ${(error as Error).message}`
    }
  }
}

customElements.define('runs-view', RunsView)
