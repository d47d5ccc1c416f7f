import { MarkdownView } from '../text/markdown-view.ts'
import type { ChatMessage, Part } from './conversation.ts'
import type { ChatLabels } from './labels.ts'
import type { PartView, PartViewMaker } from './part-view.ts'

export interface AnswerViewOptions {
  readonly labels: ChatLabels
  /** Makes the views of all parts but text; null: it is not loaded, and those parts wait. */
  readonly partView: () => PartViewMaker | undefined
  readonly onText?: ((text: string) => void) | undefined
}

/**
 * The parts of one message as DOM that only grows: text is handed to the Markdown parser once, piece by piece. The chat puts `element` into its list and never
 * renders what is in it.
 */
export class AnswerView {
  readonly element: HTMLElement
  readonly #options: AnswerViewOptions
  readonly #parts = new Map<Part, PartView>()

  constructor(options: AnswerViewOptions) {
    this.#options = options
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
        view =
          part.type === 'text' ? this.#textView() : this.#options.partView()?.(part, this.element, this.#options.labels)
        // In order: what comes after it waits, too.
        if (view === undefined) return
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
    this.update(message)
  }

  /** The message is complete. */
  end(message: ChatMessage): void {
    this.update(message)
    for (const view of this.#parts.values()) view.end()
  }

  #textView(): PartView {
    const { labels, onText } = this.#options
    const view = new MarkdownView({ ...labels, onText })
    let shown = 0
    // Sources stay last.
    this.element.insertBefore(view.element, this.element.querySelector('.sources'))
    return {
      update(part) {
        if (part.type !== 'text' || part.text.length === shown) return
        view.write(part.text.slice(shown))
        shown = part.text.length
      },
      end: () => view.end(),
    }
  }
}
