import { type PropertyDeclarations, css, html, nothing, svg } from 'lit'
import { type Level, levelOf, numberAttribute } from '../base/gauge-state.ts'
import { numberText } from '../base/numbers.ts'
import { pick, pickNumber, valueText } from '../base/pick.ts'
import { WIDGET_LABELS, WidgetElement } from '../base/widget-element.ts'
import { card } from '../theme/card.ts'
import { controls } from '../theme/controls.ts'
import { Ring } from '../chart/ring.ts'
import { sparkline } from './sparkline.ts'

/** A smaller change is none. */
const STEADY = 0.02

/** A change is told when the points cover so many spans. */
const WARM_SPANS = 1.2

/** Points that are kept; at one a second, ten minutes. */
const POINTS_MAX = 600

const LABELS = {
  ...WIDGET_LABELS,
  steady: 'steady',
  better: 'better than before',
  worse: 'worse than before',
  changed: 'against the time before',
  above: 'above {n}',
  below: 'below {n}',
} as const

/**
 * One number of a stream: its value, how it changed, and its course.
 *
 * @tagname metric-card
 * @csspart value - The number.
 * @csspart change - How it changed.
 * @csspart sparkline - Its course.
 */
export class MetricCard extends WidgetElement {
  static override styles = [
    ...super.styles,
    controls,
    card,
    css`
      .value {
        display: flex;
        flex-wrap: wrap;
        gap: 0 8px;
        align-items: baseline;
        margin: 6px 0 2px;
        font: 650 30px / 1.2 var(--font);
        font-variant-numeric: tabular-nums;
        letter-spacing: -0.03em;
      }
      .value.caught {
        color: var(--caught);
      }
      .value.failed {
        color: var(--failed);
      }
      .value small {
        color: var(--text-2);
        font-size: var(--size-3);
        font-weight: 500;
        letter-spacing: 0;
      }
      .value.none {
        color: var(--text-3);
      }
      svg {
        display: block;
        inline-size: 100%;
        block-size: 44px;
        overflow: visible;
      }
      polyline {
        fill: none;
        stroke: var(--accent);
        stroke-width: 2;
        stroke-linejoin: round;
        vector-effect: non-scaling-stroke;
      }
      polygon {
        fill: var(--accent);
        opacity: 0.09;
      }
      .failed + svg polyline {
        stroke: var(--failed);
      }
      :host(:dir(rtl)) svg {
        transform: scaleX(-1);
      }
    `,
  ]

  static override properties: PropertyDeclarations = {
    path: {},
    unit: {},
    scale: numberAttribute,
    digits: numberAttribute,
    better: {},
    warn: numberAttribute,
    fail: numberAttribute,
    span: numberAttribute,
    value: numberAttribute,
  }

  /**
   * Path of the number in a chunk, such as `requests.last_minute`. Default: the chunk is the
   * number.
   */
  declare path: string
  /** Unit, or what the number is of. */
  declare unit: string
  /** The number is multiplied by this: 100 for a share in percent. */
  declare scale: number | null
  /** Digits after the point. Default: as many as can be read. */
  declare digits: number | null
  /** Which change is good: `higher`, `lower`; unset: none is. */
  declare better: 'higher' | 'lower' | undefined
  /** From this value on the number is a warning. Where `fail` is below it, from this value down. */
  declare warn: number | null
  /** From this value on the number is a failure. */
  declare fail: number | null
  /** Seconds over which the change and the course are shown. Default: 300. */
  declare span: number | null
  /** The number, where it comes from the page and not from a stream. */
  declare value: number | null

  readonly #points = new Ring(POINTS_MAX, 1)
  #text: string | null = null

  constructor() {
    super()
    this.path = ''
    this.unit = ''
    this.scale = null
    this.digits = null
    this.better = undefined
    this.warn = null
    this.fail = null
    this.span = null
    this.value = null
  }

  protected override onReset(): void {
    this.#points.clear()
    this.#text = null
  }

  protected override onValue(value: unknown, timeMs: number): void {
    const number = pickNumber(value, this.path)
    if (number === null) {
      // A text is shown as it is; what is not there has no place in the course.
      const found = pick(value, this.path)
      this.#text = typeof found === 'string' ? valueText(found) : null
      if (found === null) this.#points.add(timeMs, [Number.NaN])
      return
    }
    this.#text = null
    this.#points.add(timeMs, [number * (this.scale ?? 1)])
  }

