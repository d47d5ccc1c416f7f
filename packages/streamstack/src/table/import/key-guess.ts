/** Beyond this many values out of order, a column is not taken for a key: their hashes alone take 64 MiB. */
const HASHES_MAX = 8 * 1024 * 1024

/**
 * Whether the texts of a column are all different. Whole numbers that only grow need no memory; of others, 53 bits of
 * hash are kept. Two different texts with one hash (one chance in 18,000 at a million rows) make it no key, which is safe.
 */
export class KeyGuess {
  #count = 0
  #last = -Infinity
  #grows = true
  #hashes: Float64Array = new Float64Array(0)

  add(text: string): void {
    this.#count += 1
    const number = /^(?:0|-?[1-9]\d{0,14})$/.test(text) ? Number(text) : Number.NaN
    if (this.#grows && !(number > this.#last)) this.#grows = false
    this.#last = number
    if (this.#count > HASHES_MAX) return
    if (this.#count > this.#hashes.length) {
      const larger = new Float64Array(Math.max(1024, this.#hashes.length * 2))
      larger.set(this.#hashes)
      this.#hashes = larger
    }
    this.#hashes[this.#count - 1] = hashOf(text)
  }

  isKey(rows: number): boolean {
    if (this.#count !== rows) return false
    if (this.#grows) return true
    if (this.#count > HASHES_MAX) return false
    const sorted = this.#hashes.subarray(0, this.#count).toSorted()
    return sorted.every((hash, at) => at === 0 || hash !== sorted[at - 1])
  }
}

/** FNV-1a twice, with two offsets, joined to 53 bits. */
function hashOf(text: string): number {
  let low = 0x811c9dc5
  let high = 0xcbf29ce4
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    low = Math.imul(low ^ code, 0x01000193)
    high = Math.imul(high ^ (code + at), 0x01000193)
  }
  return (high >>> 11) * 2 ** 32 + (low >>> 0)
}
