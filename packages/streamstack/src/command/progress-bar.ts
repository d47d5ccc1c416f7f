import type { ImportProgress } from '../table/index.ts'
import type { CommandIo } from './io.ts'
import { counted } from './issue-lines.ts'

/** How often the bar is drawn. */
const DRAW_MS = 100
const BAR_CELLS = 24

/** A line on stderr that follows an import; nothing at all where stderr is no terminal. */
export class ProgressBar {
  readonly #io: CommandIo
  readonly #startedMs = performance.now()
  #drawnMs = 0

  constructor(io: CommandIo) {
    this.#io = io
  }

  draw(table: string, { rows, bytesRead, bytesTotal }: ImportProgress): void {
    const nowMs = performance.now()
    if (this.#io.stderr.isTTY !== true || nowMs - this.#drawnMs < DRAW_MS) return
    this.#drawnMs = nowMs
    const share = bytesTotal === 0 ? 1 : Math.min(1, bytesRead / bytesTotal)
    const full = Math.round(share * BAR_CELLS)
    const bar = `${'█'.repeat(full)}${'░'.repeat(BAR_CELLS - full)}`
    const percent = `${Math.floor(share * 100)}%`.padStart(4)
    const speed = rowsPerSecond(rows, (nowMs - this.#startedMs) / 1000)
    this.#io.stderr.write(`\r\u001B[K${table} ${bar}${percent}  ${counted(rows, 'row')}  ${speed}`)
  }

  /** Takes the line away. */
  clear(): void {
    if (this.#drawnMs > 0) this.#io.stderr.write('\r\u001B[K')
  }
}

/** `120,000 rows/s`. */
export function rowsPerSecond(rows: number, seconds: number): string {
  return `${Math.round(rows / Math.max(seconds, 0.001)).toLocaleString('en-US')} rows/s`
}
