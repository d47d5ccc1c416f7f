/** Pieces below this size are copied together: one of a byte costs some 150 in the heap, and may keep what was read with it. */
const SMALL_BYTES = 4_096
const BLOCK_BYTES = 16_384

/** What has come of a body, in the order in which it came; holds little more than its bytes however small the pieces are. */
export class BodyPieces {
  length = 0
  readonly #pieces: Buffer[] = []
  /** Into which small pieces are copied. */
  #block: Buffer | null = null
  #filled = 0

  push(piece: Buffer): void {
    // Most bodies come in one piece, which is passed on as it is.
    if (this.length === 0 || piece.length >= SMALL_BYTES) {
      this.#closeBlock()
      this.#pieces.push(piece)
    } else {
      let block = this.#block
      if (block === null || block.length - this.#filled < piece.length) {
        this.#closeBlock()
        block = this.#block = Buffer.allocUnsafeSlow(BLOCK_BYTES)
      }
      this.#filled += piece.copy(block, this.#filled)
    }
    this.length += piece.length
  }

  joined(): Buffer {
    this.#closeBlock()
    return this.#pieces.length === 1 ? (this.#pieces[0] as Buffer) : Buffer.concat(this.#pieces, this.length)
  }

  #closeBlock(): void {
    if (this.#block === null) return
    this.#pieces.push(this.#block.subarray(0, this.#filled))
    this.#block = null
    this.#filled = 0
  }
}
