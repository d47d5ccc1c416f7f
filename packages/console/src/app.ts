import { LitElement, css, html, nothing } from 'lit'
import { ApiError, type Endpoint, type Workspace, api, session } from './api.ts'
import './dashboard/dashboard-view.ts'
import './home/home-view.ts'
import { type Command, CommandPalette } from './page/command-palette.ts'
import { type Route, endpointHash, routeOf } from './page/route.ts'
import { shared } from './page/styles.ts'
import { RunView } from './run/run-view.ts'
import './runs/runs-view.ts'

const THEME_KEY = 'streamstack-console-theme'

/** Interval between reads of the workspace, so that saved files show soon. */
const REFRESH_MS = 2_000

/** The page: a bar, a list of what there is, and the chosen part. */
export class ConsoleApp extends LitElement {
  static override styles = [
    ...shared,
    css`
      :host {
        display: grid;
        grid-template: 48px minmax(0, 1fr) / 232px minmax(0, 1fr);
        block-size: 100vh;
        background: var(--bg);
      }
      header {
        grid-column: 1 / -1;
        display: flex;
        align-items: center;
        gap: 16px;
        padding-inline: 16px;
        background: var(--surface);
        border-block-end: 1px solid var(--line);
      }
      .brand {
        display: flex;
        gap: 9px;
        align-items: center;
        font-weight: 650;
        letter-spacing: -0.01em;
        text-decoration: none;
      }
      .find {
        flex: 0 1 420px;
        margin-inline: auto;
        display: flex;
        justify-content: space-between;
        padding: 6px 10px;
        border: 1px solid var(--line);
        border-radius: var(--radius);
        background: var(--sunken);
        color: var(--text-3);
        font-weight: 400;
      }
      nav {
        border-inline-end: 1px solid var(--line);
        background: var(--surface);
        padding: 12px 8px;
        overflow: auto;
      }
      nav h2 {
        font-size: var(--size-1);
        text-transform: uppercase;
        letter-spacing: 0.06em;
        color: var(--text-3);
        padding: 12px 8px 4px;
        font-weight: 600;
      }
      nav a {
        display: flex;
        gap: 8px;
        align-items: center;
        padding: 5px 8px;
        border-radius: var(--radius-small);
        text-decoration: none;
        font-size: var(--size-2);
      }
      nav a:hover {
        background: var(--sunken);
      }
      nav a[aria-current] {
        background: var(--accent-weak);
        font-weight: 600;
      }
      nav .verb {
        inline-size: 40px;
        flex: none;
      }
      nav .path {
        flex: 1;
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
        font-family: var(--mono);
      }
      main {
        min-block-size: 0;
        display: grid;
        grid-template-rows: auto minmax(0, 1fr);
        overflow: hidden;
        position: relative;
      }
      main > :last-child {
        grid-row: 2;
      }
      .head {
        padding: 16px 24px 14px;
        background: var(--surface);
        border-block-end: 1px solid var(--line);
      }
      .head h1 {
        margin: 0;
        display: flex;
        flex-wrap: wrap;
        gap: 10px;
        align-items: center;
        font: 650 16px var(--mono);
      }
      .head .verb {
        font-size: 13px;
      }
      .gate {
        max-inline-size: 420px;
        margin: 12vh auto;
        padding: 24px;
        display: grid;
        gap: 12px;
        grid-column: 1 / -1;
      }
      .functions {
        padding: 24px;
        overflow: auto;
      }
      .functions dt {
        font-weight: 600;
        margin-block-start: 12px;
      }
      .functions dd {
        color: var(--text-2);
      }
      .menu {
        display: none;
      }
      @media (max-width: 760px) {
        :host {
          grid-template-columns: minmax(0, 1fr);
          block-size: auto;
          min-block-size: 100vh;
        }
        nav {
          display: none;
        }
        nav.open {
          display: block;
          grid-column: 1;
        }
        .find,
        header .pill,
        header > .muted {
          display: none;
        }
        .menu {
          display: inline-block;
        }
        header {
          justify-content: space-between;
        }
        main {
          overflow: visible;
          display: block;
        }
        .head {
          padding-inline: 16px;
        }
      }
    `,
  ]
  static override properties = {
    workspace: { state: true },
    route: { state: true },
    fault: { state: true },
    isDenied: { state: true },
    isMenuOpen: { state: true },
  }
  declare workspace: Workspace | null
  declare route: Route
  declare fault: string
  /** Whether the server requires a token. */
  declare isDenied: boolean
  declare isMenuOpen: boolean
  #timer = 0
  #text = ''
  #hasRetried = false

