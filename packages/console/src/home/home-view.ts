import { LitElement, css, html, nothing } from 'lit'
import type { Endpoint, Problem, Workspace } from '../api.ts'
import { fileLink } from '../page/file-link.ts'
import { formatAge, formatCount } from '../page/numbers.ts'
import { endpointHash } from '../page/route.ts'
import { shared } from '../page/styles.ts'
import { LiveStats } from './live-stats.ts'

const OUTCOMES: Readonly<Record<string, string>> = {
  completed: 'ok',
  failed: 'failed',
  refused: 'failed',
  cancelled: 'caught',
  abandoned: 'failed',
}

/** The start page: endpoints of the workspace, its problems, and a first call to try. */
export class HomeView extends LitElement {
  static override styles = [
    ...shared,
    css`
      :host {
        padding: 24px;
        overflow: auto;
        block-size: 100%;
        box-sizing: border-box;
      }
      .first {
        display: flex;
        flex-wrap: wrap;
        gap: 16px;
        align-items: center;
        padding: 20px;
        margin-block-end: 24px;
        box-shadow: var(--shadow);
      }
      h1 {
        margin: 0;
        font-size: var(--size-5);
        letter-spacing: -0.02em;
      }
      .first .grow {
        flex: 1 1 220px;
      }
      .first a {
        text-decoration: none;
      }
      .grid {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(min(100%, 300px), 1fr));
        gap: 12px;
        margin-block-end: 24px;
      }
      .card {
        padding: 14px 16px;
        text-decoration: none;
        display: grid;
        gap: 6px;
        align-content: start;
      }
      a.card:hover {
        border-color: var(--accent);
      }
      .card b {
        font-family: var(--mono);
        font-size: var(--size-2);
        overflow-wrap: anywhere;
      }
      .card .numbers {
        display: flex;
        flex-wrap: wrap;
        gap: 2px 12px;
        align-items: center;
        margin-block-start: 2px;
        font-variant-numeric: tabular-nums;
      }
      .card:target,
      .card.here {
        border-color: var(--accent);
      }
      .problem {
        display: grid;
        grid-template-columns: auto minmax(0, 1fr);
        gap: 10px;
        padding: 8px 12px;
        border-block-end: 1px solid var(--line);
        font-size: var(--size-2);
      }
      .problem .pill {
        align-self: start;
      }
      .problem:last-child {
        border: 0;
      }
      .problems {
        margin-block-end: 24px;
      }
    `,
  ]
  static override properties = { workspace: { attribute: false }, at: { attribute: false } }
  declare workspace: Workspace
  /** Id of the card to show; null: the top. */
  declare at: string | null
  readonly #stats = new LiveStats(this)

  constructor() {
    super()
    this.at = null
  }

  override updated(changed: Map<string, unknown>): void {
    if (!changed.has('at') || this.at === null) return
    const card = [...this.renderRoot.querySelectorAll('.card')].find(({ id }) => id === this.at)
    card?.scrollIntoView({ block: 'center' })
  }

  override render(): unknown {
    const { name, endpoints, channels, tables, problems } = this.workspace
    // Something to run with one click: nothing to fill in, no token; the shortest path is most likely the simplest.
    const simple = endpoints.filter(
      ({ inputs, authentication, method }) =>
        method === 'GET' && !authentication && inputs.every(({ required }) => !required),
    )
    const first = simple.toSorted((one, other) => one.path.length - other.path.length)[0] ?? endpoints[0]
    return html`<div class="box first">
        <div class="grow">
          <h1>${name}</h1>
          <p class="muted">
            ${first === undefined ? 'Put a file into endpoints/ and it is live.' : 'Run an endpoint and watch its stream, chunk by chunk.'}
          </p>
        </div>
        ${first === undefined ? nothing : html`<a class="btn go" href=${`${endpointHash(first)}?run`}>Run ${first.method} ${first.path}</a>`}
      </div>
      ${
        problems.length === 0
          ? nothing
          : html`<h2 class="part">Problems <span class="tiny">as streamstack check finds them</span></h2>
              <ul class="box problems">
                ${problems.map((problem) => this.#problem(problem))}
              </ul>`
      }
      <h2 class="part">Endpoints</h2>
      <div class="grid">${endpoints.map((endpoint) => this.#endpoint(endpoint))}</div>
      ${
        channels.length === 0
          ? nothing
          : html`<h2 class="part">Channels</h2>
              <div class="grid">
                ${channels.map(({ name: channel, description, file }) => this.#card(`channel-${channel}`, channel, description ?? 'channel', file))}
              </div>`
      }
      ${
        tables.length === 0
          ? nothing
          : html`<h2 class="part">Tables</h2>
              <div class="grid">
                ${tables.map(({ name: table, columns, file }) =>
                  this.#card(
                    `table-${table}`,
                    table,
                    columns.map((column) => `${column.name} ${column.type}`).join(', '),
                    file,
                  ),
                )}
              </div>`
      }`
  }

  #problem({ severity, message, file, line, column }: Problem): unknown {
    return html`<li class="problem">
      <span class="pill ${severity === 'error' ? 'failed' : 'caught'}">${severity}</span>
      <span>${message} ${fileLink(this.workspace.mode, { file, line, column })}</span>
    </li>`
  }

  #endpoint(endpoint: Endpoint): unknown {
    const { method, path, authentication, description, file } = endpoint
    return html`<a class="box card" href=${endpointHash(endpoint)}>
      <span class="row"
        ><span class="verb ${method === 'GET' ? '' : 'post'}">${method}</span
        ><b>${path}</b> ${authentication ? html`<span class="pill plain">token</span>` : nothing}</span
      >
      <span class="muted small">${description ?? file}</span>
      ${this.#numbers(endpoint)}
    </a>`
  }

  #numbers({ name, method, path }: Endpoint): unknown {
    const stats = this.#stats.of(name)
    const last = this.#stats.lastCall(`${method} ${path}`)
    if (stats === null && last === null) return nothing
    return html`<span class="numbers tiny">
      ${
        last === null
          ? html`<span>not called yet</span>`
          : html`<span class="pill ${OUTCOMES[last.outcome] ?? ''}">${last.outcome}</span>
              <span>${formatAge(Date.now() - last.atMs)}</span>`
      }
      ${stats === null || stats.perMinute === 0 ? nothing : html`<span>${formatCount(stats.perMinute)} a minute</span>`}
      ${stats?.errorRate == null ? nothing : html`<span>${Math.round(stats.errorRate * 1_000) / 10} % errors</span>`}
    </span>`
  }

  #card(id: string, name: string, text: string, file: string): unknown {
    return html`<div class="box card ${id === this.at ? 'here' : ''}" id=${id}>
      <b>${name}</b><span class="muted small">${text}</span>
      <span class="tiny">${fileLink(this.workspace.mode, { file, line: 1 }, file)}</span>
    </div>`
  }
}

customElements.define('home-view', HomeView)
