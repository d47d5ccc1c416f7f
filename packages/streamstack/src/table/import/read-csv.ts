import { CsvParser, unreadable } from './csv-parser.ts'
import type { CsvRow, CsvSyntax } from './csv-parser.ts'
import type { Source, SourceRow } from './source-row.ts'

/** Options of the caller; undefined ones are detected. */
export interface CsvOptions {
  readonly delimiter?: string | undefined
  /** null: no character quotes. */
  readonly quote?: string | null | undefined
}

const DELIMITERS = [',', ';', '\t', '|'] as const
/** The delimiter is found in the first line, or in this much of it. */
const FIRST_LINE_MAX = 1024 * 1024

/**
 * The rows of delimited text whose first line names the columns. Without `delimiter`, commas, semicolons, tabs and bars
 * are told apart by that line; Excel's `sep=;` before it decides. Blank lines are left out where rows have several
 * cells. Rows of another length than the first line have a problem.
 */
export class CsvSource implements Source {
  header: readonly string[] | null = null
  readonly #texts: AsyncIterable<string>
  readonly #options: CsvOptions

  constructor(texts: AsyncIterable<string>, options: CsvOptions) {
    this.#texts = texts
    this.#options = options
  }

  async *rows(): AsyncGenerator<readonly SourceRow[]> {
    const quote = this.#options.quote === undefined ? '"' : this.#options.quote
    let start = ''
    let parser: CsvParser | null = null
    for await (const text of this.#texts) {
      if (parser === null) {
        start += text
        if (start.length < FIRST_LINE_MAX && !/\S[\s\S]*?[\r\n][\s\S]/.test(start)) continue
      }
      const piece: string = parser === null ? start : text
      parser ??= this.#parser(start, quote)
      const rows = this.#sourceRows(parser.push(piece))
      if (rows.length > 0) yield rows
    }
    const rest: CsvRow[] = []
    if (parser === null) {
      parser = this.#parser(start, quote)
      rest.push(...parser.push(start))
    }
    rest.push(...parser.end())
    const rows = this.#sourceRows(rest)
    if (rows.length > 0) yield rows
    if (this.header === null) throw unreadable('it is empty')
  }

  #parser(start: string, quote: string | null): CsvParser {
    return new CsvParser(syntaxOf(start, this.#options.delimiter, quote))
  }

  #sourceRows(rows: readonly CsvRow[]): readonly SourceRow[] {
    const found: SourceRow[] = []
    for (const { line, cells } of rows) {
      if (this.header === null) {
        if (isBlank(cells) || (line === 1 && this.#isSeparatorLine(cells))) continue
        this.header = this.#checkedHeader(cells)
      } else if (!isBlank(cells) || this.header.length === 1) found.push(this.#sourceRow(line, cells))
    }
    return found
  }

  /** `sep=;`, which Excel reads and other programs write for it. */
  #isSeparatorLine(cells: readonly (string | null)[]): boolean {
    return (
      this.#options.delimiter === undefined &&
      cells.length <= 2 &&
      /^\uFEFF?sep=.?$/i.test(cells.map((cell) => cell ?? '').join(''))
    )
  }

  #checkedHeader(cells: readonly (string | null)[]): readonly string[] {
    const header = cells.map((name, at) => (at === 0 ? (name ?? '').replace(/^\uFEFF/, '') : (name ?? '')).trim())
    const twin = header.find((name, at) => name !== '' && header.indexOf(name) !== at)
    if (twin !== undefined) throw unreadable(`its first line names the column "${twin}" twice; rename one there`)
    // No column can have this name, and lookups by it are a common fault of programs.
    if (header.includes('__proto__'))
      throw unreadable('its first line names a column "__proto__", which is a reserved name; rename the column there')
    return header
  }

  #sourceRow(line: number, cells: readonly (string | null)[]): SourceRow {
    const width = this.header!.length
    if (cells.length === width) return { line, text: JSON.stringify(cells), problem: null }
    const text = JSON.stringify(cells.map((cell) => cell ?? ''))
    return {
      line,
      text,
      problem: `has ${cells.length} ${cells.length === 1 ? 'cell' : 'cells'} where the first line has ${width}`,
    }
  }
}

function isBlank(cells: readonly (string | null)[]): boolean {
  return cells.length === 1 && cells[0] === null
}

/** The syntax by the first line that is not blank. */
function syntaxOf(start: string, delimiter: string | undefined, quote: string | null): CsvSyntax {
  if (delimiter !== undefined) return { delimiter, quote }
  const text = start.replace(/^[\uFEFF\r\n]+/, '')
  const said = /^sep=([^\r\n"])\r?[\r\n]/i.exec(text)?.[1]
  if (said !== undefined) return { delimiter: said, quote }
  const counts = DELIMITERS.map((sign) => countIn(text, sign, quote))
  return { delimiter: DELIMITERS[counts.indexOf(Math.max(...counts))]!, quote }
}

/** Counts a character in the first line, outside of quotes. */
function countIn(text: string, sign: string, quote: string | null): number {
  const row = new CsvParser({ delimiter: sign, quote: null }).push(
    quote === null ? text : withoutQuoted(text, quote),
  )[0]
  return row?.cells.length ?? text.split(sign).length
}

/** The first line with its quoted parts left out. */
function withoutQuoted(text: string, quote: string): string {
  let bare = ''
  let inside = false
  for (const character of text.slice(0, FIRST_LINE_MAX)) {
    if (character === quote) inside = !inside
    else if (!inside) {
      bare += character
      if (character === '\n' || character === '\r') return bare
    }
  }
  return `${bare}\n`
}
