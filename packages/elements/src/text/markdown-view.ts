import { MarkdownParser } from './markdown-parser.ts'
import type { MarkdownSink } from './markdown-sink.ts'
import { linkElement, safeLink } from './safe-link.ts'

export interface MarkdownOptions {
  /** Words of the button that copies a code block. */
  readonly copy: string
  readonly copied: string
  /** Gets the text as people read it, marks removed; a line feed ends each block. */
  readonly onText?: ((text: string) => void) | undefined
}

/** Headings begin below those of the page. */
const TAGS: Readonly<Record<string, string>> = { h1: 'h3', h2: 'h4', h3: 'h5', h4: 'h6', h5: 'h6', h6: 'h6' }

const BLOCKS = new Set(['P', 'H3', 'H4', 'H5', 'H6', 'LI', 'TR'])

/**
 * Markdown as DOM that grows while the text arrives. It makes elements and text nodes only; no markup of the text reaches the page. Images become links, so that text
 * cannot make the reader's browser fetch anything.
 */
export class MarkdownView {
  readonly element: HTMLElement
  readonly #parser: MarkdownParser

  constructor(options: MarkdownOptions) {
    this.element = create('div', 'md')
    // Text decides the direction of each paragraph by itself.
    this.element.dir = 'auto'
    this.#parser = new MarkdownParser(new DomSink(this.element, options))
  }

  write(text: string): void {
    this.#parser.write(text)
  }

  /** Ends the text: marks that were never closed become text. */
  end(): void {
    this.#parser.end()
  }
}

class DomSink implements MarkdownSink {
  readonly #options: MarkdownOptions
  readonly #nodes: Element[]

  constructor(root: Element, options: MarkdownOptions) {
    this.#options = options
    this.#nodes = [root]
  }

  open(tag: string, detail = ''): void {
    this.#nodes.push(this.#make(tag, detail))
  }

  close(): void {
    const node = this.#nodes.pop()
    if (node !== undefined && (BLOCKS.has(node.tagName) || this.#isCode(node))) this.#options.onText?.('\n')
  }

  text(text: string): void {
    const last = this.#top.lastChild
    if (last instanceof Text) last.appendData(text)
    else this.#top.append(text)
    // Code is not read out.
    if (!this.#isCode(this.#top)) this.#options.onText?.(text)
  }

  link(address: string): void {
    const node = this.#top
    const safe = safeLink(address)
    if (node.childNodes.length === 0) node.append(address)
    if (safe === null) {
      const text = node.textContent === address ? '' : ` (${address})`
      node.append(text)
      return
    }
    const link = linkElement(safe)
    link.append(...node.childNodes)
    node.replaceWith(link)
    this.#nodes[this.#nodes.length - 1] = link
  }

  unwrap(mark: string): void {
    const node = this.#nodes.pop()
    node?.replaceWith(mark, ...node.childNodes)
    this.#top.normalize()
  }

  get #top(): Element {
    return this.#nodes.at(-1) as Element
  }

  #isCode(node: Element): boolean {
    return node.parentElement?.localName === 'pre'
  }

  #make(tag: string, detail: string): Element {
    const parent = this.#top
    if (tag === 'pre') return this.#codeBlock(parent, detail)
    // An address may follow, or none.
    if (tag === 'a') return append(parent, create('span'))
    if (tag === 'box') return append(parent, create('span', `check ${detail}`))
    if (tag === 'table') {
      const box = append(parent, create('div', 'scroll'))
      box.tabIndex = 0
      return append(box, create('table'))
    }
    if (tag === 'tr') {
      const part = parent.firstChild === null ? 'thead' : 'tbody'
      const last = parent.lastElementChild
      return append(last?.localName === part ? last : append(parent, create(part)), create('tr'))
    }
    const node = append(parent, create(TAGS[tag] ?? tag))
    if (node instanceof HTMLOListElement && detail !== '') node.start = Number(detail)
    return node
  }

  #codeBlock(parent: Element, language: string): Element {
    const { copy, copied } = this.#options
    const block = append(parent, create('div', 'code'))
    const head = append(block, create('div', 'code-head'))
    const button = create('button', 'link') as HTMLButtonElement
    button.type = 'button'
    button.textContent = copy
    head.append(language.slice(0, 24), button)
    const pre = append(block, create('pre'))
    pre.tabIndex = 0
    // Code runs from left to right in every language.
    pre.dir = 'ltr'
    const code = append(pre, create('code'))
    button.addEventListener('click', () => void copyText(code.textContent, button, copied))
    return code
  }
}

function create(tag: string, className = ''): HTMLElement {
  const node = document.createElement(tag)
  if (className !== '') node.className = className
  return node
}

function append(parent: Element, node: HTMLElement): HTMLElement {
  parent.append(node)
  return node
}

/** Puts a text into the clipboard, and says so on its button for a moment. Pages without TLS have no clipboard: nothing happens. */
export async function copyText(text: string, button: Element, copied: string): Promise<void> {
  const words = button.textContent
  try {
    await navigator.clipboard.writeText(text)
  } catch {
    return
  }
  button.textContent = copied
  setTimeout(() => void (button.textContent = words), 1_500)
}
