import { LitElement, css, html } from 'lit'
import { shared } from '../page/styles.ts'
import { formatMs } from '../page/numbers.ts'
import type { RunModel } from './run-model.ts'

const HEIGHT = 56
/** The axis grows in these steps, so that it does not move with each chunk. */
const STEPS_MS = [500, 1_000, 1_500, 2_000, 3_000, 5_000, 8_000, 12_000, 20_000, 30_000, 60_000]

/** One tick a chunk over time; the longest stall is shaded and named. */
export class ChunkWaterfall extends LitElement {
  static override styles = [
    ...shared,
    css`
      :host {
        border: 1px solid var(--line);
        border-radius: var(--radius);
        background: var(--surface);
        padding: 8px 12px 6px;
      }
      canvas {
        inline-size: 100%;
        block-size: ${HEIGHT}px;
        display: block;
      }
      .axis {
        display: grid;
        grid-template-columns: 1fr auto 1fr;
        gap: 8px;
      }
      .axis span:last-child {
        text-align: end;
      }
      .stall {
        color: var(--caught);
        text-align: center;
      }
    `,
  ]
  static override properties = {
    model: { attribute: false },
    tick: { attribute: false },
    selected: { attribute: false },
  }
  declare model: RunModel | null
  /** Changes when the model has. */
  declare tick: number
  declare selected: number | null
  readonly #resized = new ResizeObserver(() => this.requestUpdate())

  constructor() {
    super()
    this.model = null
    this.tick = 0
    this.selected = null
  }

  override connectedCallback(): void {
    super.connectedCallback()
    this.#resized.observe(this)
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#resized.disconnect()
  }

  get #spanMs(): number {
    const elapsed = this.model?.elapsedMs ?? 0
    return STEPS_MS.find((step) => step >= elapsed) ?? Math.ceil(elapsed / 60_000) * 60_000
  }

  override render(): unknown {
    const chunks = this.model?.chunks
    const stall = chunks?.gaps.stall ?? null
    const told =
      stall === null
        ? ''
        : `a gap of ${formatMs(stall.gapMs)} before chunk ${stall.index + 1} (p95 ${formatMs(chunks?.gaps.quantile(0.95) ?? 0)})`
    const label = `${chunks?.count ?? 0} chunks over ${formatMs(this.model?.elapsedMs ?? 0)}. ${told}`
    return html`<canvas role="img" aria-label=${label}></canvas>
      <div class="axis tiny">
        <span>0 ms</span><span class="stall">${told}</span><span>${formatMs(this.#spanMs)}</span>
      </div>`
  }

  override updated(): void {
    const canvas = this.renderRoot.querySelector('canvas')
    const context = canvas?.getContext('2d')
    if (canvas == null || context == null) return
    const ratio = devicePixelRatio
    const width = canvas.clientWidth
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== HEIGHT * ratio) {
      canvas.width = Math.round(width * ratio)
      canvas.height = HEIGHT * ratio
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0)
    context.clearRect(0, 0, width, HEIGHT)
    const chunks = this.model?.chunks
    const scale = width / this.#spanMs
    context.fillStyle = computed(canvas, '--line')
    for (let i = 0; i <= 4; i++) context.fillRect(Math.min(width - 1, (width * i) / 4), 2, 1, HEIGHT - 8)
    if (chunks === undefined) return
    const stall = chunks.gaps.stall
    if (stall !== null) {
      context.fillStyle = computed(canvas, '--caught-weak')
      const from = chunks.timeMs(stall.index - 1) * scale
      context.fillRect(from, 8, chunks.timeMs(stall.index) * scale - from, HEIGHT - 20)
    }
    const [tick, late] = [computed(canvas, '--accent'), computed(canvas, '--caught')]
    // No more ticks than pixels, however many chunks there are.
    let drawn = -1
    context.fillStyle = tick
    for (let i = 0; i < chunks.count; i++) {
      const x = Math.round(chunks.timeMs(i) * scale)
      if (x === drawn) continue
      drawn = x
      context.fillRect(x, 16, 2, HEIGHT - 36)
    }
    if (stall !== null) {
      context.fillStyle = late
      context.fillRect(Math.round(chunks.timeMs(stall.index) * scale), 8, 2, HEIGHT - 20)
    }
    if (this.selected !== null) {
      context.fillStyle = computed(canvas, '--text')
      context.fillRect(Math.round(chunks.timeMs(this.selected) * scale), 4, 2, HEIGHT - 12)
    }
  }
}

/** A canvas does not know custom properties or `light-dark()`: the browser computes them as a colour of the element. */
function computed(canvas: HTMLCanvasElement, name: string): string {
  canvas.style.color = `var(${name})`
  return getComputedStyle(canvas).color
}

customElements.define('chunk-waterfall', ChunkWaterfall)
