import { LitElement, css, html, nothing } from 'lit'
import type { Workspace } from '../api.ts'
import { shared } from '../page/styles.ts'
import { endpointHash } from '../page/route.ts'

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
      .problem {
        display: grid;
        grid-template-columns: auto minmax(0, 1fr);
        gap: 10px;
        padding: 8px 12px;
        border-block-end: 1px solid var(--line);
        font-size: var(--size-2);
      }
      .problem:last-child {
        border: 0;
      }
      .problems {
        margin-block-end: 24px;
      }
    `,
  ]
  static override properties = { workspace: { attribute: false } }
  declare workspace: Workspace

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
                ${problems.map(
                  ({ severity, message, file, line, column }) =>
                    html`<li class="problem">
                      <span class="pill ${severity === 'error' ? 'failed' : 'caught'}">${severity}</span>
                      <span>${message} <span class="mono muted">${file}:${line}:${column}</span></span>
                    </li>`,
                )}
              </ul>`
      }
      <h2 class="part">Endpoints</h2>
      <div class="grid">
        ${endpoints.map(
          (endpoint) =>
            html`<a class="box card" href=${endpointHash(endpoint)}>
              <span class="row"
                ><span class="verb ${endpoint.method === 'GET' ? '' : 'post'}">${endpoint.method}</span
                ><b>${endpoint.path}</b>
                ${endpoint.authentication ? html`<span class="pill plain">token</span>` : nothing}</span
              >
              <span class="muted small">${endpoint.description ?? endpoint.file}</span>
            </a>`,
        )}
      </div>
      ${
        channels.length === 0
          ? nothing
          : html`<h2 class="part">Channels</h2>
              <div class="grid">
                ${channels.map(({ name: channel, description, file }) => html`<div class="box card"><b>${channel}</b><span class="muted small">${description ?? file}</span></div>`)}
              </div>`
      }
      ${
        tables.length === 0
          ? nothing
          : html`<h2 class="part">Tables</h2>
              <div class="grid">
                ${tables.map(
                  ({ name: table, columns }) =>
                    html`<div class="box card">
                      <b>${table}</b
                      ><span class="muted small"
                        >${columns.map((column) => `${column.name} ${column.type}`).join(', ')}</span
                      >
                    </div>`,
                )}
              </div>`
      }`
  }
}

customElements.define('home-view', HomeView)
