import { type PropertyDeclarations, type PropertyValues, html, nothing } from 'lit'
import { onFrame } from '../base/frame.ts'
import { numberAttribute } from '../base/gauge-state.ts'
import { bytesText, countText } from '../base/numbers.ts'
import { labelledPaths, pick } from '../base/pick.ts'
import { StreamElement } from '../base/stream-element.ts'
import { openFullSource } from '../source/full-source.ts'
import type { Item, SourceEnd } from '../source/source.ts'
import { card, noData } from '../theme/card.ts'
import { controls } from '../theme/controls.ts'
import { csvOf } from './csv.ts'
import { PoolRow, ROW_PIXELS } from './pool-row.ts'
import { RowStore, type TableColumn } from './row-store.ts'
import { tableStyles } from './table-styles.ts'

/** Rows above and below the view, so that a fast scroll shows no gap. */
const SPARE_ROWS = 6
/** Nearer to the end than this counts as being there. */
const END_PIXELS = 24

const LABELS = {
  noData: 'No rows yet',
  rows: '{n} rows',
  row: '1 row',
  dropped: 'the first {n} were dropped',
  newRows: '{n} new rows',
  newRow: '1 new row',
  download: 'Download CSV',
  failed: 'failed',
  retry: 'Retry',
  streaming: 'streaming',
  reconnecting: 'reconnecting',
} as const

/**
 * Records of a stream as rows that appear while they arrive. Only the rows in view are in the DOM, so 100,000 cost as much as 100.
 *
 * @tagname stream-table
 * @csspart view - The box that scrolls.
 * @csspart header - The names of the columns.
 */
export class StreamTable extends StreamElement {
  static override styles = [...super.styles, controls, card, noData, tableStyles]

  static override properties: PropertyDeclarations = {
    heading: {},
    path: {},
    columns: { converter: labelledPaths },
    follow: { type: Boolean },
    download: { type: Boolean },
    max: numberAttribute,
    labels: { attribute: false },
  }

  /** Title of the table. */
  declare heading: string
  /**
   * Path of the row, or of a list of rows, in a chunk. Default: the chunk is the row or the list.
   */
  declare path: string
  /** The columns; in markup as `path: label, path: label`. Default: what the first rows hold. */
  declare columns: readonly TableColumn[]
  /** Scrolls with new rows while its reader is at the end. */
  declare follow: boolean
  /** Shows a button that downloads the rows as CSV. */
  declare download: boolean
  /** Rows that are kept; the oldest go. Default: 200000. */
  declare max: number | null
  /** The words that the element shows. */
  declare labels: Partial<Record<keyof typeof LABELS, string>>

  protected override readonly opener = openFullSource
  readonly #store = new RowStore()
  #shown: readonly TableColumn[] = []
  readonly #pool: PoolRow[] = []
  #seenRows = 0
  #isAtEnd = false
  #drawn = ''
  #rowsSized = -1
  readonly #drawNow = (): void => this.#draw()
  readonly #drawSoon = (): void => onFrame(this.#drawNow)
  readonly #sized = new ResizeObserver(this.#drawSoon)

  constructor() {
    super()
    this.heading = ''
    this.path = ''
    this.columns = []
    this.follow = false
    this.download = false
    this.max = null
    this.labels = {}
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#sized.disconnect()
  }

  /** Rows that are held. */
  get length(): number {
    return this.#store.length
  }

