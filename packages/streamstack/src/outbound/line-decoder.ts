import type { TextDecoder } from 'node:util'
import { StreamstackError } from '@streamstack/protocol'
import { incomplete, outcomeOf } from './own-end.ts'
import type { Value } from '@streamstack/protocol'
import { parseExactJson } from '../text/parse-exact-json.ts'
import { TextPieces } from '../text/text-pieces.ts'
import type { ItemDecoder, ItemDecoderOptions, ItemFormatOptions } from './item-decoder.ts'
import { isErrorFrame, reportedError } from './error-frame.ts'
import { itemTooLarge } from './item-failure.ts'
import { textDecoderFor } from './text-decoder-for.ts'

type LineOptions = ItemDecoderOptions & Partial<Pick<ItemFormatOptions, 'marks'>>

/** Lines of text as items, ended by LF or CRLF; the last one counts without an end. */
export class LineDecoder implements ItemDecoder {
  isMarked = false
  readonly #host: string
  readonly #itemCharactersMax: number
  protected readonly marks: ItemFormatOptions['marks']
  readonly #text: TextDecoder
  /** Pieces of a line that spans chunks, joined once when its end comes. */
  readonly #pieces = new TextPieces()

  constructor({ host, itemCharactersMax, marks = null }: LineOptions, charset = '') {
    this.#host = host
    this.#itemCharactersMax = itemCharactersMax
    this.marks = marks
    this.#text = textDecoderFor(charset)
  }

  push(bytes: Uint8Array, items: Value[]): boolean {
    this.#split(this.#text.decode(bytes, { stream: true }), items)
    return this.isMarked
  }

  end(items: Value[]): void {
    this.#split(this.#text.decode(), items)
    if (this.#pieces.length === 0 || this.isMarked) return
    this.#takeLine(this.#joined(''), items)
  }

  /** Makes an item of one line without its end. */
  protected take(line: string, items: Value[]): void {
    items.push(line)
  }

  #takeLine(written: string, items: Value[]): void {
    const line = written.endsWith('\r') ? written.slice(0, -1) : written
    if (this.marks?.isText(line) === true) this.isMarked = true
    else this.take(line, items)
  }

  #split(text: string, items: Value[]): void {
    let start = 0
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
      const line = this.#joined(text.slice(start, end))
      start = end + 1
      if (line.length > this.#itemCharactersMax) throw itemTooLarge(this.#host, this.#itemCharactersMax)
      this.#takeLine(line, items)
      // What follows the end is not part of the answer any more.
      if (this.isMarked) return
    }
    if (start === text.length) return
    this.#pieces.push(text.slice(start))
    if (this.#pieces.length > this.#itemCharactersMax) throw itemTooLarge(this.#host, this.#itemCharactersMax)
  }

  #joined(tail: string): string {
    if (this.#pieces.length === 0) return tail
    this.#pieces.push(tail)
    const line = this.#pieces.text()
    this.#pieces.clear()
    return line
  }
}

/** JSON values, one a line (https://github.com/ndjson/ndjson-spec); blank lines are skipped. */
export class NdjsonDecoder extends LineDecoder {
  readonly #host: string
  readonly #passesBadItems: boolean
  #line = 0

  constructor(options: ItemFormatOptions) {
    super(options)
    this.#host = options.host
    this.#passesBadItems = options.passesBadItems
  }

  protected override take(line: string, items: Value[]): void {
    this.#line++
    if (line.trim() === '') return
    const value = this.#value(line)
    const outcome = outcomeOf(value)
    if (outcome !== null && outcome !== 'completed') throw incomplete(this.#host, outcome)
    if (outcome === null && !this.#passesBadItems && isErrorFrame(value)) throw reportedError(this.#host, line)
    this.isMarked = outcome === 'completed' && this.marks === null
    items.push(value)
  }

  #value(line: string): Value {
    try {
      return parseExactJson(line)
    } catch (cause) {
      if (this.#passesBadItems) return line
      const message = `Line ${this.#line} of the answer of ${this.#host} is not valid JSON.`
      throw new StreamstackError('upstream_failed', message, { cause })
    }
  }
}
