import { type PropertyDeclarations, type PropertyValues, adoptStyles } from 'lit'
import { Announcer } from '../base/announcer.ts'
import { Countdown } from '../base/countdown.ts'
import { FollowScroll } from '../base/follow-scroll.ts'
import { StreamElement } from '../base/stream-element.ts'
import { type Item, type SourceEnd, type SourceStatus, statusAtEnd } from '../source/source.ts'
import { controls } from '../theme/controls.ts'
import { markdownStyles } from '../text/markdown-styles.ts'
import { AnswerView } from './answer-view.ts'
import { AnswerWriter } from './answer-writer.ts'
import { chatStyles } from './chat-styles.ts'
import {
  type Attachment,
  type ChatMessage,
  type Conversation,
  endReasoning,
  messageText,
  newConversation,
  newMessage,
  titleOf,
} from './conversation.ts'
import { CHAT_LABELS, type ChatLabels, fill } from './labels.ts'
import { renderChat } from './chat-templates.ts'
import { type RequestContext, requestBody } from './request-body.ts'
import type { SavedConversations } from './saved-conversations.ts'
import { WordRate } from './word-rate.ts'

const styles = [...StreamElement.styles, controls, markdownStyles, chatStyles]

/** Interval at which an unfinished answer is saved, so that it resumes after a reload. */
const SAVE_MS = 1_000

/**
 * A chat with an endpoint: messages, an answer that is written while it arrives, send, stop, retry, edit.
 *
 * @tagname stream-chat
 * @slot empty - What stands there before the first question.
 * @csspart header - The bar with the title and the state.
 * @csspart messages - The box that scrolls.
 * @csspart question - A question of the user.
 * @csspart answer - An answer.
 * @csspart footer - Progress, state, and the field.
 * @csspart input - The field.
 * @csspart send - The button that sends.
 * @csspart stop - The button that stops the answer.
 * @fires chat-send - A question is sent; the detail is `{ text, attachments, body }`. `preventDefault()` keeps it from being sent.
 * @fires chat-change - Messages changed; the detail is `{ conversation }`.
 */
export class StreamChat extends StreamElement {
  static override styles = styles

  static override properties: PropertyDeclarations = {
    heading: {},
    input: {},
    history: {},
    conversationInput: { attribute: 'conversation-input' },
    path: {},
    saveAs: { attribute: 'save-as' },
    conversations: { type: Boolean },
    attachments: { type: Boolean },
    suggestions: { converter: listOf },
    quiet: { type: Boolean },
    labels: { attribute: false },
    prepare: { attribute: false },
    tick: { state: true },
  }

  /** Title of the chat. */
  declare heading: string
  /** Input of the endpoint that takes the question. Default: `message`. */
  declare input: string
  /** Input that takes all messages as `{ role, content }`. Default: none. */
  declare history: string
  /** Input that takes the id of the conversation. Default: none. */
  declare conversationInput: string
  /**
   * Path of the text in JSON chunks, such as `delta.text`. Default: JSON chunks are shown as they
   * are.
   */
  declare path: string
  /** Name under which conversations are kept in this browser. Default: they are kept until the page is left. */
  declare saveAs: string
  /** Shows the list of conversations. */
  declare conversations: boolean
  /** Lets the user attach text files. */
  declare attachments: boolean
  /** Questions to choose from while there is none; in markup separated by `|`. */
  declare suggestions: readonly string[]
  /** Sentences are not announced to screen readers. */
  declare quiet: boolean
  /** The words that the chat shows, to be written in another language. */
  declare labels: Partial<ChatLabels>
  /** Makes the body of a call instead of the element. */
  declare prepare: ((context: RequestContext) => unknown) | null
  /** Rendered anew by what is not a property of its own. */
  declare tick: number

  readonly announcer = new Announcer()
  readonly countdown = new Countdown(this)
  readonly rate = new WordRate()
  newLines = 0
  isListOpen = false
  editing: string | null = null
  confirming: string | null = null
  attached: readonly Attachment[] = []
  problem: string | null = null
  extras: typeof import('./extras.ts') | null = null
  current: Conversation = newConversation()
  all: Conversation[] = []
  readonly #views = new WeakMap<ChatMessage, AnswerView>()
  #follow: FollowScroll | null = null
  #saved: SavedConversations | null = null
  readonly #writer = new AnswerWriter(this)
  #savedAtMs = 0
  readonly #saveNow = (): void => this.save()

  constructor() {
    super()
    this.heading = ''
    this.input = 'message'
    this.history = ''
    this.conversationInput = ''
    this.path = ''
    this.saveAs = ''
    this.conversations = false
    this.attachments = false
    this.suggestions = []
    this.quiet = false
    this.labels = {}
    this.prepare = null
    this.tick = 0
    // A chat opens its source when the user asks something.
    this.manual = true
  }

