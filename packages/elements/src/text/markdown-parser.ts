import { MarkdownInline } from './markdown-inline.ts'
import type { MarkdownSink } from './markdown-sink.ts'

interface Block {
  readonly tag: string
  /** Column of a list's marker. */
  readonly indent: number
  /** Column of an item's content. */
  readonly content: number
}

/** A longer beginning of a line is text, whatever it might become. */
const HELD_CHARACTERS_MAX = 2_000
const QUOTES_MAX = 6
const LISTS_MAX = 6

const RULE = /^([-*_])([ \t]*\1){2,}[ \t]*$/
const RULE_START = /^([-*_])([ \t]*\1)*[ \t]*$/
const FENCE = /^(`{3,})([^`]*)$|^(~{3,})(.*)$/
const FENCE_START = /^(?:`{1,2}$|`{3,}[^`]*$|~{1,2}$|~{3,})/
const HEADING = /^(#{1,6})(?:[ \t]+|$)/
const HEADING_START = /^#{1,6}[ \t]*$/
const MARKER = /^([-*+]|(\d{1,9})[.)])(?:([ \t]+)|$)/
const MARKER_START = /^(?:[-*+]|\d{1,9}[.)]?)$|^(?:[-*+]|\d{1,9}[.)])[ \t]+(?:\[[ xX]?\]?)?$/
const BOX = /^\[([ xX])\][ \t]/
const DELIMITERS = /^\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/

/**
 * Markdown as chat models write it (paragraphs, headings, lists, task lists, quotes, code, tables, emphasis, links), read piece by piece: each character is looked at
 * once, and what was written is not written again. Line breaks are kept; HTML is text.
 */
export class MarkdownParser {
  readonly #sink: MarkdownSink
  readonly #inline: MarkdownInline
  /** Quotes, then lists with their items, then at most one of: p, text (of an item), h1 to h6, pre, table. */
  readonly #blocks: Block[] = []
  /** Beginning of a line whose kind is not decided. */
  #line = ''
  #isHeld = true
  #isAfterBlank = false
  #fence = ''
  #fenceIndent = 0
  #isFirstCodeLine = false
  /** A row that is the head of a table if the next line says so. */
  #head: string | null = null

  constructor(sink: MarkdownSink) {
    this.#sink = sink
    this.#inline = new MarkdownInline(sink)
  }

  write(text: string): void {
    const clean = text.replaceAll('\r', '')
    let from = 0
    for (let at = clean.indexOf('\n'); at !== -1; at = clean.indexOf('\n', from)) {
      this.#piece(clean.slice(from, at))
      if (this.#isHeld) this.#begin(true)
      this.#line = ''
      this.#isHeld = true
      from = at + 1
    }
    this.#piece(clean.slice(from))
    this.#inline.flush()
  }

  end(): void {
    if (this.#isHeld && this.#line !== '') this.#begin(true)
    this.#isHeld = false
    this.#settleHead()
    this.#closeTo(0)
  }

  #piece(text: string): void {
    if (text === '') return
    if (!this.#isHeld) return this.#emit(text)
    this.#line += text
    this.#begin(false)
  }

  #emit(text: string): void {
    if (this.#fence === '') this.#inline.write(text)
    else this.#sink.text(text)
  }

  /** Decides what a line is, if that can be known yet, and writes what is there of it. */
  #begin(isWhole: boolean): void {
    const isEnough = isWhole || this.#line.length > HELD_CHARACTERS_MAX
    if (this.#fence !== '') return this.#codeLine(isWhole, isEnough)
    const quotes = /^(?: {0,3}> ?)*/.exec(this.#line)?.[0] ?? ''
    const rest = this.#line.slice(quotes.length)
    const space = /^[ \t]*/.exec(rest)?.[0] ?? ''
    const indent = space.replaceAll('\t', '    ').length
    const content = rest.slice(space.length)
    if (!isEnough && this.#mayBecomeAnother(content)) return
    this.#isHeld = false
    this.#quotesTo(Math.min(QUOTES_MAX, quotes.split('>').length - 1))
    if (this.#head !== null && content !== '' && this.#delimiterRow(content)) return
    this.#settleHead()
    if (content.trim() === '') {
      this.#closeLeaf()
      this.#isAfterBlank = true
    } else {
      this.#lineOf(content, indent, isWhole)
      this.#isAfterBlank = false
    }
  }

  #mayBecomeAnother(content: string): boolean {
    return (
      content === '' ||
      content.startsWith('|') ||
      (this.#head !== null && /^[\s:|-]*$/.test(content)) ||
      FENCE_START.test(content) ||
      RULE_START.test(content) ||
      HEADING_START.test(content) ||
      MARKER_START.test(content)
    )
  }

  #lineOf(content: string, indent: number, isWhole: boolean): void {
    const fence = isWhole ? FENCE.exec(content) : null
    if (fence !== null) return this.#openCode(fence[1] ?? fence[3] ?? '', fence[2] ?? fence[4] ?? '', indent)
    if (isWhole && RULE.test(content)) {
      this.#enter(indent)
      this.#sink.open('hr')
      return this.#sink.close()
    }
    const heading = HEADING.exec(content)
    if (heading !== null) {
      this.#enter(indent)
      this.#push(`h${heading[1]?.length ?? 1}`)
      return this.#inline.write(content.slice(heading[0].length))
    }
    const marker = MARKER.exec(content)
    if (marker !== null && this.#item(marker, content, indent)) return
    if (isWhole && content.startsWith('|')) return this.#row(content, indent)
    this.#paragraph(content, indent)
  }

  #paragraph(content: string, indent: number): void {
    const leaf = this.#leaf
    if (!this.#isAfterBlank && (leaf === 'p' || leaf === 'text')) this.#inline.write('\n')
    else {
      this.#enter(indent)
      this.#push('p')
    }
    this.#inline.write(content)
  }

  /** Begins an item; false where the marker is text. */
  #item([all, marker = '', number]: RegExpExecArray, content: string, indent: number): boolean {
    const isOrdered = number !== undefined
    const inList = this.#blocks.some(({ tag }) => tag === 'li')
    // Only a list that begins with 1 interrupts a paragraph: a sentence may begin a line with a year.
    if (isOrdered && !inList && this.#leaf === 'p' && Number(number) !== 1) return false
    this.#closeLeaf()
    const tag = isOrdered ? 'ol' : 'ul'
    const lists = this.#blocks.filter((block) => block.tag === 'li').length
    for (;;) {
      const item = this.#blocks.at(-1)
      const list = this.#blocks.at(-2)
      if (item?.tag !== 'li' || list === undefined) break
      const isNested = indent >= item.content || (indent > list.indent && list.tag !== tag)
      if (isNested && lists < LISTS_MAX) break
      this.#pop()
      if (indent >= list.indent && list.tag === tag) break
      this.#pop()
    }
    if (this.#blocks.at(-1)?.tag !== tag) this.#push(tag, indent, 0, isOrdered && number !== '1' ? number : undefined)
    this.#push('li', indent, indent + marker.length + 1)
    let text = content.slice(all.length)
    const box = BOX.exec(text)
    if (box !== null) {
      this.#sink.open('box', box[1] === ' ' ? '' : 'checked')
      this.#sink.close()
      text = text.slice(box[0].length)
    }
    this.#blocks.push({ tag: 'text', indent: 0, content: 0 })
    this.#inline.write(text)
    return true
  }

  #openCode(fence: string, info: string, indent: number): void {
    this.#enter(indent)
    this.#push('pre', 0, 0, info.trim().split(/\s/)[0] ?? '')
    this.#fence = fence
    this.#fenceIndent = indent
    this.#isFirstCodeLine = true
  }

  #codeLine(isWhole: boolean, isEnough: boolean): void {
    const trimmed = this.#line.trim()
    const isMark = trimmed === (this.#fence[0] ?? '').repeat(trimmed.length)
    if (isWhole && isMark && trimmed.length >= this.#fence.length) {
      this.#fence = ''
      this.#pop()
      this.#isAfterBlank = true
      return
    }
    if (!isEnough && isMark) return
    this.#isHeld = false
    const own = Math.min(this.#fenceIndent, this.#line.length - this.#line.trimStart().length)
    this.#sink.text((this.#isFirstCodeLine ? '' : '\n') + this.#line.slice(own))
    this.#isFirstCodeLine = false
  }

  #row(content: string, indent: number): void {
    if (this.#leaf === 'table') return this.#cells(content, 'td')
    this.#enter(indent)
    this.#head = content
  }

  #delimiterRow(content: string): boolean {
    const head = this.#head
    if (head === null || !DELIMITERS.test(content)) return false
    this.#head = null
    this.#push('table')
    this.#cells(head, 'th')
    return true
  }

  /** A row that no table followed is text. */
  #settleHead(): void {
    const head = this.#head
    if (head === null) return
    this.#head = null
    this.#push('p')
    this.#inline.write(head)
  }

  #cells(row: string, tag: string): void {
    this.#sink.open('tr')
    const cells = row
      .trim()
      .replace(/^\||(?<!\\)\|$/g, '')
      .split(/(?<!\\)\|/)
    for (const cell of cells) {
      this.#sink.open(tag)
      this.#inline.write(cell.trim().replaceAll('\\|', '|'))
      this.#inline.end()
      this.#sink.close()
    }
    this.#sink.close()
  }

  /** Ends what a line with this indent does not belong to. */
  #enter(indent: number): void {
    this.#closeLeaf()
    for (let item = this.#blocks.at(-1); item?.tag === 'li' && indent < item.content; item = this.#blocks.at(-1)) {
      this.#pop()
      this.#pop()
    }
  }

  #quotesTo(depth: number): void {
    const open = this.#blocks.filter(({ tag }) => tag === 'blockquote').length
    if (open === depth) return
    this.#settleHead()
    this.#closeTo(Math.min(open, depth))
    for (let count = open; count < depth; count++) this.#push('blockquote')
  }

  get #leaf(): string {
    const tag = this.#blocks.at(-1)?.tag ?? ''
    return tag === 'li' || tag === 'blockquote' ? '' : tag
  }

  #closeLeaf(): void {
    if (this.#leaf !== '') this.#pop()
  }

  #closeTo(length: number): void {
    while (this.#blocks.length > length) this.#pop()
    if (length === 0) this.#fence = ''
  }

  #push(tag: string, indent = 0, content = 0, detail?: string): void {
    this.#sink.open(tag, detail)
    this.#blocks.push({ tag, indent, content })
  }

  #pop(): void {
    this.#inline.end()
    if (this.#blocks.pop()?.tag !== 'text') this.#sink.close()
  }
}
