import { valueText } from '../base/pick.ts'
import { type TableColumn, cellOf } from './row-store.ts'
import { cut } from '../base/cut.ts'

/** Height of a row. */
export const ROW_PIXELS = 30
/** Longer cells are cut in the DOM; a cell shows one line. */
const CELL_CHARACTERS_MAX = 300

/** An element that shows one row after another. */
export class PoolRow {
  readonly element: HTMLElement
  index = -1
  readonly #columns: readonly TableColumn[]
  readonly #cells: HTMLElement[]
  #row: unknown = undefined

  constructor(space: HTMLElement, columns: readonly TableColumn[]) {
    this.#columns = columns
    this.element = document.createElement('div')
    this.element.className = 'row'
    this.element.setAttribute('role', 'row')
    this.element.hidden = true
    this.#cells = columns.map(({ type }) => {
      const cell = document.createElement('div')
      cell.setAttribute('role', 'cell')
      if (type === 'number') cell.className = 'number'
      this.element.append(cell)
      return cell
    })
    space.append(this.element)
  }

  show(index: number, row: unknown): void {
    if (index === this.index && row === this.#row) return
    this.index = index
    this.#row = row
    this.element.hidden = false
    this.element.style.transform = `translateY(${index * ROW_PIXELS}px)`
    this.element.setAttribute('aria-rowindex', String(index + 2))
    for (const [column, { path }] of this.#columns.entries()) {
      const cell = this.#cells[column]
      // Numbers keep all their digits and get no separators: they may be ids, years or coordinates.
      const text = valueText(cellOf(row, path))
      if (cell !== undefined) cell.textContent = cut(text, CELL_CHARACTERS_MAX)
    }
  }

  hide(): void {
    if (this.index === -1) return
    this.forget()
    this.element.hidden = true
  }

  /** The row is another one, though its number is the same. */
  forget(): void {
    this.index = -1
    this.#row = undefined
  }
}
