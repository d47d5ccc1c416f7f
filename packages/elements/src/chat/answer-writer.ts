import { onFrame } from '../base/frame.ts'
import type { Item } from '../source/source.ts'
import type { AnswerView } from './answer-view.ts'
import { type ChatMessage, type Conversation, addText, isPlainText } from './conversation.ts'
import type { WordRate } from './word-rate.ts'

/** Text that comes fast is shown at this interval: every second frame, which is as smooth to read at half the cost. */
const COMMIT_MS = 30

/** The chat that an answer is written in. */
interface WriterHost {
  readonly current: Conversation
  /** What writes all but text; null: it is not loaded. */
  readonly extras: Pick<typeof import('./extras.ts'), 'addItem'> | null
  /** Where the text is in a chunk of JSON. */
  readonly path: string
  readonly rate: WordRate
  viewOf(answer: ChatMessage): AnswerView
  loadExtras(): Promise<void>
  /** `isFirst`: nothing of the answer was there before. */
  written(answer: ChatMessage, isFirst: boolean): void
}

/** Writes an answer while it arrives: what comes between two frames goes into the message and onto the screen together. */
export class AnswerWriter {
  readonly #host: WriterHost
  #pending: Item[] = []
  #committedMs = 0
  readonly #soon = (): void => {
    if (performance.now() - this.#committedMs < COMMIT_MS) onFrame(this.#soon)
    else this.commit()
  }

  constructor(host: WriterHost) {
    this.#host = host
  }

  add(item: Item): void {
    this.#pending.push(item)
    onFrame(this.#soon)
  }

  /** Whether items wait for the module that writes them. */
  get isWaiting(): boolean {
    return this.#pending.length > 0
  }

  /** Writes what has come. */
  commit(): void {
    this.#committedMs = performance.now()
    const host = this.#host
    const { extras } = host
    const items = this.#pending
    const answer = host.current.messages.at(-1)
    if (items.length === 0 || answer?.role !== 'assistant') return
    if (extras === null && !items.every(isPlainText)) {
      void host.loadExtras().then(() => this.commit())
      return
    }
    this.#pending = []
    const isFirst = answer.parts.length === 0
    const view = host.viewOf(answer)
    let isReplaced = false
    for (const item of items) {
      if (isPlainText(item)) {
        addText(answer, String(item.content))
        host.rate.count(String(item.content))
      } else if (extras?.addItem(answer, item, host.path) === 'replaced') isReplaced = true
    }
    if (isReplaced) view.reset(answer)
    else view.update(answer)
    host.written(answer, isFirst)
  }
}