  override connectedCallback(): void {
    super.connectedCallback()
    addEventListener('pagehide', this.#saveNow)
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    removeEventListener('pagehide', this.#saveNow)
  }

  get words(): ChatLabels {
    return { ...CHAT_LABELS, ...(this.heading === '' ? {} : { title: this.heading }), ...this.labels }
  }

  /** Messages of the conversation, oldest first. Setting them shows another conversation. */
  get messages(): readonly ChatMessage[] {
    return this.current.messages
  }

  set messages(messages: readonly (ChatMessage | { role: 'user' | 'assistant'; text: string })[]) {
    const conversation = newConversation()
    conversation.messages = messages.map((message) =>
      'parts' in message ? message : { ...newMessage(message.role, message.text), state: 'completed' },
    )
    conversation.title = titleOf(messageText(conversation.messages[0] ?? newMessage('user')))
    this.show(conversation)
  }

  get isWriting(): boolean {
    return this.current.messages.at(-1)?.state === 'writing'
  }

  /** Sends a question. While an answer is written nothing is sent. */
  send(text: string, attachments: readonly Attachment[] = []): void {
    if (this.isWriting || (text.trim() === '' && attachments.length === 0)) return
    const question = newMessage('user', text.trim(), attachments)
    const { messages } = this.current
    const body = this.#body(question, false, [...messages, question])
    const event = new CustomEvent('chat-send', {
      detail: { text, attachments, body },
      bubbles: true,
      composed: true,
      cancelable: true,
    })
    if (!this.dispatchEvent(event)) return
    if (messages.length === 0) this.current.title = titleOf(text)
    if (!this.all.includes(this.current)) this.all = [this.current, ...this.all]
    messages.push(question)
    this.#ask(body)
  }

  /** Asks the last question again; its answer is replaced. */
  regenerate(): void {
    const { messages } = this.current
    const index = messages.findLastIndex(({ role }) => role === 'user')
    const question = messages[index]
    if (question === undefined || this.isWriting) return
    messages.length = index + 1
    this.#ask(this.#body(question, true, messages))
  }

  /** Sends a question in another wording; what came after it goes. */
  edit(id: string, text: string): void {
    const { messages } = this.current
    const index = messages.findIndex((message) => message.id === id)
    const old = messages[index]
    if (old === undefined || this.isWriting) return
    messages.length = index
    this.editing = null
    this.send(text, old.attachments)
  }

  /** Begins a conversation. */
  startConversation(): void {
    this.show(newConversation())
  }

  /** Shows a conversation; an answer that is being written elsewhere is stopped. */
  show(conversation: Conversation): void {
    this.#interrupt()
    this.current = conversation
    this.editing = null
    this.isListOpen = false
    this.newLines = 0
    this.#update()
    this.#resume()
    void this.updateComplete.then(() => this.#follow?.toEnd())
  }

  /** The DOM of a message, which grows without being rendered again. @internal */
  viewOf(message: ChatMessage): AnswerView {
    const known = this.#views.get(message)
    if (known !== undefined) return known
    const isNew = message.state === 'writing' && !this.quiet
    const view = new AnswerView({
      labels: this.words,
      partView: () => this.extras?.partView,
      onText: isNew ? (text) => this.announcer.write(text) : undefined,
    })
    if (this.extras === null && message.parts.some(({ type }) => type !== 'text'))
      void this.loadExtras().then(() => view.end(message))
    view.update(message)
    if (message.state !== 'writing') view.end(message)
    this.#views.set(message, view)
    return view
  }

  /** Renders what is not a property. @internal */
  refresh(change: Partial<Pick<StreamChat, 'editing' | 'confirming' | 'isListOpen' | 'attached' | 'problem'>>): void {
    Object.assign(this, change)
    this.#update()
  }

  goToEnd(): void {
    this.#follow?.toEnd()
    this.renderRoot.querySelector('textarea')?.focus()
  }

  #body(question: ChatMessage, isAgain: boolean, messages: ChatMessage[]): unknown {
    const context = { conversation: { ...this.current, messages }, question, isAgain }
    if (this.prepare !== null) return this.prepare(context)
    const names = { input: this.input, history: this.history, conversation: this.conversationInput }
    return requestBody(this.format, this.body, names, context)
  }

  #ask(body: unknown): void {
    this.current.messages.push(newMessage('assistant'))
    this.current.updatedMs = Date.now()
    this.rate.restart()
    this.#update()
    this.save()
    void this.updateComplete.then(() => this.#follow?.toEnd())
    this.start(body)
    this.#changed()
  }

  override start(body: unknown = this.body): void {
    this.read({ ...this.source, body, method: this.method || 'POST' })
  }

  override retry(): void {
    this.regenerate()
  }

  /** Reads on what was being written when the page was left. */
  #resume(): void {
    const answer = this.current.messages.at(-1)
    if (answer?.state !== 'writing' || this.open !== null) return
    if (answer.resume === null) {
      this.#finish(answer, { outcome: 'cancelled', error: null })
      return
    }
    const { url: stream, offset: after } = answer.resume
    this.read({ ...this.source, src: '', stream, after, method: 'GET', body: null })
  }

  /** Stops reading the unfinished answer and keeps its text. */
  #interrupt(): void {
    const answer = this.current.messages.at(-1)
    if (answer?.state !== 'writing') return
    this.#writer.commit()
    this.leave()
    if (answer.resume === null) this.#finish(answer, { outcome: 'cancelled', error: null })
    this.save()
  }

