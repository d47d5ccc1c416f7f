import type { TextDecoder } from 'node:util'
import { StreamstackError } from '@streamstack/protocol'
import { incomplete, outcomeOf } from './own-end.ts'
import type { Value } from '@streamstack/protocol'
import { parseExactJson } from '../text/parse-exact-json.ts'
import type { ItemDecoder, ItemDecoderOptions } from './item-decoder.ts'
import { itemTooLarge } from './item-failure.ts'
import { textDecoderFor } from './text-decoder-for.ts'

/** Lines of text as items, ended by LF or CRLF; the last one counts without an end. */
export class LineDecoder implements ItemDecoder {
  readonly #host: string
  readonly #itemCharactersMax: number
  readonly #text: TextDecoder
  /** Pieces of a line that spans chunks, joined once when its end comes. */
  #pieces: string[] = []
  #pieceCharacters = 0

  constructor({ host, itemCharactersMax }: ItemDecoderOptions, charset = '') {
    this.#host = host
    this.#itemCharactersMax = itemCharactersMax
    this.#text = textDecoderFor(charset)
  }

  push(bytes: Uint8Array, items: Value[]): boolean {
    this.#split(this.#text.decode(bytes, { stream: true }), items)
    return false
  }

  end(items: Value[]): void {
    this.#split(this.#text.decode(), items)
    if (this.#pieceCharacters === 0) return
    const line = this.#joined('')
    this.take(line.endsWith('\r') ? line.slice(0, -1) : line, items)
  }

  /** Makes an item of one line without its end. */
  protected take(line: string, items: Value[]): void {
    items.push(line)
  }

  #split(text: string, items: Value[]): void {
    let start = 0
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
      const line = this.#joined(text.slice(start, end))
      start = end + 1
      if (line.length > this.#itemCharactersMax) throw itemTooLarge(this.#host, this.#itemCharactersMax)
      this.take(line.endsWith('\r') ? line.slice(0, -1) : line, items)
    }
    if (start === text.length) return
    this.#pieces.push(text.slice(start))
    this.#pieceCharacters += text.length - start
    if (this.#pieceCharacters > this.#itemCharactersMax) throw itemTooLarge(this.#host, this.#itemCharactersMax)
  }

  #joined(tail: string): string {
    if (this.#pieces.length === 0) return tail
    this.#pieces.push(tail)
    const line = this.#pieces.join('')
    this.#pieces = []
    this.#pieceCharacters = 0
    return line
  }
}

/** JSON values, one a line (https://github.com/ndjson/ndjson-spec); blank lines are skipped. */
export class NdjsonDecoder extends LineDecoder {
  readonly #host: string
  #line = 0

  constructor(options: ItemDecoderOptions) {
    super(options)
    this.#host = options.host
  }

  protected override take(line: string, items: Value[]): void {
    this.#line++
    if (line.trim() === '') return
    const value = this.#value(line)
    const outcome = outcomeOf(value)
    if (outcome !== null && outcome !== 'completed') throw incomplete(this.#host, outcome)
    items.push(value)
  }

  #value(line: string): Value {
    try {
      return parseExactJson(line)
    } catch (cause) {
      const message = `Line ${this.#line} of the answer of ${this.#host} is not valid JSON.`
      throw new StreamstackError('upstream_failed', message, { cause })
    }
  }
}