  /** Adds a row, or a list of rows, as if the source had sent it. */
  push(content: unknown): void {
    this.#store.add(content)
    this.#drawSoon()
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed)
    if (changed.has('max')) this.#store.max = Math.max(1, this.max ?? 200_000)
    if (changed.has('columns')) this.#setColumns()
    if (changed.has('follow')) this.#isAtEnd = this.follow
  }

  protected override onStart(): void {
    this.#store.clear()
    this.#seenRows = 0
    this.#isAtEnd = this.follow
    this.#setColumns()
    this.#drawSoon()
  }

  protected override onItem({ kind, content }: Item): void {
    if (kind !== 'json' && kind !== 'text') return
    // The words that end a stream are no row.
    if (content === '[DONE]' || content === '[COMPLETE]') return
    const rows = pick(content, this.path)
    if (rows !== undefined) this.push(rows)
  }

  protected override onEnd(_end: SourceEnd): void {
    this.#drawSoon()
  }

  #setColumns(): void {
    this.#rowsSized = -1
    this.#shown = this.columns
    for (const { element } of this.#pool) element.remove()
    this.#pool.length = 0
  }

  /** Puts the rows in view on the screen, each in the place of one that left it. */
  #draw(): void {
    if (this.#shown.length === 0 && this.#store.length > 0) {
      this.#shown = this.#store.columns()
      this.requestUpdate()
      void this.updateComplete.then(this.#drawNow)
      return
    }
    const view = this.#view
    const space = view?.querySelector('.space')
    if (view === null || !(space instanceof HTMLElement)) return this.requestUpdate()
    const { length } = this.#store
    if (length !== this.#rowsSized) {
      this.#rowsSized = length
      space.style.blockSize = `${length * ROW_PIXELS}px`
      view.setAttribute('aria-rowcount', String(length + 1))
    }
    if (this.#isAtEnd) view.scrollTop = view.scrollHeight
    const first = Math.max(0, Math.floor(view.scrollTop / ROW_PIXELS) - SPARE_ROWS)
    const last = Math.min(length, Math.ceil((view.scrollTop + view.clientHeight) / ROW_PIXELS) + SPARE_ROWS)
    // A row keeps its element as long as it is in view: its place in the pool follows from its number.
    const size = Math.ceil(view.clientHeight / ROW_PIXELS) + 2 * SPARE_ROWS + 1
    while (this.#pool.length < size) this.#pool.push(new PoolRow(space, this.#shown))
    for (let index = first; index < last; index++) this.#pool[index % size]?.show(index, this.#store.at(index))
    for (const row of this.#pool) if (row.index < first || row.index >= last) row.hide()
    if (this.#isAtEnd) this.#seenRows = length + this.#store.dropped
    // A scroll changes rows, and nothing else.
    const drawn = `${length} ${this.#store.dropped} ${this.#seenRows}`
    if (drawn !== this.#drawn) this.requestUpdate()
    this.#drawn = drawn
  }

  get #view(): HTMLElement | null {
    return this.renderRoot.querySelector<HTMLElement>('.view')
  }

  #scrolled(): void {
    const view = this.#view
    if (view === null) return
    this.#isAtEnd = this.follow && view.scrollHeight - view.scrollTop - view.clientHeight < END_PIXELS
    this.#drawSoon()
  }

  #sortBy(path: string): void {
    const { sort } = this.#store
    // Up, down, as they came.
    if (sort?.path !== path) this.#store.sortBy({ path, isDown: false })
    else this.#store.sortBy(sort.isDown ? null : { path, isDown: true })
    for (const row of this.#pool) row.forget()
    this.#drawSoon()
    this.requestUpdate()
  }

  #saveCsv(): void {
    const link = document.createElement('a')
    link.href = URL.createObjectURL(csvOf(this.#store, this.#shown))
    link.download = `${this.heading.replace(/[^\p{L}\p{N}_-]+/gu, '-') || 'rows'}.csv`
    link.click()
    setTimeout(() => URL.revokeObjectURL(link.href), 1_000)
  }

  protected override firstUpdated(): void {
    this.#sized.observe(this)
  }

  override render(): unknown {
    const words = { ...LABELS, ...this.labels }
    const { language } = this
    const { length, dropped } = this.#store
    const fresh = this.follow ? length + dropped - this.#seenRows : 0
    const count = length === 1 ? words.row : words.rows.replace('{n}', countText(length, language))
    const bytes = this.progress?.bytes ?? 0
    const tail = dropped > 0 ? ` · ${words.dropped.replace('{n}', countText(dropped, language))}` : ''
    const toEnd = (): void => {
      this.#isAtEnd = true
      this.#draw()
      this.#view?.focus()
    }
    return html`<div class="head">
        <h2 dir="auto">${this.heading}</h2>
        <span class="tiny">${count}${bytes > 0 ? ` · ${bytesText(bytes, language)}` : ''}${tail}</span>
        ${this.#renderState(words)}
        ${
          this.download && length > 0
            ? html`<button type="button" class="link" @click=${() => this.#saveCsv()}>${words.download}</button>`
            : nothing
        }
      </div>
      ${length === 0 ? html`<div class="none">${words.noData}</div>` : this.#renderView(words)}
      ${
        fresh > 0 && length > 0
          ? html`<button type="button" class="new" @click=${toEnd}>
              <span aria-hidden="true">↓ </span
              >${fresh === 1 ? words.newRow : words.newRows.replace('{n}', countText(fresh, language))}
            </button>`
          : nothing
      }`
  }

  #renderState(words: Readonly<Record<keyof typeof LABELS, string>>): unknown {
    const { state, message } = this.status
    if (state === 'streaming') return html`<span class="pill running pulse">${words.streaming}</span>`
    if (state === 'reconnecting' || state === 'offline')
      return html`<span class="pill caught">${words.reconnecting}</span>`
    if (state !== 'failed') return nothing
    return html`<span class="pill failed" title=${message ?? ''}>${words.failed}</span>
      <button type="button" class="link" @click=${() => this.retry()}>${words.retry}</button>`
  }

  #renderView(words: Readonly<Record<keyof typeof LABELS, string>>): unknown {
    const { sort } = this.#store
    const tracks = this.#shown.map(({ type }) => (type === 'number' ? 'minmax(84px, 0.6fr)' : 'minmax(120px, 1fr)'))
    const width = this.#shown.reduce((sum, { type }) => sum + (type === 'number' ? 84 : 120), 0)
    return html`<div
      class="view"
      part="view"
      tabindex="0"
      role="table"
      aria-label=${this.heading || words.rows.replace('{n} ', '')}
      aria-colcount=${this.#shown.length}
      .style=${`--columns: ${tracks.join(' ')}; --width: ${width}px`}
      @scroll=${{ handleEvent: () => this.#scrolled(), passive: true }}
    >
      <div role="rowgroup" class="names" part="header">
        <div class="row" role="row" aria-rowindex="1">
          ${this.#shown.map(
            ({ path, label, type }) =>
              html`<div
                role="columnheader"
                class=${type === 'number' ? 'number' : ''}
                aria-sort=${sort?.path === path ? (sort.isDown ? 'descending' : 'ascending') : nothing}
              >
                <button type="button" dir="auto" title=${label ?? path} @click=${() => this.#sortBy(path)}>
                  ${label ?? path}${sort?.path === path ? html`<span aria-hidden="true"> ${sort.isDown ? '↓' : '↑'}</span>` : nothing}
                </button>
              </div>`,
          )}
        </div>
      </div>
      <div role="rowgroup" class="space"></div>
    </div>`
  }
}