  /** The newest number; null where there is none. */
  get current(): number | null {
    if (this.value !== null) return this.value
    const last = this.#points.last(0)
    return last === null || Number.isNaN(last) ? null : last
  }

  override render(): unknown {
    const words = { ...LABELS, ...this.labels }
    const { current, language, unit } = this
    const spanMs = (this.span ?? 300) * 1_000
    const { times, columns } = this.#points.window(spanMs)
    const values = columns[0] ?? []
    // Right after its start a server counts minutes that are not full: they are no time to compare with.
    const isFull = this.#points.coveredMs >= WARM_SPANS * spanMs
    const level = current === null ? 'ok' : levelOf(current, this.warn, this.fail)
    const text = this.#text ?? (current === null ? '–' : numberText(current, language, this.digits ?? undefined))
    const isNone = this.#text === null && current === null
    return html`<div class="head">
        <h2 dir="auto">${this.heading}</h2>
        ${this.#renderChange(isFull ? changeOf(times, values, spanMs) : null, level, words)}
      </div>
      <div class="value ${level === 'ok' ? '' : level} ${isNone ? 'none' : ''}" part="value">
        <span>${text}</span><small dir="auto">${isNone && !this.freshness.hasData ? words.noData : unit}</small>
      </div>
      ${this.#renderCourse(times, values)}`
  }

  #renderCourse(times: readonly number[], values: readonly number[]): unknown {
    const { line, area } = sparkline(times, values)
    return html`<svg viewBox="0 0 300 44" preserveAspectRatio="none" part="sparkline" aria-hidden="true">
      ${line === '' ? nothing : svg`<polygon points=${area}></polygon><polyline points=${line}></polyline>`}
    </svg>`
  }

  /** What is beyond a bound says so; else the change from the time before. */
  #renderChange(change: number | null, level: Level, words: Readonly<Record<keyof typeof LABELS, string>>): unknown {
    const state = this.renderState()
    if (state !== nothing) return state
    const { language } = this
    if (level !== 'ok') {
      const bound = level === 'failed' ? this.fail : this.warn
      const isLowBad = this.warn !== null && this.fail !== null && this.fail < this.warn
      const text = (isLowBad ? words.below : words.above).replace('{n}', numberText(bound ?? 0, language))
      return html`<span class="pill ${level}" part="change">${text}</span>`
    }
    if (change === null) return nothing
    if (Math.abs(change) < STEADY) return html`<span class="pill" part="change">${words.steady}</span>`
    const isBetter = this.better === undefined ? null : change > 0 === (this.better === 'higher')
    const kind = isBetter === null ? '' : isBetter ? 'ok' : 'caught'
    const told = isBetter === null ? words.changed : isBetter ? words.better : words.worse
    const percent = numberText(Math.abs(change) * 100, language, 0)
    return html`<span class="pill ${kind}" part="change"
      >${`${change > 0 ? '+' : '−'}${percent} %`}<span class="visually-hidden"> ${told}</span></span
    >`
  }
}

/**
 * The newest fifth of a span against the rest of it, as a share; null where the points do not fill it, and where most of the rest is zero: against next to nothing every
 * change is huge. Each value counts for the time since the one before: a history has fewer points than what came live.
 */
function changeOf(times: readonly number[], values: readonly number[], spanMs: number): number | null {
  const sums = { before: 0, newest: 0 }
  const weights = { before: 0, newest: 0 }
  let emptyMs = 0
  const fromMs = (times.at(-1) ?? 0) - spanMs / 5
  for (let index = 1; index < values.length; index++) {
    const [timeMs, value] = [times[index] ?? 0, values[index] ?? Number.NaN]
    if (Number.isNaN(value)) continue
    const part = timeMs > fromMs ? 'newest' : 'before'
    const weight = timeMs - (times[index - 1] ?? timeMs)
    sums[part] += value * weight
    weights[part] += weight
    if (value === 0 && part === 'before') emptyMs += weight
  }
  const before = sums.before / weights.before
  const change = (sums.newest / weights.newest - before) / Math.abs(before)
  return Number.isFinite(change) && emptyMs <= weights.before / 2 ? change : null
}
