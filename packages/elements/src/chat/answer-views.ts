import type { Announcer } from '../base/announcer.ts'
import { AnswerView } from './answer-view.ts'
import type { ChatMessage } from './conversation.ts'
import type { ChatLabels } from './labels.ts'
import type { PartViewMaker } from './part-view.ts'

/** A chat as its answers see it. */
export interface AnsweringChat {
  readonly words: ChatLabels
  readonly quiet: boolean
  readonly announcer: Announcer
  readonly extras: { readonly partView: PartViewMaker } | null
  loadExtras(): Promise<void>
}

/** The DOM of each message: made once, then only extended. */
export class AnswerViews {
  readonly #chat: AnsweringChat
  readonly #views = new WeakMap<ChatMessage, AnswerView>()

  constructor(chat: AnsweringChat) {
    this.#chat = chat
  }

  /** Returns the view of a message. Loads the module that shows parts other than text, if the message has any. */
  of(message: ChatMessage): AnswerView {
    const chat = this.#chat
    const known = this.#views.get(message)
    if (known !== undefined) return known
    const isNew = message.state === 'writing' && !chat.quiet
    const view = new AnswerView({
      labels: chat.words,
      partView: () => chat.extras?.partView,
      onText: isNew ? (text) => chat.announcer.write(text) : undefined,
    })
    if (chat.extras === null && message.parts.some(({ type }) => type !== 'text'))
      void chat.loadExtras().then(() => view.end(message))
    view.update(message)
    if (message.state !== 'writing') view.end(message)
    this.#views.set(message, view)
    return view
  }
}
