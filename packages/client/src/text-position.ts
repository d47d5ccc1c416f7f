/**
 * The position in a stream whose content is handed out as text. The format `text` has no offsets, so a connection that
 * replaces it reads the stream anew as `ndjson`, and the characters that were handed out before are dropped from it.
 */
export class TextPosition {
  #read = 0
  #toDrop = 0

  /** Whether characters that were handed out are still to be dropped. */
  get isBehind(): boolean {
    return this.#toDrop > 0
  }

  /** Called when a connection breaks: the next one begins before what was read without offsets. */
  rewind(): void {
    this.#toDrop += this.#read
    this.#read = 0
  }

  /** Returns the part of a text that was not handed out yet; null if there is none. `isCounted`: the text has no offset. */
  rest(text: string, isCounted: boolean): string | null {
    const dropped = Math.min(this.#toDrop, text.length)
    this.#toDrop -= dropped
    if (dropped === text.length) return null
    if (isCounted) this.#read += text.length
    return text.slice(dropped)
  }
}
