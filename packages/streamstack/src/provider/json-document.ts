import { TextPieces } from '../text/text-pieces.ts'

const QUOTE = 34
const BACKSLASH = 92
const OPEN_LIST = 91
const CLOSE_LIST = 93
const OPEN_OBJECT = 123
const CLOSE_OBJECT = 125

/** The text of one JSON object or list that arrives in pieces. It is whole where its first bracket closes. */
export class JsonDocument {
  readonly #pieces = new TextPieces()
  #depth = 0
  #isInString = false
  #isEscaped = false

  /** Takes the next piece, each character once. Returns true when the document is whole; what follows its end is left out. */
  push(text: string): boolean {
    for (let at = 0; at < text.length; at++) {
      if (!this.#endsWith(text.charCodeAt(at))) continue
      this.#add(text.slice(0, at + 1))
      return true
    }
    this.#add(text)
    return false
  }

  /** UTF-16 units so far. */
  get length(): number {
    return this.#pieces.length
  }

  text(): string {
    return this.#pieces.text()
  }

  #add(piece: string): void {
    this.#pieces.push(piece)
  }

  #endsWith(code: number): boolean {
    if (this.#isInString) {
      if (this.#isEscaped) this.#isEscaped = false
      else if (code === BACKSLASH) this.#isEscaped = true
      else if (code === QUOTE) this.#isInString = false
      return false
    }
    if (code === QUOTE) this.#isInString = true
    else if (code === OPEN_OBJECT || code === OPEN_LIST) this.#depth++
    else if (code === CLOSE_OBJECT || code === CLOSE_LIST) return --this.#depth === 0
    return false
  }
}
