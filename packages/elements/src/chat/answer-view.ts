import { durationText } from '../base/numbers.ts'
import { MarkdownView } from '../text/markdown-view.ts'
import { linkElement, safeLink } from '../text/safe-link.ts'
import type { ChatMessage, Part } from './conversation.ts'
import { type ChatLabels, fill } from './labels.ts'

/** Longer values of tools are cut where they are shown. */
const VALUE_CHARACTERS_MAX = 20_000

/**
 * The parts of one message as DOM that only grows: text is handed to the Markdown parser once, piece by piece. The chat puts `element` into its list and never
 * renders what is in it.
 */
export class AnswerView {
  readonly element: HTMLElement
  readonly #labels: ChatLabels
  readonly #onText: ((text: string) => void) | undefined
  readonly #parts = new Map<Part, PartView>()
  #sources: HTMLElement | null = null

  constructor(labels: ChatLabels, onText?: (text: string) => void) {
    this.#labels = labels
    this.#onText = onText
    this.element = document.createElement('div')
    this.element.className = 'parts'
    this.element.part.add('answer')
  }

  /** Shows what is new in a message. */
  update(message: ChatMessage): void {
    for (const part of message.parts) {
      let view = this.#parts.get(part)
      if (view === undefined) {
        // Only the last part grows.
        for (const [before, old] of this.#parts) old.update(before)
        view = this.#view(part)
        this.#parts.set(part, view)
      }
      view.update(part)
    }
    this.element.classList.toggle('writing', message.state === 'writing')
  }

  /** Shows the whole message anew, after its text was replaced. */
  reset(message: ChatMessage): void {
    this.element.replaceChildren()
    this.#parts.clear()
    this.#sources = null
    this.update(message)
  }

  /** The message is complete. */
  end(message: ChatMessage): void {
    this.update(message)
    for (const view of this.#parts.values()) view.end()
  }

  #view(part: Part): PartView {
    switch (part.type) {
      case 'text':
        return this.#textView()
      case 'reasoning':
        return this.#reasoningView()
      case 'tool':
        return this.#toolView()
      case 'json':
        return this.#jsonView()
      case 'source':
        return this.#sourceView()
    }
  }

  #textView(): PartView {
    const { copy, copied } = this.#labels
    const view = new MarkdownView({ copy, copied, ...(this.#onText === undefined ? {} : { onText: this.#onText }) })
    let shown = 0
    this.#place(view.element)
    return {
      update(part) {
        if (part.type !== 'text' || part.text.length === shown) return
        view.write(part.text.slice(shown))
        shown = part.text.length
      },
      end: () => view.end(),
    }
  }

  #reasoningView(): PartView {
    const { fold, summary, body } = this.#fold('reasoning')
    const text = document.createTextNode('')
    body.className = 'fold-text'
    body.dir = 'auto'
    body.append(text)
    return {
      update: (part) => {
        if (part.type !== 'reasoning') return
        text.appendData(part.text.slice(text.length))
        const { startedMs, endedMs } = part
        fold.classList.toggle('busy', endedMs === null)
        const words =
          endedMs === null
            ? this.#labels.thinking
            : fill(this.#labels.thought, { time: durationText(endedMs - startedMs) })
        if (summary.textContent !== words) summary.textContent = words
      },
      end: () => fold.classList.remove('busy'),
    }
  }

  #toolView(): PartView {
    const { fold, summary, body } = this.#fold('tool')
    const sections = { input: this.#value(body, this.#labels.input), output: this.#value(body, this.#labels.output) }
    return {
      update: (part) => {
        if (part.type !== 'tool') return
        const { name, isDone, error, input, output } = part
        const { usingTool, usedTool, failedTool } = this.#labels
        summary.textContent = fill(isDone ? (error === null ? usedTool : failedTool) : usingTool, { name })
        fold.classList.toggle('busy', !isDone)
        fold.classList.toggle('failed', error !== null)
        sections.input(input)
        sections.output(isDone ? (error ?? output) : undefined)
      },
      end: () => fold.classList.remove('busy'),
    }
  }

  /** A named value in a fold; it is hidden while there is none. */
  #value(body: HTMLElement, name: string): (value: unknown) => void {
    const head = document.createElement('div')
    head.className = 'tiny'
    head.textContent = name
    const pre = document.createElement('pre')
    pre.tabIndex = 0
    pre.dir = 'ltr'
    body.append(head, pre)
    return (value) => {
      head.hidden = pre.hidden = value === undefined || value === null
      pre.textContent = prettyText(value)
    }
  }

  #jsonView(): PartView {
    const { copy, copied } = this.#labels
    const view = new MarkdownView({ copy, copied })
    this.#place(view.element)
    let isShown = false
    return {
      update(part) {
        if (part.type === 'json' && !isShown) view.write(`\`\`\`json\n${prettyText(part.value)}\n\`\`\`\n`)
        isShown = true
      },
      end() {},
    }
  }

  #sourceView(): PartView {
    if (this.#sources === null) {
      const box = document.createElement('div')
      box.className = 'sources'
      const head = document.createElement('div')
      head.className = 'tiny'
      head.textContent = this.#labels.sources
      this.#sources = document.createElement('ol')
      box.append(head, this.#sources)
      this.element.append(box)
    }
    const row = document.createElement('li')
    this.#sources.append(row)
    return {
      update(part) {
        if (part.type !== 'source') return
        const address = safeLink(part.url)
        const node = address === null ? document.createElement('span') : linkElement(address)
        node.textContent = part.title
        node.dir = 'auto'
        row.replaceChildren(node)
      },
      end() {},
    }
  }

  #fold(className: string): { fold: HTMLDetailsElement; summary: HTMLElement; body: HTMLElement } {
    const fold = document.createElement('details')
    fold.className = `fold ${className}`
    const summary = document.createElement('summary')
    const body = document.createElement('div')
    fold.append(summary, body)
    this.#place(fold)
    return { fold, summary, body }
  }

  /** Sources stay last. */
  #place(node: HTMLElement): void {
    this.element.insertBefore(node, this.#sources?.parentElement ?? null)
  }
}

interface PartView {
  update(part: Part): void
  end(): void
}

function prettyText(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value, null, 2) ?? '')
  return text.length > VALUE_CHARACTERS_MAX ? `${text.slice(0, VALUE_CHARACTERS_MAX)}…` : text
}
