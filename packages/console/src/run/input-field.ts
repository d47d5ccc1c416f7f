import { html, nothing } from 'lit'
import type { Input } from '../api.ts'
import { isSecretInput } from './secret-input.ts'

/** A field for an input, made for its type; `data-input` holds its name. */
export function inputField(input: Input): unknown {
  const { name, type, required, description, values } = input
  const id = `input-${name}`
  const hint = `${type}${required ? ', required' : ''}`
  const standard =
    input.default === null ? '' : typeof input.default === 'string' ? input.default : JSON.stringify(input.default)
  const label = html`<label for=${id} title=${description ?? ''}>${name} <i>${hint}</i></label>`
  if (values !== null) {
    return html`${label}<select class="field" id=${id} data-input=${name}>
        ${required ? nothing : html`<option value=""></option>`}
        ${values.map((value) => html`<option ?selected=${value === input.default}>${String(value)}</option>`)}
      </select>`
  }
  if (type === 'boolean') {
    return html`${label}<select class="field" id=${id} data-input=${name}>
        <option value="">${standard === '' ? '' : `default: ${standard}`}</option>
        <option>true</option>
        <option>false</option>
      </select>`
  }
  if (type === 'integer' || type === 'number') {
    return html`${label}<input
        class="field"
        id=${id}
        data-input=${name}
        inputmode="decimal"
        placeholder=${standard}
        autocomplete="off"
      />`
  }
  if (isSecretInput(name)) {
    return html`${label}<input class="field mono" id=${id} data-input=${name} type="password" autocomplete="off" />`
  }
  const isLong =
    type === 'object' || type === 'list' || type === 'any' || (type === 'text' && (input.max_length ?? 1_000) > 80)
  if (isLong) {
    return html`${label}<textarea
        class="field ${type === 'text' ? '' : 'mono'}"
        id=${id}
        data-input=${name}
        placeholder=${standard}
      >
${sample(input)}</textarea>`
  }
  return html`${label}<input
      class="field"
      id=${id}
      data-input=${name}
      placeholder=${standard}
      .value=${sample(input)}
      autocomplete="off"
    />`
}

/** A value as a field holds it. */
export function fieldText(value: unknown): string {
  if (value === undefined || value === null) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** A sample value, so that the first run needs no input from the user. */
function sample({ name, type, required, default: standard }: Input): string {
  if (standard !== null) return ''
  if (type === 'text' && name === 'message') return 'How do streams work?'
  if (!required) return ''
  if (type === 'text') return `example ${name}`
  if (type === 'email') return 'ada@example.com'
  if (type === 'uuid') return '9c2f4f3e-2a55-4c9c-8f3e-6f3b7f0f3c11'
  if (type === 'list') return '[]'
  return type === 'object' ? '{}' : ''
}

/** The value that a field holds. Throws an Error that names the field. */
export function parsed({ name, type }: Input, text: string): unknown {
  if (type === 'integer' || type === 'number') {
    // Digits that a number cannot hold stay text, which the server takes.
    const number = Number(text)
    return Number.isFinite(number) && (type === 'number' || Number.isSafeInteger(number)) ? number : text
  }
  if (type === 'boolean') return text === 'true'
  if (type !== 'object' && type !== 'list' && type !== 'any') return text
  try {
    return JSON.parse(text) as unknown
  } catch {
    if (type === 'any') return text
    throw new Error(`${name} must be JSON, such as ${type === 'list' ? '[1, 2]' : '{"a": 1}'}.`)
  }
}
