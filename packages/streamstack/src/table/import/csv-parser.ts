import { StreamstackError } from '@streamstack/protocol'

/** Dialect of a file of delimited text. */
export interface CsvSyntax {
  /** One character. */
  readonly delimiter: string
  /** One character; null: no character quotes, and cells cannot hold line ends or delimiters. */
  readonly quote: string | null
}

/** A row as it stands in a file: null is an empty cell without quotes, `''` a quoted one. */
export interface CsvRow {
  /** The line that the row starts at, from 1. */
  readonly line: number
  readonly cells: readonly (string | null)[]
}

/** A row longer than this, in characters, is refused: it would have to be held whole. */
const ROW_LENGTH_MAX = 64 * 1024 * 1024

const LINE_FEED = 10
const CARRIAGE_RETURN = 13

/**
 * Where the parser stands. `cell`: before the first character of a cell. `bare`: in a cell without quotes. `quoted`: in
 * one with quotes. `closed`: behind a quote in a quoted cell, which either ends the cell or is the first half of `""`.
 */
type State = 'cell' | 'bare' | 'quoted' | 'closed'

/**
 * Splits delimited text (RFC 4180) into rows, however the text is cut into pieces. A row ends at CRLF, LF or CR,
 * whichever comes; quoted cells keep their own line ends. A quote inside a cell that does not start with one is an
 * ordinary character. Throws `file_unreadable` for text behind a closing quote, for a quote that is never closed, with
 * the line where it opened, and for a row that is too long.
 */
export class CsvParser {
  readonly #delimiter: number
  readonly #quote: number
  readonly #quoteText: string
  #state: State = 'cell'
  #line = 1
  #rowLine = 1
  /** The line of the quote that opened the current cell. */
  #quoteLine = 1
  #cells: (string | null)[] = []
  /** The part of the current cell in earlier pieces. */
  #cell = ''
  #cellsLength = 0
  /** The piece before ended in CR: an LF at the start of the next one belongs to the same line end. */
  #afterReturn = false
  #rows: CsvRow[] = []

  constructor({ delimiter, quote }: CsvSyntax) {
    this.#delimiter = delimiter.charCodeAt(0)
    this.#quote = quote === null ? -1 : quote.charCodeAt(0)
    this.#quoteText = quote ?? ''
  }

  /** The rows that became whole with this piece. */
  push(text: string): readonly CsvRow[] {
    this.#rows = []
    let at = 0
    while (at < text.length) {
      if (this.#state === 'quoted') at = this.#readQuoted(text, at)
      else if (this.#state === 'closed') at = this.#readClosed(text, at)
      else at = this.#readBare(text, at)
    }
    return this.#rows
  }

  /** The last row, when the file does not end with a line end. */
  end(): readonly CsvRow[] {
    this.#rows = []
    if (this.#state === 'quoted')
      throw unreadable(
        `the quote that opens in line ${this.#quoteLine} is never closed; close it, or read the file without quoting by \`--quote none\``,
      )
    if (this.#state !== 'cell' || this.#cells.length > 0) this.#finishRow()
    return this.#rows
  }

  #readBare(text: string, start: number): number {
    let from = start
    if (this.#afterReturn) {
      this.#afterReturn = false
      if (text.charCodeAt(from) === LINE_FEED) return from + 1
    }
    if (this.#state === 'cell' && text.charCodeAt(from) === this.#quote) {
      this.#state = 'quoted'
      this.#quoteLine = this.#line
      return from + 1
    }
    for (let at = from; at < text.length; at += 1) {
      const code = text.charCodeAt(at)
      if (code !== this.#delimiter && code !== LINE_FEED && code !== CARRIAGE_RETURN) continue
      if (at > from) this.#addText(text.slice(from, at))
      if (code === this.#delimiter) {
        this.#finishCell()
        from = at + 1
        if (from < text.length && text.charCodeAt(from) === this.#quote) return from
        continue
      }
      return this.#endLine(text, at)
    }
    if (text.length > from) {
      this.#state = 'bare'
      this.#addText(text.slice(from))
    }
    return text.length
  }

  #readQuoted(text: string, start: number): number {
    const end = text.indexOf(this.#quoteText, start)
    const piece = text.slice(start, end === -1 ? text.length : end)
    this.#countLines(piece)
    this.#addText(piece)
    if (end === -1) return text.length
    this.#state = 'closed'
    return end + 1
  }

  #readClosed(text: string, at: number): number {
    const code = text.charCodeAt(at)
    this.#afterReturn = false
    if (code === this.#quote) {
      this.#addText(this.#quoteText)
      this.#state = 'quoted'
      return at + 1
    }
    if (code === this.#delimiter) {
      this.#finishCell()
      return at + 1
    }
    if (code === LINE_FEED || code === CARRIAGE_RETURN) return this.#endLine(text, at)
    throw unreadable(
      `in line ${this.#line}, text follows the quote that closes a cell; write a quote inside a quoted cell twice, or read the file without quoting by \`--quote none\``,
    )
  }

  /** Ends the row at the line end that stands at `at`; gives the place behind it. */
  #endLine(text: string, at: number): number {
    this.#finishRow()
    this.#line += 1
    this.#rowLine = this.#line
    if (text.charCodeAt(at) === LINE_FEED) return at + 1
    if (at + 1 === text.length) this.#afterReturn = true
    return text.charCodeAt(at + 1) === LINE_FEED ? at + 2 : at + 1
  }

  #addText(text: string): void {
    this.#cell = this.#cell === '' ? text : this.#cell + text
    if (this.#cellsLength + this.#cell.length > ROW_LENGTH_MAX) {
      const cause =
        this.#state === 'quoted' ? `; the quote that opens in line ${this.#quoteLine} may be missing its end` : ''
      throw unreadable(`the row of line ${this.#rowLine} is longer than ${ROW_LENGTH_MAX} characters${cause}`)
    }
  }

  #finishCell(): void {
    this.#cells.push(this.#cell === '' && this.#state !== 'closed' ? null : this.#cell)
    this.#cellsLength += this.#cell.length
    this.#cell = ''
    this.#state = 'cell'
  }

  #finishRow(): void {
    this.#finishCell()
    this.#rows.push({ line: this.#rowLine, cells: this.#cells })
    this.#cells = []
    this.#cellsLength = 0
  }

  #countLines(piece: string): void {
    for (let at = 0; at < piece.length; at += 1) {
      const code = piece.charCodeAt(at)
      if (code === CARRIAGE_RETURN || (code === LINE_FEED && !this.#afterReturn)) this.#line += 1
      this.#afterReturn = code === CARRIAGE_RETURN
    }
  }
}

/** A file of delimited text that cannot be imported, with the place and the cure. */
export function unreadable(problem: string): StreamstackError {
  return new StreamstackError('file_unreadable', `The CSV file cannot be imported: ${problem}.`)
}
