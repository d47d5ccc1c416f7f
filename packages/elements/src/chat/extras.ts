/**
 * Optional parts of a chat: reasoning, tools, sources, the list of conversations, attachments,
 * editing. Loaded when a chunk, a property or the user requires them.
 */
import { css, html, nothing } from 'lit'
import { isSendKey } from './chat-templates.ts'
import { type ChatMessage, messageText } from './conversation.ts'
import { readAttachment } from './attachment.ts'
import { fill } from './labels.ts'
import type { ChatHost } from './chat-host.ts'

export { addItem } from './add-item.ts'
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

export const extrasStyles = css`
  .fold {
    border: 1px solid var(--line);
    border-radius: var(--radius);
    color: var(--text-2);
    font-size: var(--size-2);
  }
  .fold summary {
    display: flex;
    gap: 7px;
    align-items: center;
    padding: 6px 10px;
    border-radius: var(--radius);
    cursor: pointer;
    list-style: none;
  }
  .fold summary::-webkit-details-marker {
    display: none;
  }
  .fold summary::before {
    content: '';
    inline-size: 0;
    border-block: 4px solid transparent;
    border-inline-start: 6px solid currentcolor;
    transition: transform 0.12s;
  }
  .fold[open] summary::before {
    transform: rotate(90deg);
  }
  .fold summary:hover {
    background: var(--sunken);
  }
  .fold.tool summary {
    font-weight: 550;
  }
  .fold:is(.busy, .tool) summary::after {
    content: '';
    inline-size: 7px;
    block-size: 7px;
    margin-inline-start: auto;
    border-radius: 2px;
    background: var(--ok);
  }
  .fold.failed summary::after {
    background: var(--failed);
    transform: rotate(45deg);
  }
  .fold.busy summary::after {
    border-radius: 9px;
    background: var(--running);
    animation: pulse 1.4s ease-in-out infinite;
  }
  .fold > div {
    padding: 2px 10px 9px;
  }
  .fold-text {
    white-space: pre-wrap;
    overflow-wrap: anywhere;
  }
  .fold pre {
    margin: 2px 0 6px;
    max-block-size: 220px;
    overflow: auto;
    color: var(--text);
    font: var(--size-1) / 1.5 var(--mono);
    white-space: pre-wrap;
    overflow-wrap: anywhere;
  }
  .sources ol {
    display: flex;
    flex-wrap: wrap;
    gap: 4px 6px;
    margin: 4px 0 0;
    padding: 0;
    list-style: none;
    counter-reset: source;
  }
  .sources li {
    counter-increment: source;
    max-inline-size: 100%;
    padding: 2px 9px;
    border: 1px solid var(--line);
    border-radius: 99px;
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
    font-size: var(--size-1);
  }
  .sources li::before {
    content: counter(source) ' ';
    color: var(--text-3);
  }
  .sources a {
    color: var(--accent);
    text-underline-offset: 2px;
  }
  .edit {
    display: grid;
    gap: 8px;
    inline-size: 100%;
  }
  .edit .row {
    display: flex;
    gap: 8px;
    justify-content: flex-end;
  }
  nav {
    display: none;
    flex-direction: column;
    gap: 2px;
    padding: 8px;
    border-inline-end: 1px solid var(--line);
    background: var(--surface);
    overflow: hidden auto;
  }
  nav ul {
    margin: 0;
    padding: 0;
    list-style: none;
  }
  nav li {
    display: flex;
    align-items: center;
    border-radius: var(--radius-small);
  }
  nav li[aria-current='true'] {
    background: var(--accent-weak);
  }
  nav .open {
    flex: 1;
    min-inline-size: 0;
    padding: 6px 8px;
    border: 0;
    border-radius: var(--radius-small);
    background: none;
    text-align: start;
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  nav li[aria-current='true'] .open {
    font-weight: 650;
  }
  nav .fresh {
    margin-block-end: 6px;
  }
  nav li .link {
    opacity: 0;
  }
  nav li:is(:hover, :focus-within) .link,
  nav li[aria-current='true'] .link {
    opacity: 1;
  }
  .listed.frame nav {
    position: absolute;
    inset-block: 47px 0;
    inset-inline-start: 0;
    z-index: 1;
    display: flex;
    inline-size: min(280px, 86%);
    box-shadow: var(--shadow);
  }
  @container (inline-size >= 680px) {
    .frame.listed {
      grid-template: auto minmax(0, 1fr) auto / 220px minmax(0, 1fr);
    }
    .listed.frame nav {
      position: static;
      grid-row: 2 / 4;
      inline-size: auto;
      box-shadow: none;
    }
    .listed.frame :is(.stage, footer) {
      grid-column: 2;
    }
  }
`
