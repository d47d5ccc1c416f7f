import type { Value } from '@streamstack/protocol'
import { isSecretName } from '../content/index.ts'
import { shortened } from '../text/cut-text.ts'
import { HIDDEN, SecretTexts } from './secret-texts.ts'

/** Characters of a text that are looked through for secrets; tokens and keys are shorter. */
const SCANNED_CHARACTERS_MAX = 16_384

/** Entries of one object or list that are shown; the text ends long before where they are long. */
const ENTRIES_MAX = 100
const DEPTH_MAX = 6

type ObjectValue = Readonly<Record<string, Value>>

/**
 * Writes values as short texts like JSON, without secrets: values of the environment, values under names of secrets, keys and tokens that look like such.
 * The cost of a preview is bounded, however large the value is.
 */
export class ValuePreview {
  readonly #charactersMax: number
  readonly #secrets: SecretTexts

  /** `secrets`: values that no preview may show. */
  constructor(secrets: Iterable<string>, charactersMax: number) {
    this.#charactersMax = charactersMax
    this.#secrets = new SecretTexts(secrets)
  }

  /** `name`: the name of the variable or input. */
  text(name: string, value: Value | undefined): string {
    const text = isSecretName(name) && value !== null && value !== undefined ? HIDDEN : this.#write(value, 0)
    return shortened(text, this.#charactersMax + 1)
  }

  #write(value: Value | undefined, depth: number): string {
    if (value === undefined) return 'not set'
    if (typeof value === 'string') return JSON.stringify(this.#hide(value))
    if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? String(value)
    if (depth === DEPTH_MAX) return '…'
    return Array.isArray(value) ? this.#list(value, depth) : this.#object(value as ObjectValue, depth)
  }

  #list(items: readonly Value[], depth: number): string {
    let text = '['
    for (const [index, item] of items.entries()) {
      if (index > 0) text += ', '
      if (this.#isEnough(index, text)) return `${text}…`
      text += this.#write(item, depth + 1)
    }
    return `${text}]`
  }

  #object(value: ObjectValue, depth: number): string {
    let text = '{'
    let count = 0
    // Not all entries of a large object are looked at.
    for (const name in value) {
      if (!Object.hasOwn(value, name)) continue
      if (count > 0) text += ', '
      if (this.#isEnough(count++, text)) return `${text}…`
      const entry = value[name]
      const written = isSecretName(name) && entry !== null ? HIDDEN : this.#write(entry, depth + 1)
      text += `${this.#hide(name)}: ${written}`
    }
    return `${text}}`
  }

  #isEnough(count: number, text: string): boolean {
    return count === ENTRIES_MAX || text.length > this.#charactersMax
  }

  /** Hides before it cuts, so that no cut leaves a part of a secret in sight. */
  #hide(text: string): string {
    const shown = this.#secrets.hide(text.slice(0, SCANNED_CHARACTERS_MAX))
    return shortened(shown, this.#charactersMax + 1)
  }
}
