import { html, nothing } from 'lit'
import { COLORS, type ChartSeries, DASHES } from './chart-lines.ts'
import type { PlottedChart } from './chart-plot.ts'
import { loadPlot } from './load-plot.ts'
import type { Plot } from './plot.ts'
import { PointTable } from './point-table.ts'
import type { Ring } from './ring.ts'
import { timeText } from './time-text.ts'

/** A chart as its lines see it. */
export interface LinedChart extends PlottedChart {
  readonly heading: string
  readonly lines: readonly ChartSeries[]
  /** Writes a number with its unit. */
  readonly written: (value: number | undefined) => string
  /** Has the chart drawn with the next frame. */
  readonly drawSoon: () => void
  requestUpdate(): void
}

/** The lines of a chart: their plot, which is loaded when there is something to draw, their legend and their table. */
export class LineView {
  readonly #chart: LinedChart
  #plot: Plot | null = null
  #isLoading = false
  #pointed: number | null = null
  readonly #hidden = new Set<number>()
  #shown: ReturnType<Ring['window']> = { times: [], columns: [] }
  readonly #table: PointTable
  readonly #sized: ResizeObserver

  constructor(chart: LinedChart) {
    this.#chart = chart
    this.#table = new PointTable(() => chart.requestUpdate())
    this.#sized = new ResizeObserver(chart.drawSoon)
  }

  disconnect(): void {
    this.#sized.disconnect()
    this.dropPlot()
  }

  /** The next drawing makes another. */
  dropPlot(): void {
    this.#plot?.destroy()
    this.#plot?.element.remove()
    this.#plot = null
    this.#pointed = null
  }

  /** Draws the points of the last seconds. */
  draw(ring: Ring, spanMs: number): void {
    this.#shown = ring.window(spanMs)
    const box = this.#chart.renderRoot.querySelector('.plot')
    if (!(box instanceof HTMLElement)) return
    // One point is no line.
    if (this.#shown.times.length < 2) return this.dropPlot()
    if (this.#plot === null) {
      void this.#load(box)
      return
    }
    this.#plot.resize(box.clientWidth, box.clientHeight)
    this.#plot.draw(this.#shown.times, this.#shown.columns)
  }

  async #load(box: HTMLElement): Promise<void> {
    if (this.#isLoading) return
    this.#isLoading = true
    const chart = this.#chart
    try {
      const { plotChart } = await loadPlot()
      if (!chart.isConnected || this.#plot !== null) return
      this.#plot = plotChart(chart, {
        box,
        lines: chart.lines,
        isShown: (line) => !this.#hidden.has(line),
        onPoint: (index) => {
          if (index === this.#pointed) return
          this.#pointed = index
          chart.requestUpdate()
        },
      })
      this.#sized.observe(box)
      chart.drawSoon()
    } finally {
      this.#isLoading = false
    }
  }

  render(words: Readonly<Record<'keys' | 'noData' | 'collecting' | 'time', string>>): unknown {
    const { heading, language, lines, written } = this.#chart
    const { times, columns } = this.#shown
    const at = this.#pointed ?? times.length - 1
    const move = (event: KeyboardEvent): void => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
      if (by === undefined) return
      event.preventDefault()
      this.#plot?.step(by)
    }
    return html`<div
        class="plot"
        part="plot"
        tabindex="0"
        role="group"
        aria-label="${heading}. ${words.keys}"
        @keydown=${move}
      >
        ${times.length < 2 ? html`<div class="none">${times.length === 0 ? words.noData : words.collecting}</div>` : nothing}
      </div>
      <ul class="legend" part="legend">
        ${lines.map(({ path, label }, index) => this.#renderKey(label ?? path, columns[index]?.[at], index))}
        ${this.#pointed === null || times[at] === undefined ? nothing : html`<li class="tiny">${timeText(times[at], 0, language)}</li>`}
      </ul>
      ${this.#table.render({
        heading,
        times,
        columns,
        names: [words.time, ...lines.map(({ path, label }) => label ?? path)],
        time: (ms) => timeText(ms, 0, language),
        number: written,
      })}`
  }

  #renderKey(label: string, value: number | undefined, index: number): unknown {
    const isShown = !this.#hidden.has(index)
    const toggle = (): void => {
      if (isShown) this.#hidden.add(index)
      else this.#hidden.delete(index)
      this.#plot?.show(index, !isShown)
      this.#chart.requestUpdate()
    }
    const isDashed = (DASHES[index] ?? []).length > 0
    return html`<li>
      <button type="button" aria-pressed=${isShown} @click=${toggle}>
        <i class=${isDashed ? 'dashed' : ''} .style=${`--color: var(${COLORS[index] ?? '--accent'})`}></i>
        <span dir="auto">${label}</span><b>${this.#chart.written(value)}</b>
      </button>
    </li>`
  }
}
