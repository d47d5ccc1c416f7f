/**
 * Optional parts of a chat: reasoning, tools, sources, the list of conversations, attachments,
 * editing. Loaded when a chunk, a property or the user requires them.
 */
import { html, nothing } from 'lit'
import { isSendKey } from './chat-templates.ts'
import { type ChatMessage, messageText } from './conversation.ts'
import { readAttachment } from './attachment.ts'
import { fill } from './labels.ts'
import type { ChatHost } from './chat-host.ts'

export { addItem } from './add-item.ts'
export { extrasStyles } from './extras-styles.ts'
export { partView } from './part-views.ts'
export { SavedConversations } from './saved-conversations.ts'

function removeConversation(chat: ChatHost, id: string): void {
  chat.all = chat.all.filter((conversation) => conversation.id !== id)
  chat.save()
  if (chat.current.id === id) chat.startConversation()
  else chat.refresh({ confirming: null })
}

/** Puts the text of files beside the next question. */
export async function attachFiles(chat: ChatHost, files: Iterable<File>): Promise<void> {
  for (const file of files) {
    const attachment = await readAttachment(file)
    const problem = attachment === null ? fill(chat.words.tooLarge, { name: file.name }) : null
    if (problem !== null) chat.announcer.say(problem)
    chat.refresh({ problem, attached: attachment === null ? chat.attached : [...chat.attached, attachment] })
  }
}

export function renderList(chat: ChatHost): unknown {
  const { words, all, current, confirming } = chat
  const sorted = all.toSorted((a, b) => b.updatedMs - a.updatedMs)
  return html`<nav
    aria-label=${words.conversations}
    @keydown=${(event: KeyboardEvent) => event.key === 'Escape' && chat.refresh({ isListOpen: false })}
  >
    <button type="button" class="btn fresh" @click=${() => chat.startConversation()}>${words.newConversation}</button>
    <ul>
      ${sorted.map((conversation) => {
        const { id } = conversation
        const title = conversation.title || words.untitled
        const isSure = confirming === id
        return html`<li aria-current=${id === current.id}>
          <button type="button" class="open" dir="auto" title=${title} @click=${() => chat.show(conversation)}>
            ${title}
          </button>
          <button
            type="button"
            class="link"
            aria-label="${isSure ? words.confirm : words.remove_conversation}: ${title}"
            @click=${() => (isSure ? removeConversation(chat, id) : chat.refresh({ confirming: id }))}
            @blur=${() => isSure && chat.refresh({ confirming: null })}
          >
            ${isSure ? words.confirm : words.remove_conversation}
          </button>
        </li>`
      })}
    </ul>
  </nav>`
}

/** The files that go along with the next question. */
export function renderAttached(chat: ChatHost): unknown {
  const { attached, words } = chat
  return attached.length === 0
    ? nothing
    : html`<ul class="chips">
        ${attached.map(
          (attachment) =>
            html`<li class="chip">
              <span dir="auto">${attachment.name}</span>
              <button
                type="button"
                class="link"
                @click=${() => chat.refresh({ attached: attached.filter((other) => other !== attachment) })}
              >
                ${fill(words.remove, { name: '' }).trim()}<span class="visually-hidden"> ${attachment.name}</span>
              </button>
            </li>`,
        )}
      </ul>`
}

export function renderAttach(chat: ChatHost): unknown {
  const choose = (event: Event): void => {
    const field = (event.currentTarget as Element).closest('form')?.querySelector('input')
    field?.click()
  }
  const chosen = (event: Event): void => {
    const field = event.currentTarget as HTMLInputElement
    const files = [...(field.files ?? [])]
    field.value = ''
    void attachFiles(chat, files)
  }
  return html`<button type="button" class="btn" @click=${choose}>${chat.words.attach}</button>
    <input
      type="file"
      hidden
      multiple
      accept="text/*,.md,.csv,.json,.yaml,.yml,.log,.xml,.html,.ts,.js,.py,.sql"
      @change=${chosen}
    />`
}

/** A question while it is edited. */
export function renderEdit(chat: ChatHost, message: ChatMessage): unknown {
  const { words } = chat
  const close = (): void => chat.refresh({ editing: null })
  const send = (event: Event): void => {
    const field = (event.target as Element).closest('.edit')?.querySelector('textarea')
    chat.edit(message.id, field?.value ?? '')
  }
  return html`<div class="edit">
    <textarea
      dir="auto"
      aria-label=${words.edit}
      .value=${messageText(message)}
      @keydown=${(event: KeyboardEvent) => {
        if (event.key === 'Escape') close()
        else if (isSendKey(event)) {
          event.preventDefault()
          send(event)
        }
      }}
    ></textarea>
    <div class="row">
      <button type="button" class="btn" @click=${close}>${words.cancel}</button>
      <button type="button" class="btn go" @click=${send}>${words.resend}</button>
    </div>
  </div>`
}
