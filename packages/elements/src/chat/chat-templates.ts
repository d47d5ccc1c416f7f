import { html, nothing } from 'lit'
import { countText } from '../base/numbers.ts'
import { copyText } from '../text/markdown-view.ts'
import { type ChatMessage, messageText } from './conversation.ts'
import { fill } from './labels.ts'
import type { ChatHost } from './chat-host.ts'

/** A chat as its outermost template sees it. */
interface ChatView extends ChatHost {
  /** Lines of new content below the visible part. */
  readonly newLines: number
  readonly suggestions: readonly string[]
  goToEnd(): void
}

/** Renders the whole chat. */
export function renderChat(chat: ChatView): unknown {
  const { words, newLines, messages, suggestions } = chat
  const isListed = chat.conversations && chat.isListOpen
  return html`<div class="frame ${isListed ? 'listed' : ''}">
    ${renderHeader(chat)} ${isListed ? chat.extras?.renderList(chat) : nothing}
    <div class="stage">
      <div class="messages" part="messages" role="region" aria-label=${words.messages} tabindex="0">
        <div class="list">
          ${
            messages.length === 0
              ? html`<div class="empty">
                  <slot name="empty">${words.empty}</slot>
                  ${suggestions.length === 0 ? nothing : renderSuggestions(chat)}
                </div>`
              : messages.map((message, index) => renderMessage(chat, message, index === messages.length - 1))
          }
        </div>
      </div>
      ${
        newLines > 0
          ? html`<button type="button" class="new" @click=${() => chat.goToEnd()}>
              <span aria-hidden="true">↓ </span>${
                newLines === 1 ? words.newLine : fill(words.newLines, { n: countText(newLines, chat.language) })
              }
            </button>`
          : nothing
      }
    </div>
    ${renderFooter(chat)} ${chat.announcer.element}
  </div>`
}

function renderSuggestions(chat: ChatView): unknown {
  return html`<div class="suggestions">
    ${chat.suggestions.map(
      (text) => html`<button type="button" class="btn" dir="auto" @click=${() => chat.send(text)}>${text}</button>`,
    )}
  </div>`
}

/** The state of the chat as a pill: class and words. */
function pillOf(chat: ChatHost): { kind: string; text: string } {
  const { words, rate, status } = chat
  switch (status.state) {
    case 'streaming': {
      if (!chat.isWriting) return { kind: '', text: words.ready }
      const { perSecond } = rate
      const speed = perSecond === null ? '' : ` · ${fill(words.wordsPerSecond, { n: perSecond })}`
      return { kind: 'running pulse', text: words.writing + speed }
    }
    case 'connecting':
      return { kind: 'running pulse', text: words.connecting }
    case 'reconnecting':
      return { kind: 'caught pulse', text: words.reconnecting }
    case 'offline':
      return { kind: 'caught', text: words.offline }
    case 'failed':
      return { kind: 'failed', text: words.failed }
    case 'cancelled':
      return { kind: '', text: words.stopped }
    default:
      return { kind: 'ok', text: words.ready }
  }
}

function renderHeader(chat: ChatHost): unknown {
  const { words } = chat
  const { kind, text } = pillOf(chat)
  return html`<header part="header">
    ${
      chat.conversations
        ? html`<button
            type="button"
            class="btn"
            aria-expanded=${chat.isListOpen}
            @click=${() => chat.refresh({ isListOpen: !chat.isListOpen })}
          >
            ${words.conversations}
          </button>`
        : nothing
    }
    <h2 dir="auto">${words.title}</h2>
    <span class="pill ${kind}" dir="auto">${text}</span>
  </header>`
}

function renderMessage(chat: ChatHost, message: ChatMessage, isLast: boolean): unknown {
  const { words } = chat
  return message.role === 'user'
    ? html`<article class="user" aria-label=${words.you}>${renderQuestion(chat, message)}</article>`
    : html`<article class="assistant" aria-label=${words.title}>${renderAnswer(chat, message, isLast)}</article>`
}

function renderQuestion(chat: ChatHost, message: ChatMessage): unknown {
  const { words } = chat
  const text = messageText(message)
  if (chat.editing === message.id) return chat.extras?.renderEdit(chat, message)
  return html`${text === '' ? nothing : html`<div class="bubble" part="question" dir="auto">${text}</div>`}
    ${
      message.attachments.length === 0
        ? nothing
        : html`<ul class="chips">
            ${message.attachments.map(({ name }) => html`<li class="chip"><span dir="auto">${name}</span></li>`)}
          </ul>`
    }
    <div class="actions">
      <button type="button" class="link" ?disabled=${chat.isWriting} @click=${() => void chat.startEdit(message.id)}>
        ${words.edit}
      </button>
    </div>`
}

