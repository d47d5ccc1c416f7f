import { html } from 'lit'

/** Returns a text whose parts between backticks are shown as code. */
export function withCode(text: string): readonly unknown[] {
  return text.split('`').map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part))
}
