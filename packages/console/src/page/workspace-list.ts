import { html, nothing } from 'lit'
import type { Endpoint, Workspace } from '../api.ts'
import { type Route, endpointHash } from './route.ts'

/** Whether a route leads to this endpoint. */
export function isChosen(route: Route, { method, path }: Pick<Endpoint, 'method' | 'path'>): boolean {
  return route.page === 'run' && route.method === method && route.path === path
}

/** All that can be opened, as links. */
export function workspaceList({ endpoints, tables, channels }: Workspace, route: Route): unknown {
  const current = (page: Route['page']): unknown => (route.page === page ? 'page' : nothing)
  return html`<h2>Endpoints</h2>
    ${endpoints.map(
      (endpoint) =>
        html`<a href=${endpointHash(endpoint)} aria-current=${isChosen(route, endpoint) ? 'page' : nothing}
          ><span class="verb ${endpoint.method === 'GET' ? '' : 'post'}">${endpoint.method}</span
          ><span class="path" title=${endpoint.path}>${endpoint.path}</span></a
        >`,
    )}
    <h2>Live</h2>
    <a href="#/dashboard" aria-current=${current('dashboard')}>Dashboard</a>
    <a href="#/runs" aria-current=${current('runs')}>Runs</a>
    <h2>Reference</h2>
    <a href="#/reference" aria-current=${current('reference')}>HTTP</a>
    <a href="#/functions" aria-current=${current('functions')}>Functions</a>
    ${
      channels.length === 0
        ? nothing
        : html`<h2>Channels</h2>
            ${channels.map(({ name }) => html`<a href="#/channel/${encodeURIComponent(name)}">${name}</a>`)}`
    }
    ${
      tables.length === 0
        ? nothing
        : html`<h2>Data</h2>
            ${tables.map(({ name }) => html`<a href="#/table/${encodeURIComponent(name)}">${name}</a>`)}`
    }`
}
