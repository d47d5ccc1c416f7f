/** Words a second over the last two to four seconds, and when another number is shown. */
const WINDOW_MS = 2_000
const SHOW_MS = 300

export class WordRate {
  #words = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #mark = { atMs: 0, words: 0 }
  #markBefore = this.#mark

  restart(): void {
    this.#words = 0
    this.#mark = this.#markBefore = { atMs: performance.now(), words: 0 }
  }

  count(text: string): void {
    this.#words += text.match(/\S+/g)?.length ?? 0
  }

  /** Null: nothing can be said yet. */
  get perSecond(): number | null {
    const atMs = performance.now()
    if (atMs - this.#mark.atMs > WINDOW_MS) {
      this.#markBefore = this.#mark
      this.#mark = { atMs, words: this.#words }
    }
    const from = this.#markBefore
    const ms = atMs - from.atMs
    return ms < 500 ? null : Math.round(((this.#words - from.words) / ms) * 1_000)
  }

  /** Calls back once, a moment later, whatever comes until then or does not: a number that changes with each frame cannot be read. */
  showSoon(show: () => void): void {
    if (this.#timer !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      show()
    }, SHOW_MS)
  }
}
