import type { Value } from '@streamstack/protocol'
import { didYouMean, didYouMeanOr } from '../text/did-you-mean.ts'
import { fitsInputType } from './input-types.ts'
import type { IssueList } from './issue-list.ts'
import { isNoteKey } from './notes.ts'
import { quote } from './tree.ts'
import type { InputDeclaration, InputType, TreeEntry, TreeNode } from './types.ts'

/** Keys of a declaration with the spellings that mean the same. */
const canonicalKeys: Readonly<Record<string, string>> = {
  type: 'type',
  format: 'format',
  required: 'required',
  nullable: 'nullable',
  default: 'default',
  values: 'values',
  enum: 'values',
  min: 'min',
  minimum: 'min',
  max: 'max',
  maximum: 'max',
  min_length: 'min_length',
  minLength: 'min_length',
  min_items: 'min_length',
  minItems: 'min_length',
  max_length: 'max_length',
  maxLength: 'max_length',
  max_items: 'max_length',
  maxItems: 'max_length',
  pattern: 'pattern',
  trim: 'trim',
  sanitize: 'sanitize',
  non_empty: 'non_empty',
  nonEmpty: 'non_empty',
  items: 'items',
  properties: 'properties',
  description: 'description',
  name: 'name',
}

/** The keys of one input's declaration. Each read checks its key and adds an issue if it is invalid. */
export class DeclaredKeys {
  readonly #path: string
  readonly #list: IssueList
  readonly #byKey = new Map<string, TreeEntry>()

  constructor(path: string, node: TreeNode, list: IssueList) {
    this.#path = path
    this.#list = list
    for (const entry of node.entries ?? []) this.#collect(entry)
  }

  /** Returns a key, whichever of its spellings is used. */
  get(key: string): TreeEntry | undefined {
    return this.#byKey.get(key)
  }

  /** Adds an error at the value of a key. Returns null. */
  fault(entry: TreeEntry, message: string): null {
    this.#list.error(entry.node.position, `\`${entry.key}\` of the input \`${this.#path}\` ${message}`)
    return null
  }

  /** Returns a text without surrounding white space; null if it is missing or empty. */
  text(key: string): string | null {
    const value = this.#byKey.get(key)?.node.value
    return typeof value === 'string' && value.trim() !== '' ? value.trim() : null
  }

  /** Returns true or false; false if the key is missing. */
  boolean(key: string): boolean {
    const entry = this.#byKey.get(key)
    if (entry === undefined || entry.node.items !== undefined) return false
    if (typeof entry.node.value === 'boolean') return entry.node.value
    this.fault(entry, `must be true or false; it is ${quote(entry.node.value)}.`)
    return false
  }

  /** Returns `default`; undefined if it is missing or not of the type. */
  defaultValue(type: InputType): Value | undefined {
    const entry = this.#byKey.get('default')
    if (entry === undefined) return undefined
    const { value } = entry.node
    if (value === null || fitsInputType(value, type)) return value
    this.fault(entry, `must be of the type ${type}; it is ${quote(value)}.`)
    return undefined
  }

  /** Returns `values`, the only values allowed; null if it is missing. */
  values(type: InputType): readonly Value[] | null {
    const entry = this.#byKey.get('values')
    if (entry === undefined) return null
    if (entry.node.items === undefined || entry.node.items.length === 0) {
      return this.fault(entry, `must be a list of allowed values; it is ${quote(entry.node.value)}.`)
    }
    const wrong = entry.node.items.find((item) => item.value !== null && !fitsInputType(item.value, type))
    if (wrong !== undefined)
      return this.fault(entry, `must hold values of the type ${type}; ${quote(wrong.value)} is none.`)
    const values = entry.node.items.map((item) => item.value)
    const fallback = this.#byKey.get('default')
    if (fallback !== undefined && fallback.node.value !== null && !values.includes(fallback.node.value)) {
      this.fault(fallback, `is none of the allowed values; it is ${quote(fallback.node.value)}.`)
    }
    return Object.freeze(values)
  }

  /** Returns a lower and an upper bound, which only inputs of the given types may have. */
  range(
    minKey: string,
    maxKey: string,
    types: readonly InputType[],
    type: InputType,
  ): { min: number | null; max: number | null } {
    const bound = (key: string): number | null => {
      const entry = this.#byKey.get(key)
      if (entry === undefined || entry.node.value === null) return null
      if (!types.includes(type)) {
        const cure = key === minKey && minKey === 'min' ? ' Lengths are `min_length` and `max_length`.' : ''
        return this.fault(entry, `has no meaning for the type ${type}; remove it.${cure}`)
      }
      const { value } = entry.node
      const isLength = key.endsWith('length')
      if (typeof value === 'number' && (!isLength || (Number.isSafeInteger(value) && value >= 0))) return value
      return this.fault(entry, `must be a ${isLength ? 'whole number from 0' : 'number'}; it is ${quote(value)}.`)
    }
    const [min, max] = [bound(minKey), bound(maxKey)]
    const maxEntry = this.#byKey.get(maxKey)
    if (min !== null && max !== null && maxEntry !== undefined && min > max) {
      this.fault(maxEntry, `is less than \`${this.#byKey.get(minKey)?.key}\`; no value could fit.`)
    }
    return { min, max }
  }

  /** Returns how `sanitize` cleans texts. */
  sanitize(): InputDeclaration['sanitize'] {
    const entry = this.#byKey.get('sanitize')
    const value = entry?.node.value ?? false
    if (value === false) return 'none'
    if (value === true) return 'clean'
    if (value === 'strip_html' || value === 'escape_html') return value
    if (entry !== undefined) this.fault(entry, `must be true, "strip_html" or "escape_html"; it is ${quote(value)}.`)
    return 'none'
  }

  /** Returns the source of `pattern`; null if it is missing or not a regular expression. */
  pattern(type: InputType): string | null {
    const entry = this.#byKey.get('pattern')
    if (entry === undefined || entry.node.value === null) return null
    if (type !== 'text' && type !== 'email') return this.fault(entry, `has no meaning for the type ${type}; remove it.`)
    if (typeof entry.node.value !== 'string') return this.fault(entry, 'must be a regular expression as text.')
    try {
      return new RegExp(entry.node.value, 'u').source
    } catch (error) {
      const reason =
        error instanceof SyntaxError ? error.message.replace(/^Invalid regular expression: /, '') : 'unreadable'
      return this.fault(entry, `is no regular expression: ${reason}.`)
    }
  }

  #collect(entry: TreeEntry): void {
    const key = Object.hasOwn(canonicalKeys, entry.key) ? canonicalKeys[entry.key] : undefined
    if (key === undefined) {
      if (isNoteKey(entry.key)) return
      const suggestion = didYouMean(entry.key, Object.keys(canonicalKeys))
      const cure = didYouMeanOr(suggestion, 'The reference lists what it may have.')
      this.#list.error(entry.keyPosition, `The input \`${this.#path}\` has the unknown key \`${entry.key}\`. ${cure}`)
    } else if (this.#byKey.has(key)) {
      const earlier = this.#byKey.get(key)?.key ?? key
      this.#list.error(entry.keyPosition, `\`${entry.key}\` says the same as \`${earlier}\`; remove one.`)
    } else this.#byKey.set(key, entry)
  }
}
