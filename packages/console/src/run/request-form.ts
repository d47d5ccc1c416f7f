import { LitElement, css, html, nothing } from 'lit'
import type { Endpoint } from '../api.ts'
import { shared } from '../page/styles.ts'
import { fieldText, inputField, parsed } from './input-field.ts'
import { COPY_TARGETS, copyText } from './copy-as.ts'

type CallFormat = 'ndjson' | 'sse' | 'lines' | 'text' | 'json'
const FORMATS: readonly CallFormat[] = ['ndjson', 'sse', 'lines', 'text', 'json']

/** What the form asks for. */
export interface Asked {
  readonly inputs: Readonly<Record<string, unknown>>
  readonly format: CallFormat
  readonly caller: 'nobody' | 'developer' | 'token'
  /** That was pasted; '' without one. */
  readonly token: string
  /** Of the token that is made. */
  readonly roles: readonly string[]
  readonly recordsVariables: boolean
}

/** The stream options of every endpoint. */
const OPTIONS = [
  { name: 'chunk_size', unit: 'words' },
  { name: 'delay', unit: 'ms' },
] as const

/** A form made of an endpoint's inputs. Sends `run` with what is asked for, and `stop`. */
export class RequestForm extends LitElement {
  static override styles = [
    ...shared,
    css`
      label {
        display: block;
        font-size: var(--size-2);
        font-weight: 550;
        margin-block: 12px 4px;
      }
      label i {
        font-style: normal;
        font-weight: 400;
        color: var(--text-3);
      }
      .pair {
        display: grid;
        grid-template-columns: 1fr 1fr;
        gap: 8px;
      }
      .actions {
        display: grid;
        grid-template-columns: 1fr auto;
        gap: 8px;
        margin-block-start: 16px;
      }
      .check {
        display: flex;
        gap: 6px;
        align-items: center;
      }
      .copy {
        display: flex;
        flex-wrap: wrap;
        gap: 6px;
      }
      .fault {
        color: var(--failed);
        font-size: var(--size-2);
        margin-block-start: 8px;
      }
      details {
        margin-block-start: 12px;
        font-size: var(--size-2);
      }
      summary {
        cursor: pointer;
        font-weight: 550;
      }
      .seg {
        display: flex;
      }
      .seg button {
        flex: 1;
        padding-inline: 4px;
      }
    `,
  ]
  static override properties = {
    endpoint: { attribute: false },
    open: { attribute: false },
    canMakeTokens: { attribute: false },
    format: { state: true },
    caller: { state: true },
    token: { state: true },
    fault: { state: true },
    copied: { state: true },
  }
  declare endpoint: Endpoint
  /** Whether a run is active. */
  declare open: boolean
  declare canMakeTokens: boolean
  declare format: CallFormat
  declare caller: Asked['caller']
  declare token: string
  declare fault: string
  declare copied: string

  constructor() {
    super()
    this.open = false
    this.canMakeTokens = false
    this.format = 'ndjson'
    this.caller = 'nobody'
    this.token = ''
    this.fault = ''
    this.copied = ''
  }

  override willUpdate(changed: Map<string, unknown>): void {
    if (!changed.has('endpoint')) return
    this.caller = this.endpoint.authentication ? (this.canMakeTokens ? 'developer' : 'token') : 'nobody'
    this.fault = ''
  }

