/** Words a second over the last two to four seconds, and when to show another number. */
const WINDOW_MS = 2_000
const SHOW_MS = 300

export class WordRate {
  #words = 0
  #shownAtMs = 0
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

  /** Whether the number on the screen is old enough to be replaced: one that changes with each frame cannot be read. */
  isDue(): boolean {
    const nowMs = performance.now()
    const isDue = nowMs - this.#shownAtMs > SHOW_MS
    if (isDue) this.#shownAtMs = nowMs
    return isDue
  }
}
