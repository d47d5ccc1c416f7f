/** Pieces below this size are copied together: one of a byte costs some 150 in the heap, and may keep what was read with it. */
const SMALL_BYTES = 4_096
const BLOCK_BYTES = 16_384

/** Bytes of a body in the order in which they came; holds little more than these, however small the pieces are. */
export class BytePieces {
  length = 0
  readonly #pieces: Uint8Array[] = []
  /** Into which small pieces are copied. */
  #block: Buffer | null = null
  #filled = 0

  push(piece: Uint8Array): void {
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
      block.set(piece, this.#filled)
      this.#filled += piece.length
    }
    this.length += piece.length
  }

  joined(): Buffer {
    this.#closeBlock()
    const [first] = this.#pieces
    return this.#pieces.length === 1 && Buffer.isBuffer(first) ? first : Buffer.concat(this.#pieces, this.length)
  }

  #closeBlock(): void {
    if (this.#block === null) return
    this.#pieces.push(this.#block.subarray(0, this.#filled))
    this.#block = null
    this.#filled = 0
  }
}
