import { shortText } from '../base/numbers.ts'
import { COLORS, type ChartSeries, DASHES } from './chart-lines.ts'
import { type Plot, createPlot, plotStyles } from './plot.ts'
import { timeText } from './time-text.ts'

/** A chart as its plot sees it. */
export interface PlottedChart extends Element {
  readonly renderRoot: HTMLElement | DocumentFragment
  readonly language: string
  readonly min: number | null
  readonly max: number | null
  /** Seconds that the lines show. */
  readonly span: number | null
}

export interface ChartPlotOptions {
  /** Where the canvas goes. */
  readonly box: HTMLElement
  readonly lines: readonly ChartSeries[]
  readonly isShown: (line: number) => boolean
  /** Called with the index of the point under the pointer; null: none is. */
  readonly onPoint: (index: number | null) => void
}

const sheet = new CSSStyleSheet()
sheet.replaceSync(plotStyles)

/** Creates the plot of a chart, in the theme of its page. */
export function plotChart(chart: PlottedChart, { box, lines, isShown, onPoint }: ChartPlotOptions): Plot {
  const { language, min, max, span, renderRoot } = chart
  if (renderRoot instanceof ShadowRoot && !renderRoot.adoptedStyleSheets.includes(sheet))
    renderRoot.adoptedStyleSheets.push(sheet)
  const color = (token: string): string => computedColor(renderRoot, token)
  const plot = createPlot(
    {
      series: lines.map(({ label = '' }, index) => ({
        label,
        color: () => color(COLORS[index] ?? '--accent'),
        dash: DASHES[index] ?? [],
        isShown: isShown(index),
      })),
      grid: () => color('--line'),
      text: () => color('--text-3'),
      font: () => `11px ${getComputedStyle(chart).fontFamily}`,
      number: (value) => shortText(value, language),
      time: (ms, spanMs) => timeText(ms, spanMs, language),
      min,
      max,
      spanMs: (span ?? 300) * 1_000,
      onPoint,
    },
    box.clientWidth,
    box.clientHeight,
  )
  box.append(plot.element)
  return plot
}

/** A token as the browser computes it: a canvas knows no variables. */
function computedColor(root: ParentNode, token: string): string {
  const probe = root.querySelector('.probe')
  if (!(probe instanceof HTMLElement)) return 'gray'
  probe.style.color = `var(${token})`
  return getComputedStyle(probe).color
}
