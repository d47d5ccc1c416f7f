import type { MarkdownSink } from './markdown-sink.ts'

/** Marks open at a time; more are text. */
const MARKS_MAX = 8
/** A longer address is none. */
const ADDRESS_CHARACTERS_MAX = 2_000

const TAGS: Readonly<Record<string, string>> = { '*': 'em', _: 'em', '**': 'strong', __: 'strong', '~~': 's' }
const SPACE = /\s/
const WORD = /[\p{L}\p{N}]/u
const PUNCTUATION = /[!-/:-@[-`{-~]/
const URL_STARTS = ['https://', 'http://']
const URL_END = /[\s<>"'`|]/
/** What stands at the end of an address and belongs to the sentence. */
const AFTER_URL = /[.,;:!?*_~)\]]+$/

type Mode = 'text' | 'run' | 'escape' | 'code' | 'code-run' | 'bang' | 'bracket' | 'address' | 'url-start' | 'url'

/**
 * The inside of a block. A mark opens its element at once, so that text is shown as it comes; a mark that is never closed becomes text again when the block ends. Only
 * what cannot be decided yet is held: a run of marks, an address, the first letters of `https://`.
 */
export class MarkdownInline {
  readonly #sink: MarkdownSink
  readonly #marks: string[] = []
  #mode: Mode = 'text'
  #held = ''
  #out = ''
  #before = ' '
  #codeRun = 0
  #parentheses = 0

  constructor(sink: MarkdownSink) {
    this.#sink = sink
  }

