import UPlot from 'uplot'

/** One line of a chart. */
export interface PlotSeries {
  readonly label: string
  /** A color as CSS computes it. */
  readonly color: () => string
  readonly dash: readonly number[]
  readonly isShown: boolean
}

export interface PlotOptions {
  readonly series: readonly PlotSeries[]
  readonly grid: () => string
  readonly text: () => string
  readonly font: () => string
  readonly number: (value: number) => string
  readonly time: (timeMs: number, spanMs: number) => string
  /** Bounds of the values; null: those of the data. */
  readonly min: number | null
  readonly max: number | null
  /** The longest time that the chart shows. */
  readonly spanMs: number
  /** The point under the pointer; null: none is. */
  readonly onPoint: (index: number | null) => void
}

export interface Plot {
  readonly element: HTMLElement
  /** Times in milliseconds; NaN is no value. */
  draw(times: readonly number[], columns: readonly (readonly number[])[]): void
  resize(width: number, height: number): void
  show(series: number, isShown: boolean): void
  /** Marks the point so many steps from the marked one, or from the newest. */
  step(by: number): void
  destroy(): void
}

/** The shortest time that lines are drawn over: a few seconds of data say nothing of a trend. */
const SPAN_MS_MIN = 60_000

/** Lines over time. Colors are asked with each drawing, so that they follow the page's theme. */
export function createPlot(options: PlotOptions, width: number, height: number): Plot {
  const { series, grid, text, font, number, time, min, max, spanMs, onPoint } = options
  const ticks = { stroke: grid, width: 1, size: 0 }
  const element = document.createElement('div')
  let times: readonly number[] = []
  const plot = new UPlot(
    {
      width,
      height,
      ms: 1,
      padding: [8, 4, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
      scales: {
        // While there is less data than the chart has time for, what there is gets the width.
        x: {
          time: true,
          range: (_plot, low, high) => [Math.max(high - spanMs, Math.min(low, high - SPAN_MS_MIN)), high],
        },
        y: {
          range: (_plot, low, high) => {
            const from = min ?? Math.min(0, low)
            const to = max ?? high
            return to > from ? [from, max ?? to + (to - from) * 0.1] : [from, from + 1]
          },
        },
      },
      series: [
        {},
        ...series.map(({ label, color, dash, isShown }) => ({
          label,
          show: isShown,
          stroke: color,
          dash: [...dash],
          width: 2,
          points: { show: false },
          spanGaps: false,
        })),
      ],
      axes: [
        {
          stroke: text,
          font: font(),
          size: 24,
          gap: 6,
          space: 80,
          grid: { show: false },
          ticks,
          values: (_plot, splits) => {
            const span = (splits.at(-1) ?? 0) - (splits[0] ?? 0)
            return splits.map((at) => time(at, span))
          },
        },
        {
          stroke: text,
          font: font(),
          size: (_plot, values) => 12 + 7 * Math.max(2, ...(values ?? []).map((value) => value.length)),
          gap: 6,
          space: 36,
          grid: { stroke: grid, width: 1 },
          ticks,
          values: (_plot, splits) => splits.map((value) => number(value)),
        },
      ],
      hooks: { setCursor: [({ cursor }) => onPoint(cursor.idx ?? null)] },
    },
    [[], ...series.map(() => [])],
    element,
  )
  return {
    element,
    draw(nextTimes, columns) {
      times = nextTimes
      plot.setData([
        [...times],
        ...columns.map((column) => column.map((value) => (Number.isNaN(value) ? null : value))),
      ])
    },
    resize(nextWidth, nextHeight) {
      if (plot.width !== nextWidth || plot.height !== nextHeight) plot.setSize({ width: nextWidth, height: nextHeight })
    },
    show: (index, isShown) => plot.setSeries(index + 1, { show: isShown }),
    step(by) {
      const last = times.length - 1
      const index = Math.min(last, Math.max(0, (plot.cursor.idx ?? last) + by))
      const at = times[index]
      if (at !== undefined) plot.setCursor({ left: plot.valToPos(at, 'x'), top: 0 })
    },
    destroy: () => plot.destroy(),
  }
}

/** The rules of uPlot's style sheet that these charts use. */
export const plotStyles = /* css */ `
  .u-wrap {
    position: relative;
    user-select: none;
  }
  .u-over,
  .u-under {
    position: absolute;
  }
  .u-under {
    overflow: hidden;
  }
  .uplot canvas {
    position: relative;
    display: block;
    inline-size: 100%;
    block-size: 100%;
  }
  .u-axis {
    position: absolute;
  }
  .u-select {
    position: absolute;
    pointer-events: none;
  }
  .u-cursor-x,
  .u-cursor-y {
    position: absolute;
    left: 0;
    top: 0;
    pointer-events: none;
  }
  .u-cursor-x {
    block-size: 100%;
    border-inline-end: 1px dashed var(--text-3);
  }
  .u-cursor-pt {
    position: absolute;
    top: 0;
    left: 0;
    border: 0 solid;
    border-radius: 50%;
    pointer-events: none;
    background-clip: padding-box !important;
  }
  .u-axis.u-off,
  .u-select.u-off,
  .u-cursor-x.u-off,
  .u-cursor-y.u-off,
  .u-cursor-pt.u-off {
    display: none;
  }
`
