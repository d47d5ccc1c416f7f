import type { Announcer } from '../base/announcer.ts'
import type { Countdown } from '../base/countdown.ts'
import type { OpenSource, SourceStatus } from '../source/source.ts'
import type { AnswerView } from './answer-view.ts'
import type { Attachment, ChatMessage, Conversation } from './conversation.ts'
import type { ChatLabels } from './labels.ts'
import type { WordRate } from './word-rate.ts'

/** What few chats need, and what is loaded when one does. */
export interface ChatExtras {
  renderList(chat: ChatHost): unknown
  renderAttached(chat: ChatHost): unknown
  renderAttach(chat: ChatHost): unknown
  renderEdit(chat: ChatHost, message: ChatMessage): unknown
  attachFiles(chat: ChatHost, files: Iterable<File>): Promise<void>
}

/** A chat as its templates see it. */
export interface ChatHost {
  readonly words: ChatLabels
  readonly language: string
  readonly status: SourceStatus
  readonly progress: OpenSource['progress'] | null
  readonly rate: WordRate
  readonly countdown: Countdown
  readonly announcer: Announcer
  readonly messages: readonly ChatMessage[]
  readonly current: Conversation
  all: Conversation[]
  readonly conversations: boolean
  readonly attachments: boolean
  readonly attached: readonly Attachment[]
  readonly editing: string | null
  readonly confirming: string | null
  readonly isListOpen: boolean
  readonly isWriting: boolean
  readonly problem: string | null
  readonly extras: ChatExtras | null
  viewOf(message: ChatMessage): AnswerView
  send(text: string, attachments?: readonly Attachment[]): void
  stop(): void
  regenerate(): void
  edit(id: string, text: string): void
  startEdit(id: string): Promise<void>
  startConversation(): void
  show(conversation: Conversation): void
  save(): void
  /** Changes what is shown, and renders it. */
  refresh(change: Partial<Pick<ChatHost, 'editing' | 'confirming' | 'isListOpen' | 'attached' | 'problem'>>): void
}
