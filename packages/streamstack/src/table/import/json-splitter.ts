import { StreamstackError } from '@streamstack/protocol'
import { jsonRow } from './json-members.ts'
import type { SourceRow } from './source-row.ts'

/** One record longer than this, in characters, is refused: it would have to be held whole. */
const ELEMENT_LENGTH_MAX = 64 * 1024 * 1024

const QUOTE = 34
const BACKSLASH = 92
const OPEN_LIST = 91
const CLOSE_LIST = 93
const OPEN_OBJECT = 123
const CLOSE_OBJECT = 125
const COMMA = 44
const NEWLINE = 10

/**
 * Takes the text of a JSON file in pieces and gives its records as soon as they are whole: the elements of its list, or
 * of the one list of objects directly inside its object, as `{ "data": [ … ] }`. Holds no more than one record.
 */
export class JsonSplitter {
  #buffer = ''
  /** How far `buffer` has been looked at. */
  #at = 0
  #depth = 0
  #inString = false
  #escaped = false
  /** Where the current record starts in `buffer`; -1 between records. */
  #start = -1
  #startLine = 1
  #line = 1
  /** The depth at which records stand; 0 outside of their list. */
  #recordDepth = 0
  /** A list directly inside the object was opened, and its first element decides whether it is the one with records. */
  #listOpened = false
  #listsFound = 0
  #rootClosed = false

  /** The records that became whole with this piece. */
  push(text: string): readonly SourceRow[] {
    this.#buffer += text
    const rows: SourceRow[] = []
    for (; this.#at < this.#buffer.length; this.#at += 1) this.#take(this.#buffer.charCodeAt(this.#at), rows)
    if (this.#start === -1) {
      this.#buffer = ''
      this.#at = 0
    } else if (this.#start > 0) {
      this.#buffer = this.#buffer.slice(this.#start)
      this.#at -= this.#start
      this.#start = 0
    }
    if (this.#buffer.length > ELEMENT_LENGTH_MAX)
      throw this.#wrong(`the record that starts at line ${this.#startLine} is too long`)
    return rows
  }

  /** Throws when the file ended early or held no list of records. */
  end(): void {
    if (!this.#rootClosed) {
      throw this.#wrong(
        this.#depth === 0 ? 'it is empty' : `it ends at line ${this.#line} in the middle; it may be cut off`,
      )
    }
    if (this.#listsFound === 0) {
      throw this.#wrong('it holds no list of records; one object a line is read as `--format ndjson`')
    }
  }

  #take(code: number, rows: SourceRow[]): void {
    if (code === NEWLINE) this.#line += 1
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false
      else if (code === BACKSLASH) this.#escaped = true
      else if (code === QUOTE) this.#inString = false
      return
    }
    // Blanks, and everything inside of a record that is no quote and no bracket.
    if (code <= 32 && (this.#recordDepth === 0 || this.#depth !== this.#recordDepth)) return
    if (this.#depth === 0) {
      this.#openRoot(code)
      return
    }
    if (this.#listOpened) this.#decideList(code)
    const between = this.#recordDepth > 0 && this.#depth === this.#recordDepth
    if (between && (code === COMMA || code === CLOSE_LIST)) this.#finish(rows)
    else if (between && this.#start === -1 && code > 32) {
      this.#start = this.#at
      this.#startLine = this.#line
    }
    if (code === QUOTE) this.#inString = true
    else if (code === OPEN_OBJECT || code === OPEN_LIST) this.#open(code)
    else if (code === CLOSE_OBJECT || code === CLOSE_LIST) this.#close()
  }

  #openRoot(code: number): void {
    // A byte order mark that the decoder left.
    if (code === 0xfeff) return
    if (this.#rootClosed)
      throw this.#wrong(
        `there is more text at line ${this.#line} behind its end; one object a line is read as \`--format ndjson\``,
      )
    if (code !== OPEN_LIST && code !== OPEN_OBJECT) throw this.#wrong('it does not start with a list or an object')
    this.#depth = 1
    if (code === OPEN_LIST) {
      this.#recordDepth = 1
      this.#listsFound = 1
    }
  }

  #open(code: number): void {
    this.#depth += 1
    if (code === OPEN_LIST && this.#depth === 2 && this.#recordDepth === 0) this.#listOpened = true
  }

  #decideList(code: number): void {
    this.#listOpened = false
    if (code !== OPEN_OBJECT) return
    this.#listsFound += 1
    if (this.#listsFound > 1)
      throw this.#wrong(`it holds a second list of objects at line ${this.#line}; leave one, or make a file of each`)
    this.#recordDepth = 2
  }

  #close(): void {
    if (this.#depth === this.#recordDepth) this.#recordDepth = 0
    this.#depth -= 1
    if (this.#depth === 0) this.#rootClosed = true
  }

  #finish(rows: SourceRow[]): void {
    if (this.#start === -1) return
    rows.push(jsonRow(this.#buffer.slice(this.#start, this.#at), this.#startLine))
    this.#start = -1
  }

  #wrong(problem: string): StreamstackError {
    return new StreamstackError('file_unreadable', `The JSON file cannot be imported: ${problem}.`)
  }
}
