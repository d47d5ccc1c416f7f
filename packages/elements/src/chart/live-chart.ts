import { type PropertyDeclarations, type PropertyValues, css, html, nothing } from 'lit'
import { onFrame } from '../base/frame.ts'
import { levelOf, numberAttribute } from '../base/gauge-state.ts'
import { durationText, numberText } from '../base/numbers.ts'
import { labelledPaths, pickNumber } from '../base/pick.ts'
import { WIDGET_LABELS, WidgetElement } from '../base/widget-element.ts'
import { card, noData } from '../theme/card.ts'
import { controls } from '../theme/controls.ts'
import { barList } from './bar-list.ts'
import { Bars } from './bars.ts'
import type { ChartSeries } from './chart-lines.ts'
import { chartStyles } from './chart-styles.ts'
import { gauge, niceBound } from './gauge.ts'
import { LineView } from './line-view.ts'
import { Ring } from './ring.ts'

/** Points that are kept; at one a second, an hour. */
const POINTS_MAX = 3_600
/** Lines beyond these would have no colors of their own. */
const SERIES_MAX = 6
const LABELS = {
  ...WIDGET_LABELS,
  collecting: 'Collecting data…',
  others: 'others',
  time: 'Time',
  value: 'Value',
  last: 'last {time}',
  keys: 'Left and right arrow keys move between points.',
} as const

/**
 * A chart that moves with its stream: lines over time, bars that compare, a gauge for one value.
 *
 * @tagname live-chart
 * @csspart plot - The lines.
 * @csspart legend - The names of the lines, with the newest numbers or those under the pointer.
 * @csspart bars - The bars.
 * @csspart gauge - The gauge.
 */
export class LiveChart extends WidgetElement {
  static override styles = [
    ...super.styles,
    controls,
    card,
    noData,
    chartStyles,
    css`
      table {
        border-collapse: collapse;
      }
    `,
  ]

  static override properties: PropertyDeclarations = {
    type: {},
    path: {},
    series: { converter: labelledPaths },
    each: {},
    label: {},
    countBy: { attribute: 'count-by' },
    unit: {},
    note: {},
    scale: numberAttribute,
    min: numberAttribute,
    max: numberAttribute,
    warn: numberAttribute,
    fail: numberAttribute,
    span: numberAttribute,
  }

  /** `line`, `bar` or `gauge`. Default: line. */
  declare type: 'line' | 'bar' | 'gauge'
  /** Path of the number in a chunk, or in an entry for bars. */
  declare path: string
  /** Several lines; in markup as `path: label, path: label`. */
  declare series: readonly ChartSeries[]
  /** Bars: where the list of entries is in a chunk, or an object whose names are those of the bars. */
  declare each: string
  /** Bars: where the name is in an entry. */
  declare label: string
  /** Bars: each chunk counts as one under the name at this path. */
  declare countBy: string
  /** Unit of the numbers. */
  declare unit: string
  /** A remark beside the title. */
  declare note: string
  /** Numbers are multiplied by this. */
  declare scale: number | null
  /** Lower end of the scale. Default: 0, or less where a number is. */
  declare min: number | null
  /** Upper end of the scale. Default for a gauge: a round number above the highest value so far. */
  declare max: number | null
  /** From this value on the gauge warns. */
  declare warn: number | null
  /** From this value on the gauge shows a failure. */
  declare fail: number | null
  /** Seconds that the lines show. Default: 300. */
  declare span: number | null

