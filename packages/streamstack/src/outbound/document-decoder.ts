import { TextDecoder } from 'node:util'
import { StreamstackError } from '@streamstack/protocol'
import type { Value } from '@streamstack/protocol'
import { parseExactJson } from '../text/parse-exact-json.ts'
import type { ItemDecoder, ItemDecoderOptions } from './item-decoder.ts'
import { itemTooLarge } from './item-failure.ts'
import { textDecoderFor } from './text-decoder-for.ts'

/** Pieces of text as they come in; a character is never broken between two. */
export class PieceDecoder implements ItemDecoder {
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
  readonly #host: string
  readonly #itemCharactersMax: number
  readonly #text = new TextDecoder()
  readonly #pieces: string[] = []
  #characters = 0

  constructor({ host, itemCharactersMax }: ItemDecoderOptions) {
    this.#host = host
    this.#itemCharactersMax = itemCharactersMax
  }

  push(bytes: Uint8Array): boolean {
    const text = this.#text.decode(bytes, { stream: true })
    this.#characters += text.length
    if (this.#characters > this.#itemCharactersMax) throw itemTooLarge(this.#host, this.#itemCharactersMax)
    this.#pieces.push(text)
    return false
  }

  end(items: Value[]): void {
    const document = this.#pieces.join('') + this.#text.decode()
    if (document.trim() === '') return
    try {
      items.push(parseExactJson(document))
    } catch (cause) {
      const message = `The answer of ${this.#host} is not valid JSON.`
      throw new StreamstackError('upstream_failed', message, { cause })
    }
  }
}
