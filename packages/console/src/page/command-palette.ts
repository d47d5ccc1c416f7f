import { LitElement, css, html } from 'lit'
import { shared } from './styles.ts'

/** Entries that are listed. */
const FOUND_MAX = 50

export interface Command {
  readonly name: string
  readonly hint: string
  readonly run: () => void
}

/** A list of all that can be opened or done, found by typing. */
export class CommandPalette extends LitElement {
  static override styles = [
    ...shared,
    css`
      dialog {
        inline-size: min(560px, calc(100vw - 32px));
        margin-block-start: 12vh;
        padding: 0;
        border: 1px solid var(--line);
        border-radius: 10px;
        background: var(--raised);
        color: var(--text);
        box-shadow: var(--shadow);
      }
      dialog::backdrop {
        background: rgb(0 0 0 / 35%);
      }
      input {
        border: 0;
        border-block-end: 1px solid var(--line);
        border-radius: 0;
        padding: 12px 16px;
        background: none;
      }
      input:focus-visible {
        outline-offset: -2px;
      }
      ul {
        max-block-size: 50vh;
        overflow: auto;
        padding: 6px;
      }
      li {
        display: flex;
        gap: 12px;
        justify-content: space-between;
        padding: 7px 10px;
        border-radius: var(--radius-small);
        cursor: pointer;
        font-size: var(--size-2);
      }
      li span:first-child {
        flex: none;
        max-inline-size: 75%;
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      li .tiny {
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      li[aria-selected='true'] .tiny {
        color: var(--text-2);
      }
      li[aria-selected='true'] {
        background: var(--accent-weak);
      }
    `,
  ]
  static override properties = { commands: { attribute: false }, query: { state: true }, at: { state: true } }
  declare commands: readonly Command[]
  declare query: string
  declare at: number

  constructor() {
    super()
    this.commands = []
    this.query = ''
    this.at = 0
  }

  show(): void {
    this.query = ''
    this.at = 0
    this.renderRoot.querySelector('dialog')?.showModal()
  }

  get #found(): readonly Command[] {
    const words = this.query.toLowerCase().split(/\s+/)
    const has = (text: string): boolean => words.every((word) => text.toLowerCase().includes(word))
    const named = this.commands.filter(({ name }) => has(name))
    const others = this.commands.filter(({ name, hint }) => !has(name) && has(`${name} ${hint}`))
    return [...named, ...others].slice(0, FOUND_MAX)
  }

  override render(): unknown {
    const found = this.#found
    return html`<dialog aria-label="Search" @keydown=${(event: KeyboardEvent) => this.#key(event)}>
      <input
        class="field"
        role="combobox"
        aria-expanded="true"
        aria-controls="found"
        aria-activedescendant=${`found-${this.at}`}
        aria-label="Search endpoints, pages, functions"
        placeholder="Search endpoints, pages, functions"
        .value=${this.query}
        @input=${(event: Event) => this.#search(event)}
      />
      <ul id="found" role="listbox" aria-label="Found">
        ${found.map(
          (command, index) =>
            html`<li
              id=${`found-${index}`}
              role="option"
              aria-selected=${index === this.at}
              @click=${() => this.#run(command)}
            >
              <span>${command.name}</span><span class="tiny">${command.hint}</span>
            </li>`,
        )}
      </ul>
    </dialog>`
  }

  #search(event: Event): void {
    this.query = (event.target as HTMLInputElement).value
    this.at = 0
  }

  #key(event: KeyboardEvent): void {
    const found = this.#found
    if (event.key === 'ArrowDown') this.at = Math.min(found.length - 1, this.at + 1)
    else if (event.key === 'ArrowUp') this.at = Math.max(0, this.at - 1)
    else if (event.key === 'Enter') {
      const command = found[this.at]
      if (command !== undefined) this.#run(command)
    } else return
    event.preventDefault()
    void this.updateComplete.then(() =>
      this.renderRoot.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' }),
    )
  }

  #run(command: Command): void {
    this.renderRoot.querySelector('dialog')?.close()
    command.run()
  }
}

customElements.define('command-palette', CommandPalette)
