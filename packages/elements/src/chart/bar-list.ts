import { html } from 'lit'
import type { Bar } from './bars.ts'

export interface BarListOptions {
  readonly bars: readonly Bar[]
  readonly noData: string
  /** Shows the value of a bar. */
  readonly number: (value: number) => string
}

/** Bars with their names and values, the longest first. */
export function barList({ bars, noData, number }: BarListOptions): unknown {
  const top = bars[0]?.value ?? 0
  if (bars.length === 0) return html`<div class="none">${noData}</div>`
  return html`<ul class="bars" part="bars">
    ${bars.map(
      ({ name, value }, index) =>
        html`<li class=${index === 0 ? 'top' : ''}>
          <span dir="auto" title=${name}>${name}</span><b>${number(value)}</b>
          <div aria-hidden="true">
            <i .style=${`--share: ${top > 0 ? Math.max(0, (value / top) * 100) : 0}%`}></i>
          </div>
        </li>`,
    )}
  </ul>`
}