  #ring = new Ring(POINTS_MAX, 1)
  readonly #bars = new Bars()
  #isSeen = true
  /** The highest value that a gauge has shown. */
  #highest = 0
  readonly #seen = new IntersectionObserver((entries) => {
    this.#isSeen = entries.at(-1)?.isIntersecting ?? true
    this.drawSoon()
  })
  readonly #drawNow = (): void => this.draw()
  /** @internal */
  readonly drawSoon = (): void => onFrame(this.#drawNow)
  readonly #lineView = new LineView(this)

  constructor() {
    super()
    this.type = 'line'
    this.path = ''
    this.series = []
    this.each = ''
    this.label = ''
    this.countBy = ''
    this.unit = ''
    this.note = ''
    this.scale = null
    this.min = null
    this.max = null
    this.warn = null
    this.fail = null
    this.span = null
  }

  override connectedCallback(): void {
    super.connectedCallback()
    this.#seen.observe(this)
    document.addEventListener('visibilitychange', this.drawSoon)
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#seen.disconnect()
    document.removeEventListener('visibilitychange', this.drawSoon)
    this.#lineView.disconnect()
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed)
    if (changed.has('span')) this.#lineView.dropPlot()
    if (!changed.has('series') && !changed.has('path') && !changed.has('type')) return
    if (this.hasUpdated || this.lines.length !== 1) this.#ring = new Ring(POINTS_MAX, Math.max(1, this.lines.length))
    this.#lineView.dropPlot()
  }

  /** @internal */
  get lines(): readonly ChartSeries[] {
    return this.series.length > 0 ? this.series.slice(0, SERIES_MAX) : [{ path: this.path, label: this.heading }]
  }

  protected override onReset(): void {
    this.#ring.clear()
    this.#bars.clear()
  }

  protected override onValue(value: unknown, timeMs: number): void {
    if (this.type === 'bar') {
      this.#bars.add(value, { each: this.each, label: this.label, value: this.path, countBy: this.countBy })
      return
    }
    const numbers = this.lines.map(({ path }) => pickNumber(value, path))
    if (numbers.every((number) => number === null)) return
    this.#ring.add(
      timeMs,
      numbers.map((number) => (number ?? Number.NaN) * (this.scale ?? 1)),
    )
  }

  /** A chart that is not seen keeps its data and draws nothing. */
  protected override draw(): void {
    if (!this.#isSeen || document.visibilityState === 'hidden') return
    if (this.type === 'line') this.#lineView.draw(this.#ring, (this.span ?? 300) * 1_000)
    this.requestUpdate()
  }

  override render(): unknown {
    const words = { ...LABELS, ...this.labels }
    const note = this.note || (this.type === 'line' ? words.last.replace('{time}', spanText(this.span ?? 300)) : '')
    return html`<div class="head">
        <h2 dir="auto">${this.heading}</h2>
        ${note === '' ? nothing : html`<span class="tiny note" dir="auto">${note}</span>`}${this.renderState()}
      </div>
      ${this.type === 'bar' ? this.#renderBars(words) : this.type === 'gauge' ? this.#renderGauge(words) : this.#lineView.render(words)}
      <span class="probe" hidden></span>`
  }

  /** @internal */
  readonly written = (value: number | undefined): string => {
    if (value === undefined || Number.isNaN(value)) return '–'
    return `${numberText(value, this.language)}${this.unit === '' ? '' : ` ${this.unit}`}`
  }

  #renderBars(words: Readonly<Record<keyof typeof LABELS, string>>): unknown {
    return barList({
      bars: this.#bars.top(words.others),
      noData: words.noData,
      number: (value) => this.written(value * (this.scale ?? 1)),
    })
  }

  #renderGauge(words: Readonly<Record<keyof typeof LABELS, string>>): unknown {
    const value = this.#ring.last(0)
    if (value === null || Number.isNaN(value)) return html`<div class="none">${words.noData}</div>`
    this.#highest = Math.max(this.#highest, value)
    return gauge({
      heading: this.heading,
      value,
      low: this.min ?? 0,
      high: this.max ?? niceBound(this.#highest),
      level: levelOf(value, this.warn, this.fail),
      number: numberText(value, this.language),
      unit: this.unit,
    })
  }
}

function spanText(seconds: number): string {
  if (seconds === 3_600) return 'hour'
  return seconds % 60 === 0 ? (seconds === 60 ? 'minute' : `${seconds / 60} minutes`) : durationText(seconds * 1_000)
}
