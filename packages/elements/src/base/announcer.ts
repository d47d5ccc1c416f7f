/** Sentences that a screen reader has had its time for. */
const KEPT_MAX = 20

/** A longer stretch without an end of sentence is announced as it is. */
const SENTENCE_CHARACTERS_MAX = 400

/** An end of sentence in most scripts, with what closes it, then space; or an end of line. */
const SENTENCE_END = /[.!?…]["'”’)\]]*\s|[。！？]|\n/g

/**
 * A polite live region of its own for whole sentences. The nodes that tokens go into are never live: a screen reader would read each fragment, or the whole answer
 * again and again.
 */
export class Announcer {
  readonly element: HTMLElement
  #pending = ''

  constructor() {
    this.element = document.createElement('div')
    this.element.className = 'visually-hidden'
    // Polite by itself.
    this.element.setAttribute('role', 'status')
    this.element.setAttribute('aria-atomic', 'false')
  }

  /** Text of an answer as it comes; each sentence is announced when it is whole. */
  write(text: string): void {
    this.#pending += text
    let end = 0
    for (const match of this.#pending.matchAll(SENTENCE_END)) end = match.index + match[0].length
    if (end === 0 && this.#pending.length > SENTENCE_CHARACTERS_MAX) end = this.#pending.length
    if (end === 0) return
    this.say(this.#pending.slice(0, end))
    this.#pending = this.#pending.slice(end)
  }

  /** Announces what is left of the answer. */
  flush(): void {
    this.say(this.#pending)
    this.#pending = ''
  }

  /** Announces a sentence now. */
  say(sentence: string): void {
    const text = sentence.trim()
    if (text === '') return
    const line = document.createElement('p')
    line.textContent = text
    this.element.append(line)
    while (this.element.childElementCount > KEPT_MAX) this.element.firstElementChild?.remove()
  }
}