  protected override onItem(item: Item): void {
    this.#writer.add(item)
  }

  protected override onStatus({ state, waitMs }: SourceStatus): void {
    this.countdown.set(waitMs)
    if (state === 'reconnecting' || state === 'offline') this.announcer.say(this.words[state])
  }

  protected override onEnd(end: SourceEnd): void {
    const answer = this.current.messages.at(-1)
    if (answer?.role !== 'assistant') return
    this.#writer.commit()
    if (this.#writer.isWaiting) {
      // The module that renders them is loading.
      void this.loadExtras().then(() => this.onEnd(end))
      return
    }
    this.#finish(answer, end)
    this.announcer.flush()
    if (answer.state === 'completed') this.announcer.say(this.words.answerComplete)
    if (answer.state === 'failed') this.announcer.say(fill(this.words.wasFailed, { message: answer.error ?? '' }))
    this.leave()
    this.save()
    this.#changed()
  }

  #finish(answer: ChatMessage, end: SourceEnd): void {
    endReasoning(answer)
    const { state, message } = statusAtEnd(end)
    answer.state = state === 'completed' || state === 'failed' ? state : 'cancelled'
    answer.error = message
    answer.resume = null
    this.viewOf(answer).end(answer)
    this.#update()
  }

  /** Items of the answer are in its message and on the screen. @internal */
  written(answer: ChatMessage, isFirst: boolean): void {
    const { url, offset } = this.position
    answer.resume = url === null ? null : { url, offset }
    // The footer changes a few times a second, not with each chunk.
    if (isFirst) this.#update()
    else this.rate.showSoon(() => this.#update())
    if (performance.now() - this.#savedAtMs > SAVE_MS) this.save()
  }

  /** Keeps the conversations, where they have a name. */
  save(): void {
    this.#savedAtMs = performance.now()
    this.#saved?.save(this.all)
  }

  #changed(): void {
    this.emit('chat-change', { conversation: this.current })
  }

  #update(): void {
    this.tick++
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed)
    if (this.extras === null && (this.conversations || this.attachments || this.saveAs !== '')) void this.loadExtras()
    else if (changed.has('saveAs')) this.#restore()
  }

  /** Shows a field for another wording of a question. @internal */
  async startEdit(editing: string): Promise<void> {
    await this.loadExtras()
    this.refresh({ editing })
    await this.updateComplete
    this.renderRoot.querySelector<HTMLElement>('.edit textarea')?.focus()
  }

  /** Loads what shows all but text, once. @internal */
  async loadExtras(): Promise<void> {
    if (this.extras !== null) return
    const extras = await import('./extras.ts')
    if (this.extras !== null) return
    this.extras = extras
    if (this.renderRoot instanceof ShadowRoot) adoptStyles(this.renderRoot, [...styles, extras.extrasStyles])
    this.#restore()
    this.#update()
  }

  /** Shows the newest conversation that is saved under the name, and resumes its answer. */
  #restore(): void {
    if (this.saveAs === '' || this.extras === null) return
    this.#saved = new this.extras.SavedConversations(this.saveAs)
    this.all = this.#saved.load()
    const newest = this.all.toSorted((a, b) => b.updatedMs - a.updatedMs)[0]
    if (newest !== undefined && this.current.messages.length === 0) this.show(newest)
  }

  protected override firstUpdated(): void {
    const box = this.renderRoot.querySelector('.messages')
    const list = box?.firstElementChild
    if (!(box instanceof HTMLElement) || list == null) return
    this.#follow = new FollowScroll(box, list, (newLines) => {
      this.newLines = newLines
      this.#update()
    })
    this.#follow.toEnd()
  }

  override render(): unknown {
    return renderChat(this)
  }
}

function listOf(text: string | null): readonly string[] {
  return text?.split('|').flatMap((part) => part.trim() || []) ?? []
}
