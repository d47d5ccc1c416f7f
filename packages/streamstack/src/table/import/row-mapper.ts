import { StreamstackError } from '@streamstack/protocol'
import type { Value } from '@streamstack/protocol'
import { didYouMean, suggest } from '../../text/did-you-mean.ts'
import { isDeep, parseExactJson } from '../../text/parse-exact-json.ts'
import { isMisfit } from '../column-type.ts'
import type { ColumnDeclaration, TableDeclaration } from '../declaration.ts'
import type { LoadValue } from '../record-store.ts'
import { storedValue } from '../stored-record.ts'
import { columnName } from './column-name.ts'
import { membersOf } from './json-members.ts'
import type { SourceRow } from './source-row.ts'

const UNKNOWN_COLUMN = -1

/** Turns rows of a file into stored values; finds out once for each name in the file which column it means. */
export class RowMapper {
  readonly #table: TableDeclaration
  readonly #ignoreUnknown: boolean
  readonly #header: readonly string[] | null
  /** Name in the file → place of the column, or `UNKNOWN_COLUMN`. */
  readonly #places = new Map<string, number>()
  /** How many records were refused because none or not all of their columns are known. */
  #unknownCount = 0
  #rows = 0
  #lastUnknown = ''
  #unnamed = false

  constructor(table: TableDeclaration, header: readonly string[] | null, ignoreUnknown: boolean) {
    this.#table = table
    this.#header = header
    this.#ignoreUnknown = ignoreUnknown
    table.columns.forEach((column, at) => this.#places.set(column.name, at))
  }

  /** The values in the order of the columns, or why the record does not fit. */
  values(source: SourceRow): readonly LoadValue[] | string {
    this.#rows += 1
    if (this.#header !== null) return this.#cellValues(this.#header, JSON.parse(source.text))
    return isDeep(source.text) ? 'is nested too deeply' : this.#jsonValues(source.text)
  }

  /** The row as a value, for the file of rejected records. */
  shown({ text, problem }: SourceRow): Value {
    if (this.#header === null || problem !== null) return isDeep(text) ? text : parseExactJson(text)
    const cells: readonly (string | null)[] = JSON.parse(text)
    return Object.fromEntries(this.#header.map((name, at) => [name, cells[at] ?? null]))
  }

  /** Why no record of the file can belong to the table, by the names in its first line; null when that does not tell. */
  strangeHeader(): StreamstackError | null {
    if (this.#header === null) return null
    // A last name that is empty may come from a trailing delimiter.
    const names = this.#header.filter((name, at) => name !== '' || at < this.#header!.length - 1)
    const unknown = names.filter((name) => (this.#places.get(name) ?? this.#place(name)) === UNKNOWN_COLUMN)
    if (unknown.length === 0 || (this.#ignoreUnknown && unknown.length < names.length)) return null
    if (this.#ignoreUnknown) this.#noneKnown(names)
    else this.#unknown(unknown[0]!)
    return this.#strangersError()
  }

  /**
   * Why nothing of the file belongs to the table; null when something does. All records were refused for their columns'
   * names, or each of their columns would be left out.
   */
  strangers(): StreamstackError | null {
    return this.#rows === 0 || this.#unknownCount < this.#rows ? null : this.#strangersError()
  }

  #strangersError(): StreamstackError {
    const named = this.#lastUnknown
    if (this.#ignoreUnknown) {
      return new StreamstackError(
        'column_unknown',
        `Nothing was imported: no column of the file is one of the table "${this.#table.name}" (${named}). Name the table's columns in the first line of the file, or as the properties of its records.`,
      )
    }
    const cure = this.#unnamed
      ? 'Give it one in the file (pandas writes its index without one: index=False leaves it out)'
      : `Declare the column in tables/${this.#table.name}.yaml`
    return new StreamstackError(
      'column_unknown',
      `Nothing was imported: ${named}. ${cure}, or leave unknown columns out with \`--ignore-unknown\`.`,
    )
  }

  #cellValues(header: readonly string[], cells: readonly (string | null)[]): readonly LoadValue[] | string {
    const given = this.#noValues<Value>()
    const names = this.#noValues<string>()
    let known = 0
    for (let at = 0; at < header.length; at += 1) {
      const name = header[at]!
      const cell = cells[at] ?? null
      const place = this.#places.get(name) ?? this.#place(name)
      if (place === UNKNOWN_COLUMN) {
        // A trailing delimiter makes a last column without a name and without values.
        const trailing = name === '' && cell === null && at === header.length - 1
        if (!this.#ignoreUnknown && !trailing) return this.#unknown(name)
        continue
      }
      if (names[place] !== undefined) return this.#twice(names[place], name, place)
      names[place] = name
      known += 1
      const column = this.#table.columns[place]!
      // An empty cell is nothing; a quoted one is the empty text, where a column can hold that.
      if (cell !== null && (cell !== '' || keepsEmptyText(column))) given[place] = cell
    }
    return known === 0 ? this.#noneKnown(header) : this.#stored(given)
  }

  #jsonValues(text: string): readonly LoadValue[] | string {
    const members = membersOf(text)
    const given = this.#noValues<Value>()
    const names = this.#noValues<string>()
    let known = 0
    for (const [name, raw] of members) {
      const place = this.#places.get(name) ?? this.#place(name)
      if (place === UNKNOWN_COLUMN) {
        if (!this.#ignoreUnknown) return this.#unknown(name)
        continue
      }
      if (names[place] !== undefined) return this.#twice(names[place], name, place)
      names[place] = name
      known += 1
      given[place] = jsonValue(this.#table.columns[place]!, raw)
    }
    if (known === 0 && members.length > 0) return this.#noneKnown(members.map(([name]) => name))
    return this.#stored(given)
  }

  #noValues<T>(): (T | undefined)[] {
    return Array.from({ length: this.#table.columns.length })
  }

  #stored(given: readonly (Value | undefined)[]): readonly LoadValue[] | string {
    const { columns } = this.#table
    const values: LoadValue[] = []
    for (let at = 0; at < columns.length; at += 1) {
      const column = columns[at]!
      const stored = storedValue(column, given[at], 'coerce')
      if (stored !== undefined && isMisfit(stored)) return `the column "${column.name}" ${stored.misfit}`
      values.push(stored)
    }
    return values
  }

  #place(name: string): number {
    const at = this.#meantColumn(name)
    // Records may each name other columns; only some of them are remembered.
    if (this.#places.size < 10_000) this.#places.set(name, at)
    return at
  }

  /** `Release Date` in a file means the column `release_date`, and a name that no column can have the one made from it. */
  #meantColumn(name: string): number {
    const fitting = columnName(name)
    const exact = fitting === name ? -1 : this.#table.columns.findIndex((column) => column.name === fitting)
    if (exact !== -1) return exact
    const simple = simplified(name)
    const found =
      simple === '' ? [] : this.#table.columns.flatMap((column, at) => (simplified(column.name) === simple ? [at] : []))
    return found.length === 1 ? found[0]! : UNKNOWN_COLUMN
  }

  #twice(first: string, second: string, place: number): string {
    return `its columns "${first}" and "${second}" both mean the column "${this.#table.columns[place]!.name}"`
  }

  #noneKnown(names: readonly string[]): string {
    this.#unknownCount += 1
    this.#lastUnknown = names.slice(0, 5).join(', ')
    return `none of its columns is one of the table "${this.#table.name}"`
  }

  #unknown(name: string): string {
    this.#unknownCount += 1
    this.#unnamed = name === ''
    if (this.#unnamed) {
      this.#lastUnknown = 'the file has a column without a name'
      return this.#lastUnknown
    }
    const near = didYouMean(
      name,
      this.#table.columns.map((column) => column.name),
    )
    this.#lastUnknown = `the table "${this.#table.name}" has no column "${name}"${near === null ? '' : ` (${suggest(near)})`}`
    return this.#lastUnknown
  }
}

/** Text columns keep the characters that the file has for a value; JSON writes a number in many ways. */
function jsonValue(column: ColumnDeclaration, raw: string): Value {
  return column.type === 'text' && !raw.startsWith('"') && raw !== 'null' ? raw : parseExactJson(raw)
}

function keepsEmptyText(column: ColumnDeclaration): boolean {
  return column.type === 'text'
}

function simplified(name: string): string {
  return name.toLowerCase().replaceAll(/[\s_\-.]+/g, '')
}