function renderAnswer(chat: ChatHost, message: ChatMessage, isLast: boolean): unknown {
  const { words } = chat
  const { state, error } = message
  const view = chat.viewOf(message)
  if (state === 'writing') {
    return html`${view.element}${
      message.parts.length === 0
        ? html`<div class="typing">
            <span aria-hidden="true"><i></i><i></i><i></i></span>${words.thinking}
          </div>`
        : nothing
    }`
  }
  const again = (name: string, className: string): unknown =>
    html`<button type="button" class=${className} @click=${() => chat.regenerate()}>${name}</button>`
  return html`${view.element}
    ${
      state === 'failed'
        ? html`<div class="note failed">
            <span dir="auto">${fill(words.wasFailed, { message: error ?? '' })}</span>
            ${isLast ? again(words.retry, 'btn') : nothing}
          </div>`
        : nothing
    }
    ${state === 'cancelled' ? html`<div class="note">${words.wasStopped}</div>` : nothing}
    <div class="actions">
      ${
        messageText(message) === ''
          ? nothing
          : html`<button
              type="button"
              class="link"
              @click=${(event: Event) => void copyText(messageText(message), event.currentTarget as Element, words.copied)}
            >
              ${words.copy}
            </button>`
      }
      ${isLast && state !== 'failed' ? again(words.regenerate, 'link') : nothing}
    </div>`
}

/** Enter, but not the one that ends the composition of a character. */
export function isSendKey({ key, shiftKey, isComposing }: KeyboardEvent): boolean {
  return key === 'Enter' && !shiftKey && !isComposing
}

/** How far the answer is, from what its chunks say of it. */
function progressOf(chat: ChatHost): { share: number | null; text: string } {
  const { words, language, progress } = chat
  const chunks = progress?.chunks ?? 0
  const share = progress?.percentage ?? null
  const n = countText(chunks, language)
  if (share === null || share === 0) return { share: null, text: chunks === 0 ? '' : fill(words.chunks, { n }) }
  const total = countText(Math.max(chunks, Math.round((chunks / share) * 100)), language)
  return { share, text: fill(words.chunksOf, { n, total }) }
}

function connectionText(chat: ChatHost): string {
  const { words, status, countdown } = chat
  if (status.state === 'offline') return words.waitsForNetwork
  if (status.state !== 'reconnecting') return words.reconnects
  return countdown.seconds > 0 ? fill(words.reconnectingIn, { n: countdown.seconds }) : words.reconnectingNow
}

function renderFooter(chat: ChatHost): unknown {
  const { words, isWriting, attached, problem, extras } = chat
  const { share, text } = progressOf(chat)
  const send = (field: HTMLTextAreaElement | null): void => {
    if (field === null || isWriting) return
    chat.send(field.value, attached)
    if (!chat.isWriting) return
    field.value = ''
    chat.refresh({ attached: [], problem: null })
    field.focus()
  }
  const fieldOf = (event: Event): HTMLTextAreaElement | null =>
    (event.currentTarget as Element).closest('form')?.querySelector('textarea') ?? null
  return html`<footer part="footer">
    <div
      class="bar ${isWriting ? '' : 'idle'} ${share === null ? 'indeterminate' : ''}"
      role="progressbar"
      aria-label=${words.writing}
      aria-hidden=${!isWriting}
      aria-valuemin="0"
      aria-valuemax="100"
      aria-valuenow=${share === null ? nothing : Math.round(share)}
    >
      <i .style=${share === null ? '' : `--done: ${share}%`}></i>
    </div>
    <div class="line tiny">
      ${isWriting ? html`<span dir="auto">${text}</span><span dir="auto">${connectionText(chat)}</span>` : html`<span dir="auto">${problem ?? words.hint}</span>`}
    </div>
    ${extras?.renderAttached(chat) ?? nothing}
    <form
      @submit=${(event: Event) => {
        event.preventDefault()
        send(fieldOf(event))
      }}
    >
      ${chat.attachments ? (extras?.renderAttach(chat) ?? nothing) : nothing}
      <textarea
        part="input"
        rows="1"
        dir="auto"
        aria-label=${words.placeholder}
        placeholder=${chat.messages.length === 0 ? words.placeholder : words.followUp}
        @keydown=${(event: KeyboardEvent) => {
          if (event.key === 'Escape' && isWriting) chat.stop()
          else if (isSendKey(event)) {
            event.preventDefault()
            send(event.currentTarget as HTMLTextAreaElement)
          }
        }}
        @paste=${(event: ClipboardEvent) => {
          const files = [...(event.clipboardData?.files ?? [])]
          if (chat.attachments && files.length > 0) void extras?.attachFiles(chat, files)
        }}
      ></textarea>
      ${
        isWriting
          ? html`<button type="button" class="btn" part="stop" @click=${() => chat.stop()}>${words.stop}</button>`
          : html`<button type="submit" class="btn go" part="send">${words.send}</button>`
      }
    </form>
  </footer>`
}
