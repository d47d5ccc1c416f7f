import { html, svg } from 'lit'
import type { Level } from '../base/gauge-state.ts'

interface Gauge {
  readonly heading: string
  readonly value: number
  readonly low: number
  readonly high: number
  readonly level: Level
  /** The value as it is written, without its unit. */
  readonly number: string
  readonly unit: string
}

/** One value on an arc from a low bound to a high one. */
export function gauge({ heading, value, low, high, level, number, unit }: Gauge): unknown {
  const share = Math.min(1, Math.max(0, (value - low) / (high - low || 1)))
  return html`<div
    class="gauge"
    part="gauge"
    role="meter"
    aria-label=${heading}
    aria-valuemin=${low}
    aria-valuemax=${high}
    aria-valuenow=${value}
    aria-valuetext=${unit === '' ? number : `${number} ${unit}`}
  >
    <svg viewBox="0 0 200 120" aria-hidden="true">
      ${svg`<path d="M20 105 A80 80 0 0 1 180 105"></path>
        <path class="arc ${level}" d="M20 105 A80 80 0 0 1 180 105" pathLength="1" .style=${`--share: ${share}${share === 0 ? '; visibility: hidden' : ''}`}></path>
        <text x="100" y="98">${number}<tspan> ${unit}</tspan></text>`}
    </svg>
  </div>`
}

/** 10, 20, 50, 100, 200 …: the next one above a value. */
export function niceBound(value: number): number {
  const power = 10 ** Math.max(1, Math.floor(Math.log10(Math.max(value, 1))))
  return [1, 2, 5, 10].map((step) => step * power).find((bound) => bound > value) ?? 10 * power
}