  write(text: string): void {
    for (const character of text) {
      while (!this.#take(character));
      this.#before = character
    }
  }

  /** Hands out text that is decided. */
  flush(): void {
    if (this.#out !== '') this.#sink.text(this.#out)
    this.#out = ''
  }

  /** The block ends: what is held is decided as it stands. */
  end(): void {
    this.#settle(' ')
    while (this.#marks.length > 0) this.#unwrap()
    this.flush()
    this.#before = ' '
    this.#mode = 'text'
  }

  /** Takes a character; false: what was held is decided, and the character comes again. */
  #take(character: string): boolean {
    const isLineEnd = character === '\n'
    switch (this.#mode) {
      case 'run':
        if (character !== this.#held[0]) return this.#settle(character)
        this.#held += character
        return true
      case 'escape':
        this.#mode = 'text'
        if (!PUNCTUATION.test(character)) this.#out += '\\'
        else {
          // Marks of formulas stay readable.
          this.#out += '()[]'.includes(character) ? `\\${character}` : character
          return true
        }
        return false
      case 'code':
        if (character === '`') this.#hold(character, 'code-run')
        else this.#out += isLineEnd ? ' ' : character
        return true
      case 'code-run':
        if (character !== '`') return this.#settle(character)
        this.#held += character
        return true
      case 'bang':
        this.#mode = 'text'
        if (character === '[' && this.#open('![', 'a')) return true
        this.#out += '!'
        return false
      case 'bracket':
        if (character !== '(') return this.#settle(character)
        this.#parentheses = 1
        this.#hold('', 'address')
        return true
      case 'address':
        if (isLineEnd || this.#held.length > ADDRESS_CHARACTERS_MAX) return this.#settle(character)
        this.#parentheses += character === '(' ? 1 : character === ')' ? -1 : 0
        if (this.#parentheses > 0) this.#held += character
        else this.#link()
        return true
      case 'url-start': {
        const start = this.#held + character
        if (!URL_STARTS.some((one) => one.startsWith(start))) return this.#settle(character)
        this.#hold(start, URL_STARTS.includes(start) ? 'url' : 'url-start')
        return true
      }
      case 'url':
        if (URL_END.test(character) || this.#held.length > ADDRESS_CHARACTERS_MAX) return this.#settle(character)
        this.#held += character
        return true
      default:
        this.#text(character)
        return true
    }
  }

  #text(character: string): void {
    if (character === '\n') {
      this.#tag('br')
      this.#sink.close()
    } else if (character === '\\') this.#mode = 'escape'
    else if ('*_~`'.includes(character)) this.#hold(character, 'run')
    else if (character === '!') this.#mode = 'bang'
    else if (character === '[' && !this.#isInLink && this.#open('[', 'a')) return
    else if (character === ']' && this.#isInLink) this.#mode = 'bracket'
    else if (character === 'h' && !this.#isInLink && !WORD.test(this.#before)) this.#hold('h', 'url-start')
    else this.#out += character
  }

  /** Decides what is held; `next` is the character after it. Always false. */
  #settle(next: string): false {
    const mode = this.#mode
    const held = this.#held
    this.#held = ''
    this.#mode = 'text'
    if (mode === 'run') this.#run(held, next)
    else if (mode === 'code-run' && held.length === this.#codeRun) this.#close()
    else if (mode === 'code-run') {
      this.#out += held
      this.#mode = 'code'
    } else if (mode === 'escape') this.#out += '\\'
    else if (mode === 'bang') this.#out += '!'
    else if (mode === 'bracket' || mode === 'address') {
      this.#unwrapTo(this.#linkIndex)
      this.#out += mode === 'bracket' ? ']' : `](${held}`
    } else if (mode === 'url') this.#url(held)
    else if (mode === 'url-start') this.#out += held
    return false
  }

  /** A run of marks closes what it opened, as far as it can, then opens. */
  #run(run: string, next: string): void {
    const mark = run[0] as string
    let rest = run.length
    if (mark === '`') {
      if (!this.#open(run, 'code')) return void (this.#out += run)
      this.#codeRun = rest
      this.#mode = 'code'
      return
    }
    if (mark === '~' ? rest !== 2 : rest > 3) return void (this.#out += run)
    const inWord = mark === '_'
    const mayClose = !SPACE.test(this.#before) && !(inWord && WORD.test(next))
    const mayOpen = !SPACE.test(next) && !(inWord && WORD.test(this.#before))
    while (mayClose && rest > 0) {
      const index = this.#opened(mark, rest)
      if (index === -1) break
      this.#unwrapTo(index + 1)
      rest -= this.#marks[index]?.length ?? 0
      this.#close()
    }
    if (!mayOpen) this.#out += mark.repeat(rest)
    else {
      for (const length of rest === 3 ? [2, 1] : [rest]) {
        const part = mark.repeat(length)
        if (length > 0 && !this.#open(part, TAGS[part] ?? 'em')) this.#out += part
      }
    }
  }

  /** Where a mark is open that a run of so many closes: one as long first, none outside the link that is open. */
  #opened(mark: string, length: number): number {
    const isOpen = (one: string, index: number): boolean => one[0] === mark && index > this.#linkIndex
    const exact = this.#marks.findLastIndex((one, index) => isOpen(one, index) && one.length === length)
    return exact === -1 ? this.#marks.findLastIndex((one, index) => isOpen(one, index) && one.length < length) : exact
  }

  #link(): void {
    const address = this.#held
    this.#held = ''
    this.#mode = 'text'
    this.#unwrapTo(this.#linkIndex + 1)
    this.flush()
    this.#sink.link(address)
    this.#close()
  }

  #url(held: string): void {
    let after = AFTER_URL.exec(held)?.[0] ?? ''
    // A parenthesis that the address itself opened is its own.
    while (after.startsWith(')') && held.slice(0, -after.length).includes('(')) after = after.slice(1)
    const address = held.slice(0, held.length - after.length)
    this.#tag('a')
    this.#sink.text(address)
    this.#sink.link(address)
    this.#sink.close()
    this.#before = address.at(-1) ?? ' '
    for (const character of after) while (!this.#take(character));
  }

  get #linkIndex(): number {
    return this.#marks.findLastIndex((mark) => mark.endsWith('['))
  }

  get #isInLink(): boolean {
    return this.#linkIndex !== -1
  }

  #hold(text: string, mode: Mode): void {
    this.#held = text
    this.#mode = mode
  }

  #open(mark: string, tag: string): boolean {
    if (this.#marks.length === MARKS_MAX) return false
    this.#tag(tag)
    this.#marks.push(mark)
    return true
  }

  #tag(tag: string): void {
    this.flush()
    this.#sink.open(tag)
  }

  #close(): void {
    this.flush()
    this.#marks.pop()
    this.#sink.close()
  }

  #unwrapTo(length: number): void {
    while (this.#marks.length > length) this.#unwrap()
  }

  /** The innermost mark was none: it is text. */
  #unwrap(): void {
    this.flush()
    this.#sink.unwrap(this.#marks.pop() ?? '')
  }
}
