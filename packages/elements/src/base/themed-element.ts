import { type PropertyDeclarations, LitElement } from 'lit'
import { tokens } from '../theme/tokens.ts'
import { languageOf } from './numbers.ts'

/** Base of all elements: design tokens, theme, language, events. */
export class ThemedElement extends LitElement {
  static override styles = [tokens]
  static override properties: PropertyDeclarations = { theme: { reflect: true } }

  /** `light` or `dark`; unset: the `color-scheme` of the page holds. */
  declare theme: 'light' | 'dark' | undefined

  /** The language in which numbers are written; '' for the browser's own. */
  get language(): string {
    return languageOf(this)
  }

  /** Sends an event that bubbles out of shadow trees. */
  protected emit(name: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }))
  }
}
