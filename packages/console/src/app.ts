import { LitElement, html, nothing } from 'lit'
import type { Workspace } from './api.ts'
import './dashboard/dashboard-view.ts'
import './home/functions-view.ts'
import './home/home-view.ts'
import { appStyles } from './page/app-styles.ts'
import { CommandPalette } from './page/command-palette.ts'
import { commandsOf } from './page/commands.ts'
import { fileLink } from './page/file-link.ts'
import { type Route, routeOf } from './page/route.ts'
import { shared } from './page/styles.ts'
import { applyTheme, turnTheme } from './page/theme.ts'
import { isChosen, workspaceList } from './page/workspace-list.ts'
import { WorkspaceReader } from './page/workspace-reader.ts'
import './reference/reference-view.ts'
import { RunView } from './run/run-view.ts'
import { takeRepeated } from './runs/known-inputs.ts'
import './runs/runs-view.ts'

/** The page: a bar, a list of what there is, and the chosen part. */
export class ConsoleApp extends LitElement {
  static override styles = [...shared, appStyles]
  static override properties = {
    route: { state: true },
    isMenuOpen: { state: true },
  }
  declare route: Route
  declare isMenuOpen: boolean
  readonly #reader = new WorkspaceReader(this)

  constructor() {
    super()
    this.route = routeOf(location.hash)
    this.isMenuOpen = false
    applyTheme()
  }

  override connectedCallback(): void {
    super.connectedCallback()
    addEventListener('hashchange', this.#turned)
    addEventListener('keydown', this.#keyed)
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    removeEventListener('hashchange', this.#turned)
    removeEventListener('keydown', this.#keyed)
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
    const { workspace, fault, isDenied } = this.#reader
    if (isDenied) return this.#gate(fault)
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
        ${workspace === null ? nothing : stateOf(workspace)}
        <button class="btn slim" @click=${turnTheme}>Theme</button>
      </header>
      <nav class=${this.isMenuOpen ? 'open' : ''} aria-label="Workspace">
        ${workspace === null ? nothing : workspaceList(workspace, this.route)}
      </nav>
      <main>
        ${fault === '' ? nothing : html`<p class="head" role="alert">${fault}</p>`} ${this.#part(workspace, this.route)}
      </main>
      <command-palette .commands=${workspace === null ? [] : commandsOf(workspace)}></command-palette>`
  }

  override updated(): void {
    const { route } = this
    if (route.page !== 'run' || !route.runsNow) return
    const view = this.renderRoot.querySelector('run-view')
    if (!(view instanceof RunView)) return
    // Once: a reload of the page runs nothing.
    history.replaceState(null, '', location.hash.replace('?run', ''))
    this.route = { ...route, runsNow: false }
    void view.runNow(takeRepeated(route.method, route.path))
  }

  #part(workspace: Workspace | null, route: Route): unknown {
    // A file of a run needs no server.
    if (route.page === 'runs') {
      return html`<h1 class="vh">Runs</h1>
        <runs-view .chosen=${route.run} .workspace=${workspace}></runs-view>`
    }
    if (workspace === null) return nothing
    switch (route.page) {
      case 'home':
        return html`<home-view .workspace=${workspace} .at=${route.at}></home-view>`
      case 'dashboard':
        return html`<dashboard-view></dashboard-view>`
      case 'reference':
        return html`<h1 class="vh">Reference</h1>
          <reference-view></reference-view>`
      case 'functions':
        return html`<h1 class="vh">Functions</h1>
          <functions-view .workspace=${workspace}></functions-view>`
      default: {
        const endpoint = workspace.endpoints.find((one) => isChosen(route, one))
        if (endpoint === undefined) return html`<p class="head">There is no endpoint ${route.method} ${route.path}.</p>`
        return html`<div class="head">
            <h1>
              <span class="verb ${endpoint.method === 'GET' ? '' : 'post'}">${endpoint.method}</span>${endpoint.path}
              <span class="pill plain">${endpoint.authentication ? 'token' : 'public'}</span>
              ${endpoint.delivery === 'durable' ? html`<span class="pill plain">durable</span>` : nothing}
            </h1>
            <p class="muted small">
              ${endpoint.description === null ? '' : `${endpoint.description} · `}${fileLink(workspace.mode, endpoint)}
            </p>
          </div>
          <run-view .endpoint=${endpoint} .workspace=${workspace}></run-view>`
      }
    }
  }

  #gate(fault: string): unknown {
    return html`<form class="box gate" @submit=${(event: Event) => this.#enter(event)}>
      <b>Streamstack console</b>
      <p class="muted small">
        This server asks for a token with a role that may use the console. It stays in this tab.
      </p>
      <label for="token">Token</label>
      <input class="field mono" id="token" type="password" autocomplete="off" />
      ${fault === '' ? nothing : html`<p role="alert" class="small">${fault}</p>`}
      <button class="btn go" type="submit">Open</button>
    </form>`
  }

  #enter(event: Event): void {
    event.preventDefault()
    this.#reader.enter(this.renderRoot.querySelector<HTMLInputElement>('#token')?.value.trim() ?? '')
  }

  #search(): void {
    const palette = this.renderRoot.querySelector('command-palette')
    if (palette instanceof CommandPalette) palette.show()
  }
}

/** The state of the files in one pill. */
function stateOf({ problems, endpoints }: Workspace): unknown {
  const errors = problems.filter(({ severity }) => severity === 'error').length
  const color = errors > 0 ? 'failed' : problems.length > 0 ? 'caught' : 'ok'
  const counted = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`
  const told =
    problems.length === 0
      ? `no problems in ${counted(endpoints.length, 'endpoint')}`
      : errors > 0
        ? counted(errors, 'error')
        : counted(problems.length, 'warning')
  return html`<a href="#/" class="pill ${color}">${told}</a>`
}

customElements.define('console-app', ConsoleApp)
