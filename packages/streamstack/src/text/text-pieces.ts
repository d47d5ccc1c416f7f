/** So many pieces are joined to one: a text of two characters takes 32 bytes, and a place in a list. */
const JOINED_AT_ONCE = 1_000

/** Text in the order in which its pieces came; holds little more than its characters, however small the pieces are. */
export class TextPieces {
  /** UTF-16 units so far. */
  length = 0
  #joined: string[] = []
  #newest: string[] = []

  push(piece: string): void {
    this.length += piece.length
    if (this.#newest.push(piece) < JOINED_AT_ONCE) return
    this.#joined.push(this.#newest.join(''))
    this.#newest = []
  }

  text(): string {
    return this.#joined.join('') + this.#newest.join('')
  }

  clear(): void {
    this.length = 0
    this.#joined = []
    this.#newest = []
  }
}
