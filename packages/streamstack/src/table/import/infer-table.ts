import { StreamstackError } from '@streamstack/protocol'
import type { Value } from '@streamstack/protocol'
import { Document } from 'yaml'
import { COLUMNS_MAX } from '../declaration.ts'
import { ColumnGuess } from './column-guess.ts'
import { columnName } from './column-name.ts'
import { membersOf } from './json-members.ts'
import { KeyGuess } from './key-guess.ts'
import type { SourceRow } from './source-row.ts'

/** A file with more names than this is no table. */
const NAMES_MAX = COLUMNS_MAX * 4

/**
 * Makes a declaration from all records of a file: `add` takes them as they come, `declaration` gives the text of a new
 * `tables/<name>.yaml`. A column `id` without gaps and doubles becomes the primary one.
 */
export class TableGuess {
  readonly #columns = new Map<string, { readonly guess: ColumnGuess; readonly key: KeyGuess | null }>()
  #rows = 0
  /** Why the first record that does not fit its file is none, with its line. */
  #firstFault: string | null = null

  /** Throws `file_unreadable` when the records name too many columns. */
  add(rows: readonly SourceRow[], header: readonly string[] | null): void {
    for (const { line, text, problem } of rows) {
      if (problem !== null) {
        this.#firstFault ??= `line ${line} ${problem}`
        continue
      }
      this.#rows += 1
      if (header === null) for (const [name, raw] of membersOf(text)) this.#addJson(name, raw)
      else this.#addCells(header, JSON.parse(text))
    }
  }

  /** Throws `file_unreadable` when there is no record to make a table of, or no column for one of its names. */
  declaration(): string {
    if (this.#rows === 0)
      throw noTable(`holds no records to make a table of${this.#firstFault === null ? '' : `: ${this.#firstFault}`}`)
    const declared: Record<string, Record<string, Value>> = {}
    const names = new Map<string, string>()
    for (const [written, { guess, key: keyGuess }] of this.#columns) {
      // A trailing delimiter makes a last column without a name and without values.
      if (written === '' && guess.present === 0) continue
      const name = columnName(written)
      const twin = names.get(name.toLowerCase())
      if (twin !== undefined)
        throw noTable(`names the columns "${twin}" and "${written}", which would be one column. Rename one in the file`)
      names.set(name.toLowerCase(), written)
      const type = guess.type()
      const isKey = ['integer', 'text', 'uuid'].includes(type) && keyGuess?.isKey(this.#rows) === true
      // An `id` with gaps or doubles is a column like any other, and the key gets another name than it would get unasked.
      if (keyGuess !== null && !isKey) declared[this.#freeName('record_id')] = { type: 'integer', primary: true }
      declared[name] = {
        type,
        ...(isKey ? { primary: true } : {}),
        ...(name === written || written === '' ? {} : { description: written }),
      }
    }
    const document = new Document({ columns: declared })
    for (const name of Object.keys(declared)) {
      const node = document.getIn(['columns', name], true)
      if (typeof node === 'object' && node !== null) Object.assign(node, { flow: true })
    }
    return document.toString({ lineWidth: 0 })
  }

  /** The name, with `_` before it as often as a column of the file has it. */
  #freeName(name: string): string {
    const taken = [...this.#columns.keys()].some((written) => columnName(written).toLowerCase() === name)
    return taken ? this.#freeName(`_${name}`) : name
  }

  #addCells(header: readonly string[], cells: readonly (string | null)[]): void {
    for (let at = 0; at < header.length; at += 1) {
      const column = this.#column(header[at]!)
      const cell = cells[at] ?? null
      column.guess.addCell(cell)
      if (cell !== null && cell !== '') column.key?.add(cell)
    }
  }

  #addJson(name: string, raw: string): void {
    const column = this.#column(name)
    column.guess.addJson(raw)
    if (raw !== 'null' && raw !== '""') column.key?.add(raw)
  }

  #column(name: string): { readonly guess: ColumnGuess; readonly key: KeyGuess | null } {
    const known = this.#columns.get(name)
    if (known !== undefined) return known
    if (this.#columns.size === NAMES_MAX) {
      throw new StreamstackError(
        'file_unreadable',
        `The records of the file name more than ${NAMES_MAX} columns; a table holds at most ${COLUMNS_MAX}.`,
      )
    }
    const column = { guess: new ColumnGuess(), key: name.toLowerCase() === 'id' ? new KeyGuess() : null }
    this.#columns.set(name, column)
    return column
  }
}

function noTable(problem: string): StreamstackError {
  return new StreamstackError('file_unreadable', `The file ${problem}.`)
}
