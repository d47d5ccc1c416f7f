import { TextDecoder } from 'node:util'
import { StreamstackError } from '@streamstack/protocol'
import type { Value } from '@streamstack/protocol'
import { parseExactJson } from '../text/parse-exact-json.ts'
import { TextPieces } from '../text/text-pieces.ts'
import type { ItemDecoder, ItemFormatOptions } from './item-decoder.ts'
import { isErrorFrame, reportedError } from './error-frame.ts'
import { itemTooLarge } from './item-failure.ts'
import { textDecoderFor } from './text-decoder-for.ts'

/** Pieces of text as they come in; a character is never broken between two. */
export class PieceDecoder implements ItemDecoder {
  readonly isMarked = false
  readonly #text: TextDecoder

  constructor(charset: string) {
    this.#text = textDecoderFor(charset)
  }

  push(bytes: Uint8Array, items: Value[]): boolean {
    const text = this.#text.decode(bytes, { stream: true })
    if (text !== '') items.push(text)
    return false
  }

  end(items: Value[]): void {
    const text = this.#text.decode()
    if (text !== '') items.push(text)
  }
}

/** One JSON document as one item. */
export class JsonDecoder implements ItemDecoder {
  readonly isMarked = false
  readonly #host: string
  readonly #itemCharactersMax: number
  readonly #passesBadItems: boolean
  readonly #text = new TextDecoder()
  readonly #pieces = new TextPieces()

  constructor({ host, itemCharactersMax, passesBadItems }: ItemFormatOptions) {
    this.#host = host
    this.#itemCharactersMax = itemCharactersMax
    this.#passesBadItems = passesBadItems
  }

  push(bytes: Uint8Array): boolean {
    const text = this.#text.decode(bytes, { stream: true })
    if (this.#pieces.length + text.length > this.#itemCharactersMax)
      throw itemTooLarge(this.#host, this.#itemCharactersMax)
    this.#pieces.push(text)
    return false
  }

  end(items: Value[]): void {
    const document = this.#pieces.text() + this.#text.decode()
    if (document.trim() === '') return
    const item = this.#parsed(document)
    if (!this.#passesBadItems && isErrorFrame(item)) throw reportedError(this.#host, document)
    items.push(item)
  }

  #parsed(document: string): Value {
    try {
      return parseExactJson(document)
    } catch (cause) {
      const message = `The answer of ${this.#host} is not valid JSON.`
      throw new StreamstackError('upstream_failed', message, { cause })
    }
  }
}
