import type { ProviderItem, TextItem } from './item.ts'

/**
 * Keeps characters whole: JSON text may write an emoji as two escapes, and a server that cuts its text by UTF-16 units puts them into two
 * frames. The first half waits for the text that follows it; one that nothing completes becomes U+FFFD.
 */
export class WholeCharacters {
  #half: TextItem | null = null

  /** Rewrites the items from a place on. */
  join(items: ProviderItem[], from: number): void {
    for (let index = from; index < items.length; index++) {
      const item = items[index] as ProviderItem
      if (item.kind !== 'text' && item.kind !== 'reasoning') continue
      if (this.#half !== null && this.#half.kind !== item.kind) {
        items.splice(index++, 0, this.#unpaired(this.#half))
        this.#half = null
      }
      const text = (this.#half?.text ?? '') + item.text
      const endsOpen = (text.charCodeAt(text.length - 1) & 0xfc00) === 0xd800
      if (this.#half === null && !endsOpen) continue
      this.#half = endsOpen ? { ...item, text: text.slice(-1) } : null
      const whole = endsOpen ? text.slice(0, -1) : text
      if (whole === '') items.splice(index--, 1)
      else items[index] = { ...item, text: whole }
    }
  }

  /** Adds what is still held. */
  end(items: ProviderItem[]): void {
    if (this.#half !== null) items.push(this.#unpaired(this.#half))
    this.#half = null
  }

  #unpaired(half: TextItem): TextItem {
    return { ...half, text: '\uFFFD' }
  }
}