  override render(): unknown {
    const { endpoint } = this
    const inputs = endpoint.inputs.filter(({ name }) => name !== 'options')
    return html`<form
      @submit=${(event: Event) => this.#submit(event)}
      @keydown=${(event: KeyboardEvent) => this.#key(event)}
    >
      <h2 class="part">Request</h2>
      ${inputs.length === 0 ? html`<p class="muted small">The endpoint takes no inputs.</p>` : inputs.map((input) => inputField(input))}
      <div class="pair">
        ${OPTIONS.map(
          ({ name, unit }) =>
            html`<div>
              <label for=${`option-${name}`}>${name} <i>${unit}</i></label>
              <input
                class="field"
                id=${`option-${name}`}
                data-option=${name}
                type="number"
                min="0"
                placeholder="stack's own"
              />
            </div>`,
        )}
      </div>
      <label for="caller">As <i>caller</i></label>
      <select class="field" id="caller" @change=${(event: Event) => this.#setCaller(event)}>
        <option value="nobody" ?selected=${this.caller === 'nobody'}>nobody (public)</option>
        ${this.canMakeTokens ? html`<option value="developer" ?selected=${this.caller === 'developer'}>a token made for you</option>` : nothing}
        <option value="token" ?selected=${this.caller === 'token'}>a token that you paste</option>
      </select>
      ${
        this.caller === 'developer'
          ? html`<label for="roles">Roles <i>divided by commas</i></label
              ><input class="field" id="roles" .value=${endpoint.roles.slice(0, 1).join()} autocomplete="off" />`
          : nothing
      }
      ${
        this.caller === 'token'
          ? html`<label for="token">Token</label
              ><input
                class="field mono"
                id="token"
                type="password"
                autocomplete="off"
                .value=${this.token}
                @input=${(event: Event) => (this.token = valueOf(event))}
              />`
          : nothing
      }
      <label id="format-label">Format</label>
      <div class="seg" role="group" aria-labelledby="format-label">
        ${FORMATS.map(
          (format) =>
            html`<button type="button" aria-pressed=${this.format === format} @click=${() => (this.format = format)}>
              ${format}
            </button>`,
        )}
      </div>
      <label class="check"><input type="checkbox" id="variables" /> Record variables <i>at each step</i></label>
      <div class="actions">
        <button class="btn go" type="submit">Run <kbd>Ctrl ↵</kbd></button>
        <button
          class="btn"
          type="button"
          ?disabled=${!this.open}
          @click=${() => this.dispatchEvent(new CustomEvent('stop'))}
        >
          Stop
        </button>
      </div>
      ${this.fault === '' ? nothing : html`<p class="fault" role="alert">${this.fault}</p>`}
      <label id="copy-label">Copy as</label>
      <div class="copy" role="group" aria-labelledby="copy-label">
        ${COPY_TARGETS.map(
          (target) =>
            html`<button class="btn slim" type="button" @click=${() => void this.#copy(target)}>
              ${this.copied === target ? 'copied' : target}
            </button>`,
        )}
      </div>
    </form>`
  }

  /** Puts inputs into the fields; the others are emptied. */
  fill(inputs: Readonly<Record<string, unknown>>): void {
    for (const field of this.renderRoot.querySelectorAll<HTMLInputElement>('[data-input]'))
      field.value = fieldText(inputs[field.dataset['input'] ?? ''])
    const options = Object(inputs['options']) as Readonly<Record<string, unknown>>
    for (const field of this.renderRoot.querySelectorAll<HTMLInputElement>('[data-option]'))
      field.value = fieldText(options[field.dataset['option'] ?? ''])
  }

  submit(): void {
    this.renderRoot.querySelector('form')?.requestSubmit()
  }

  /** Throws an Error that names the field. */
  #inputs(): Record<string, unknown> {
    const inputs: Record<string, unknown> = {}
    for (const field of this.renderRoot.querySelectorAll<HTMLInputElement>('[data-input]')) {
      const name = field.dataset['input'] ?? ''
      const declared = this.endpoint.inputs.find((input) => input.name === name)
      if (declared === undefined || field.value === '') continue
      inputs[name] = parsed(declared, field.value)
    }
    const options: Record<string, number> = {}
    for (const field of this.renderRoot.querySelectorAll<HTMLInputElement>('[data-option]')) {
      if (field.value !== '') options[field.dataset['option'] ?? ''] = Number(field.value)
    }
    if (Object.keys(options).length > 0) inputs['options'] = options
    return inputs
  }

  #submit(event: Event): void {
    event.preventDefault()
    try {
      const roles = this.renderRoot.querySelector<HTMLInputElement>('#roles')?.value ?? ''
      const detail: Asked = {
        inputs: this.#inputs(),
        format: this.format,
        caller: this.caller,
        token: this.token,
        roles: roles
          .split(',')
          .map((role) => role.trim())
          .filter((role) => role !== ''),
        recordsVariables: this.renderRoot.querySelector<HTMLInputElement>('#variables')?.checked === true,
      }
      this.fault = ''
      this.dispatchEvent(new CustomEvent('run', { detail }))
    } catch (error) {
      this.fault = (error as Error).message
    }
  }

  #key(event: KeyboardEvent): void {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) this.#submit(event)
  }

  #setCaller(event: Event): void {
    this.caller = valueOf(event) as typeof this.caller
  }

  async #copy(target: (typeof COPY_TARGETS)[number]): Promise<void> {
    try {
      await navigator.clipboard.writeText(copyText(target, this.endpoint, this.#inputs()))
      this.copied = target
    } catch (error) {
      this.fault = `It could not be copied: ${(error as Error).message}`
    }
  }
}

function valueOf(event: Event): string {
  return (event.target as HTMLInputElement).value
}

customElements.define('request-form', RequestForm)
