import { LitElement, css, html } from 'lit'
import { cut } from '@streamstack/elements/base/cut.js'
import { shared } from '../page/styles.ts'
import type { RunModel } from './run-model.ts'

export const WHOLE_VIEWS = ['text', 'table', 'json', 'raw'] as const
export type WholeViewName = (typeof WHOLE_VIEWS)[number]

/** Rows and values that are shown; the chunks view shows all. */
const ROWS_MAX = 500
const COLUMNS_MAX = 50
const CELL_CHARACTERS_MAX = 500
const JSON_CHARACTERS_MAX = 400_000

/** Interval at which a view of the whole run is drawn while it goes on: it lays out all of its text each time. */
const DRAW_MS = 250

/** The stream of a run as one text, as a table, as JSON, or as it came. */
export class WholeView extends LitElement {
  static override styles = [
    ...shared,
    css`
      :host {
        flex: 1;
        min-block-size: 200px;
        display: grid;
      }
      .whole {
        overflow: auto;
        padding: 12px;
        margin: 0;
        white-space: pre-wrap;
        overflow-wrap: anywhere;
      }
      .whole.mono {
        white-space: pre;
      }
      .whole.rows {
        white-space: normal;
        padding: 0 4px;
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
        white-space: nowrap;
        max-inline-size: 320px;
        overflow: hidden;
        text-overflow: ellipsis;
      }
      th {
        color: var(--text-3);
        font-weight: 600;
      }
    `,
  ]
  static override properties = {
    model: { attribute: false },
    view: { attribute: false },
    tick: { attribute: false },
    frozen: { attribute: false },
  }
  declare model: RunModel | null
  declare view: WholeViewName
  /** Changes when the model has. */
  declare tick: number
  declare frozen: boolean
  #drawnMs = 0
  #timer = 0

  constructor() {
    super()
    this.model = null
    this.view = 'text'
    this.tick = 0
    this.frozen = false
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    clearTimeout(this.#timer)
  }

  protected override shouldUpdate(changed: Map<string, unknown>): boolean {
    clearTimeout(this.#timer)
    if (changed.size > 1 || !changed.has('tick')) return true
    if (this.frozen) return false
    const leftMs = DRAW_MS - (performance.now() - this.#drawnMs)
    if (leftMs <= 0) return true
    this.#timer = window.setTimeout(() => this.requestUpdate('view', undefined), leftMs)
    return false
  }

  override render(): unknown {
    const { model, view } = this
    this.#drawnMs = performance.now()
    if (model === null) return html`<p class="whole muted">Nothing has been run yet.</p>`
    if (view === 'text') return html`<p class="whole box" tabindex="0" dir="auto">${model.chunks.text}</p>`
    if (view === 'table') return tableOf(model)
    const text = view === 'json' ? jsonOf(model) : rawOf(model)
    return html`<pre class="whole box mono" tabindex="0">${text}</pre>`
  }
}

function rawOf({ raw, isRawCut, chunks }: RunModel): string {
  if (raw === '' && chunks.count > 0)
    return 'The bytes of this run were not recorded: it was read from a list or a file.'
  return `${raw}${isRawCut ? '\n… more is not shown' : ''}`
}

function jsonOf({ chunks: { contents, count } }: RunModel): string {
  const text = JSON.stringify(
    contents.slice(0, ROWS_MAX).map(({ content }) => content),
    null,
    2,
  )
  const isWhole = count <= ROWS_MAX && text.length <= JSON_CHARACTERS_MAX
  return isWhole ? text : `${cut(text, JSON_CHARACTERS_MAX)}\n… more is not shown`
}

function tableOf({ chunks: { contents } }: RunModel): unknown {
  const rows: Record<string, unknown>[] = []
  for (const { kind, content } of contents) {
    if (kind !== 'json') continue
    const items: readonly unknown[] = Array.isArray(content) ? content : [content]
    for (const row of items) if (typeof row === 'object' && row !== null) rows.push(row as Record<string, unknown>)
    if (rows.length >= ROWS_MAX) break
  }
  if (rows.length === 0) return html`<p class="whole muted">No chunk holds objects that could be rows.</p>`
  const columns = [...new Set(rows.slice(0, 50).flatMap((row) => Object.keys(row)))].slice(0, COLUMNS_MAX)
  return html`<div class="whole box rows" tabindex="0">
    <table>
      <thead>
        <tr>
          ${columns.map((column) => html`<th scope="col">${column}</th>`)}
        </tr>
      </thead>
      <tbody class="mono">
        ${rows.slice(0, ROWS_MAX).map(
          (row) =>
            html`<tr>
              ${columns.map((column) => html`<td>${cellText(row[column])}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
    ${rows.length > ROWS_MAX ? html`<p class="muted small">… more is not shown</p>` : ''}
  </div>`
}

function cellText(value: unknown): string {
  if (value === undefined || value === null) return ''
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
  return cut(text, CELL_CHARACTERS_MAX)
}

customElements.define('whole-view', WholeView)