  constructor() {
    super()
    this.workspace = null
    this.route = routeOf(location.hash)
    this.fault = ''
    this.isDenied = false
    this.isMenuOpen = false
    applyTheme(localStorage.getItem(THEME_KEY))
  }

  override connectedCallback(): void {
    super.connectedCallback()
    addEventListener('hashchange', this.#turned)
    addEventListener('keydown', this.#keyed)
    void this.#load()
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    removeEventListener('hashchange', this.#turned)
    removeEventListener('keydown', this.#keyed)
    clearTimeout(this.#timer)
  }

  readonly #turned = (): void => {
    this.route = routeOf(location.hash)
    this.isMenuOpen = false
  }

  readonly #keyed = (event: KeyboardEvent): void => {
    if (event.key.toLowerCase() !== 'k' || !(event.ctrlKey || event.metaKey)) return
    event.preventDefault()
    this.#search()
  }

  override render(): unknown {
    const { workspace, route } = this
    if (this.isDenied) return this.#gate()
    const problems = workspace?.problems ?? []
    const errors = problems.filter(({ severity }) => severity === 'error').length
    const told =
      problems.length === 0
        ? `no problems in ${workspace?.endpoints.length ?? 0} endpoints`
        : errors > 0
          ? `${errors} error${errors > 1 ? 's' : ''}`
          : `${problems.length} warning${problems.length > 1 ? 's' : ''}`
    return html`<header>
        <button
          class="btn slim menu"
          aria-expanded=${this.isMenuOpen}
          @click=${() => (this.isMenuOpen = !this.isMenuOpen)}
        >
          Menu
        </button>
        <a class="brand" href="#/"><img src="icon.svg" width="22" height="22" alt="" />Streamstack</a>
        <span class="muted small">${workspace?.name === 'Streamstack' ? '' : workspace?.name}</span>
        <button class="find" @click=${() => this.#search()}>
          <span>Search endpoints, pages, functions</span><kbd>Ctrl K</kbd>
        </button>
        ${
          workspace === null
            ? nothing
            : html`<a href="#/" class="pill ${errors > 0 ? 'failed' : problems.length > 0 ? 'caught' : 'ok'}"
                >${told}</a
              >`
        }
        <button class="btn slim" @click=${() => this.#turnTheme()}>Theme</button>
      </header>
      <nav class=${this.isMenuOpen ? 'open' : ''} aria-label="Workspace">
        ${workspace === null ? nothing : this.#list(workspace)}
      </nav>
      <main>
        ${this.fault === '' ? nothing : html`<p class="head" role="alert">${this.fault}</p>`}
        ${workspace === null ? nothing : this.#part(workspace, route)}
      </main>
      <command-palette .commands=${workspace === null ? [] : this.#commands(workspace)}></command-palette>`
  }

  override updated(): void {
    const { route } = this
    if (route.page !== 'run' || !route.runsNow) return
    const view = this.renderRoot.querySelector('run-view')
    if (!(view instanceof RunView)) return
    // Once: a reload of the page runs nothing.
    history.replaceState(null, '', location.hash.replace('?run', ''))
    this.route = { ...route, runsNow: false }
    void view.updateComplete.then(() => view.runNow())
  }

  #list({ endpoints, tables }: Workspace): unknown {
    const current = (page: Route['page']): unknown => (this.route.page === page ? 'page' : nothing)
    return html`<h2>Endpoints</h2>
      ${endpoints.map(
        (endpoint) =>
          html`<a href=${endpointHash(endpoint)} aria-current=${this.#isChosen(endpoint) ? 'page' : nothing}
            ><span class="verb ${endpoint.method === 'GET' ? '' : 'post'}">${endpoint.method}</span
            ><span class="path">${endpoint.path}</span></a
          >`,
      )}
      <h2>Live</h2>
      <a href="#/dashboard" aria-current=${current('dashboard')}>Dashboard</a>
      <a href="#/runs" aria-current=${current('runs')}>Runs</a>
      <h2>Reference</h2>
      <a href="#/functions" aria-current=${current('functions')}>Functions</a>
      ${
        tables.length === 0
          ? nothing
          : html`<h2>Data</h2>
              ${tables.map(({ name }) => html`<a href="#/">${name}</a>`)}`
      }`
  }

  #part(workspace: Workspace, route: Route): unknown {
    switch (route.page) {
      case 'home':
        return html`<home-view .workspace=${workspace}></home-view>`
      case 'runs':
        return html`<h1 class="vh">Runs</h1>
          <runs-view .chosen=${route.run}></runs-view>`
      case 'dashboard':
        return html`<h1 class="vh">Dashboard</h1>
          <dashboard-view></dashboard-view>`
      case 'functions':
        return html`<h1 class="vh">Functions</h1>
          <div class="functions" tabindex="0">
            <h2 class="part">Functions <span class="tiny">what a step can do</span></h2>
            <dl>
              ${workspace.functions.map(
                ({ name, summary }) =>
                  html`<dt>${name}</dt>
                    <dd>${summary}</dd>`,
              )}
            </dl>
          </div>`
      default: {
        const endpoint = workspace.endpoints.find((one) => this.#isChosen(one))
        if (endpoint === undefined) return html`<p class="head">There is no endpoint ${route.method} ${route.path}.</p>`
        return html`<div class="head">
            <h1>
              <span class="verb ${endpoint.method === 'GET' ? '' : 'post'}">${endpoint.method}</span>${endpoint.path}
              <span class="pill plain">${endpoint.authentication ? 'token' : 'public'}</span>
              ${endpoint.delivery === 'durable' ? html`<span class="pill plain">durable</span>` : nothing}
            </h1>
            <p class="muted small">
              ${endpoint.description === null ? '' : `${endpoint.description} · `}<span class="mono"
                >${endpoint.file}:${endpoint.line}</span
              >
            </p>
          </div>
          <run-view .endpoint=${endpoint} .workspace=${workspace}></run-view>`
      }
    }
  }

  #gate(): unknown {
    return html`<form class="box gate" @submit=${(event: Event) => this.#enter(event)}>
      <b>Streamstack console</b>
      <p class="muted small">
        This server asks for a token with a role that may use the console. It stays in this tab.
      </p>
      <label for="token">Token</label>
      <input class="field mono" id="token" type="password" autocomplete="off" />
      ${this.fault === '' ? nothing : html`<p role="alert" class="small">${this.fault}</p>`}
      <button class="btn go" type="submit">Open</button>
    </form>`
  }

  #enter(event: Event): void {
    event.preventDefault()
    session.token = this.renderRoot.querySelector<HTMLInputElement>('#token')?.value.trim() ?? ''
    this.isDenied = false
    void this.#load()
  }

  async #load(): Promise<void> {
    clearTimeout(this.#timer)
    try {
      const workspace = await api<Workspace>('/v1/workspace')
      const text = JSON.stringify(workspace)
      // Unchanged data is not rendered again, because the user may be typing.
      if (text !== this.#text) this.workspace = workspace
      this.#text = text
      this.fault = ''
    } catch (error) {
      const status = error instanceof ApiError ? error.status : 0
      // A token of an earlier day, or of another server on this port.
      if (status === 401 && session.token !== '' && !this.#hasRetried) {
        this.#hasRetried = true
        session.token = ''
        return await this.#load()
      }
      this.isDenied = status === 401 || status === 403
      this.fault = (error as Error).message
    }
    if (!this.isDenied) this.#timer = window.setTimeout(() => void this.#load(), REFRESH_MS)
  }

  #isChosen({ method, path }: Endpoint): boolean {
    const { route } = this
    return route.page === 'run' && route.method === method && route.path === path
  }

  #commands({ endpoints, functions }: Workspace): Command[] {
    const open = (hash: string) => () => (location.hash = hash)
    return [
      ...endpoints.map((endpoint) => ({
        name: `${endpoint.method} ${endpoint.path}`,
        hint: endpoint.description ?? '',
        run: open(endpointHash(endpoint)),
      })),
      { name: 'Dashboard', hint: 'the server, live', run: open('#/dashboard') },
      { name: 'Runs', hint: 'what was called', run: open('#/runs') },
      { name: 'Theme', hint: 'light or dark', run: () => this.#turnTheme() },
      ...functions.map(({ name, summary }) => ({ name, hint: summary, run: open('#/functions') })),
    ]
  }

  #search(): void {
    const palette = this.renderRoot.querySelector('command-palette')
    if (palette instanceof CommandPalette) palette.show()
  }

  #turnTheme(): void {
    const isDark =
      getComputedStyle(document.documentElement).colorScheme === 'dark' ||
      (localStorage.getItem(THEME_KEY) === null && matchMedia('(prefers-color-scheme: dark)').matches)
    const theme = isDark ? 'light' : 'dark'
    localStorage.setItem(THEME_KEY, theme)
    applyTheme(theme)
  }
}

/** Null: as the browser is set. */
function applyTheme(theme: string | null): void {
  document.documentElement.style.colorScheme = theme ?? 'light dark'
}

customElements.define('console-app', ConsoleApp)
