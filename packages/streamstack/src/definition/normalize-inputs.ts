import type { Value } from '@streamstack/protocol'
import { didYouMean, didYouMeanOr } from '../text/did-you-mean.ts'
import { fitsInputType, inputTypeNames, inputTypeOf } from './input-types.ts'
import type { IssueList } from './issue-list.ts'
import { isNoteKey } from './notes.ts'
import { kindOf, quote } from './tree.ts'
import type { InputDeclaration, InputType, Position, TreeEntry, TreeNode } from './types.ts'

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

/** Reads `input_parameters`: an object of name → declaration, or a list of declarations with `name`. */
export function normalizeInputs(node: TreeNode | null, list: IssueList): readonly InputDeclaration[] {
  if (node === null || node.value === null) return Object.freeze([])
  if (node.items === undefined) return declarations(node, '', 'typed', list)
  const inputs: InputDeclaration[] = []
  for (const item of node.items) {
    const name = item.entries?.find((entry) => entry.key === 'name')
    if (name === undefined || typeof name.node.value !== 'string') {
      list.error(item.position, 'An input of a list needs a `name`; write { "name": "message", "type": "text" }.')
    } else if (inputs.some((input) => input.name === name.node.value)) {
      list.error(name.node.position, `The input ${quote(name.node.value)} is declared twice; remove one.`)
    } else inputs.push(declaration(name.node.value, name.node.value, item, name.keyPosition, 'typed', list))
  }
  return Object.freeze(inputs)
}

/** Whether bare words are the name of a type, or (in `properties`) may be a description. */
type Shorthand = 'typed' | 'described'

function declarations(
  node: TreeNode,
  prefix: string,
  shorthand: Shorthand,
  list: IssueList,
): readonly InputDeclaration[] {
  if (node.entries === undefined) {
    const where = prefix === '' ? '`input_parameters`' : `The properties of \`${prefix}\``
    list.error(node.position, `${where} must be an object of name and declaration; it is ${kindOf(node.value)}.`)
    return Object.freeze([])
  }
  const inputs: InputDeclaration[] = []
  for (const { key, keyPosition, node: item } of node.entries) {
    if (key.startsWith('//') || key === '$comment') continue
    const path = prefix === '' ? key : `${prefix}.${key}`
    if (key.trim() === '') list.error(keyPosition, 'An input needs a name.')
    else inputs.push(Object.freeze(declaration(key, path, item, keyPosition, shorthand, list)))
  }
  return Object.freeze(inputs)
}

function declaration(
  name: string,
  path: string,
  node: TreeNode,
  position: Position,
  shorthand: Shorthand,
  list: IssueList,
): InputDeclaration {
  if (typeof node.value === 'string') return fromWords(name, path, node.value, node.position, position, shorthand, list)
  // `message:` with nothing after it, in YAML
  if (node.value === null) return plainInput(name, 'any', null, position)
  if (node.entries === undefined) {
    list.error(node.position, `The input \`${path}\` must be a type or a declaration; it is ${kindOf(node.value)}.`)
    return plainInput(name, 'any', null, position)
  }
  return new DeclarationReader(name, path, node, position, list).read()
}

function fromWords(
  name: string,
  path: string,
  written: string,
  writtenAt: Position,
  position: Position,
  shorthand: Shorthand,
  list: IssueList,
): InputDeclaration {
  const words = written.trim()
  const listed = /^(.*)\[\]$/.exec(words)
  const type = inputTypeOf(listed?.[1] ?? words)
  if (type !== null) {
    if (listed === null) return plainInput(name, type, null, position)
    return { ...plainInput(name, 'list', null, position), items: plainInput('items', type, null, writtenAt) }
  }
  if (shorthand === 'typed' && !/\s/.test(words)) reportType(path, words, writtenAt, list)
  return plainInput(name, 'any', words === '' ? null : words, position)
}

function reportType(path: string, words: string, position: Position, list: IssueList): void {
  const suggestion = didYouMean(words, inputTypeNames)
  const cure = didYouMeanOr(
    suggestion,
    'Types are text, integer, number, boolean, object, list, timestamp, email, uuid and any.',
  )
  list.error(position, `The input \`${path}\` has the unknown type ${quote(words)}. ${cure}`)
}

/** An input that has a type and asks for nothing more. */
export function plainInput(
  name: string,
  type: InputType,
  description: string | null,
  position: Position,
): InputDeclaration {
  return {
    name,
    type,
    description,
    required: false,
    nullable: false,
    default: undefined,
    values: null,
    min: null,
    max: null,
    minLength: null,
    maxLength: null,
    trim: false,
    sanitize: 'none',
    nonEmpty: false,
    pattern: null,
    items: null,
    properties: null,
    position,
  }
}

class DeclarationReader {
  readonly #name: string
  readonly #path: string
  readonly #node: TreeNode
  readonly #position: Position
  readonly #list: IssueList
  readonly #byKey = new Map<string, TreeEntry>()

  constructor(name: string, path: string, node: TreeNode, position: Position, list: IssueList) {
    this.#name = name
    this.#path = path
    this.#node = node
    this.#position = position
    this.#list = list
  }

  read(): InputDeclaration {
    for (const entry of this.#node.entries ?? []) this.#collect(entry)
    const { type, items: itemType, nullable } = this.#type()
    const requiredNames = this.#byKey.get('required')?.node.items
    const input = {
      ...plainInput(this.#name, type, this.#text('description'), this.#position),
      // JSON Schema lists the required properties on the object.
      required: requiredNames === undefined && this.#boolean('required'),
      nullable: this.#boolean('nullable') || nullable,
      default: this.#defaultValue(type),
      values: this.#values(type),
      ...this.#range('min', 'max', ['integer', 'number'], type),
      trim: this.#boolean('trim'),
      sanitize: this.#sanitize(),
      nonEmpty: this.#boolean('non_empty'),
      pattern: this.#pattern(type),
      items: this.#items(type) ?? itemType,
      properties: this.#properties(type, requiredNames),
    }
    const { min: minLength, max: maxLength } = this.#range('min_length', 'max_length', ['text', 'email', 'list'], type)
    return Object.freeze({ ...input, minLength, maxLength })
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

  #fault(entry: TreeEntry, message: string): null {
    this.#list.error(entry.node.position, `\`${entry.key}\` of the input \`${this.#path}\` ${message}`)
    return null
  }

  #type(): { type: InputType; items: InputDeclaration | null; nullable: boolean } {
    const entry = this.#byKey.get('type')
    const format = this.#byKey.get('format')?.node.value
    if (entry === undefined) {
      const implied = this.#byKey.has('properties') ? 'object' : this.#byKey.has('items') ? 'list' : 'any'
      return { type: implied, items: null, nullable: false }
    }
    // JSON Schema: ["string", "null"]
    const names = (entry.node.items?.map((item) => item.value) ?? [entry.node.value]).filter((name) => name !== 'null')
    const nullable = entry.node.items !== undefined && names.length < entry.node.items.length
    const written = names[0]
    if (names.length !== 1 || typeof written !== 'string') {
      this.#fault(entry, `must be one type; it is ${quote(entry.node.value)}.`)
      return { type: 'any', items: null, nullable }
    }
    const listed = /^(.*)\[\]$/.exec(written.trim())
    const type = inputTypeOf(listed?.[1] ?? written)
    if (type === null) {
      reportType(this.#path, written, entry.node.position, this.#list)
      return { type: 'any', items: null, nullable }
    }
    if (listed !== null) return { type: 'list', items: plainInput('items', type, null, entry.node.position), nullable }
    const narrowed = type === 'text' && typeof format === 'string' ? inputTypeOf(format) : null
    return { type: narrowed ?? type, items: null, nullable }
  }

  #text(key: string): string | null {
    const value = this.#byKey.get(key)?.node.value
    return typeof value === 'string' && value.trim() !== '' ? value.trim() : null
  }

  #boolean(key: string): boolean {
    const entry = this.#byKey.get(key)
    if (entry === undefined || entry.node.items !== undefined) return false
    if (typeof entry.node.value === 'boolean') return entry.node.value
    this.#fault(entry, `must be true or false; it is ${quote(entry.node.value)}.`)
    return false
  }

  #defaultValue(type: InputType): Value | undefined {
    const entry = this.#byKey.get('default')
    if (entry === undefined) return undefined
    const { value } = entry.node
    if (value === null || fitsInputType(value, type)) return value
    this.#fault(entry, `must be of the type ${type}; it is ${quote(value)}.`)
    return undefined
  }

  #values(type: InputType): readonly Value[] | null {
    const entry = this.#byKey.get('values')
    if (entry === undefined) return null
    if (entry.node.items === undefined || entry.node.items.length === 0) {
      return this.#fault(entry, `must be a list of allowed values; it is ${quote(entry.node.value)}.`)
    }
    const wrong = entry.node.items.find((item) => item.value !== null && !fitsInputType(item.value, type))
    if (wrong !== undefined)
      return this.#fault(entry, `must hold values of the type ${type}; ${quote(wrong.value)} is none.`)
    const values = entry.node.items.map((item) => item.value)
    const fallback = this.#byKey.get('default')
    if (fallback !== undefined && fallback.node.value !== null && !values.includes(fallback.node.value)) {
      this.#fault(fallback, `is none of the allowed values; it is ${quote(fallback.node.value)}.`)
    }
    return Object.freeze(values)
  }

  #range(
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
        return this.#fault(entry, `has no meaning for the type ${type}; remove it.${cure}`)
      }
      const { value } = entry.node
      const isLength = key.endsWith('length')
      if (typeof value === 'number' && (!isLength || (Number.isSafeInteger(value) && value >= 0))) return value
      return this.#fault(entry, `must be a ${isLength ? 'whole number from 0' : 'number'}; it is ${quote(value)}.`)
    }
    const [min, max] = [bound(minKey), bound(maxKey)]
    const maxEntry = this.#byKey.get(maxKey)
    if (min !== null && max !== null && maxEntry !== undefined && min > max) {
      this.#fault(maxEntry, `is less than \`${this.#byKey.get(minKey)?.key}\`; no value could fit.`)
    }
    return { min, max }
  }

  #sanitize(): InputDeclaration['sanitize'] {
    const entry = this.#byKey.get('sanitize')
    const value = entry?.node.value ?? false
    if (value === false) return 'none'
    if (value === true) return 'clean'
    if (value === 'strip_html' || value === 'escape_html') return value
    if (entry !== undefined) this.#fault(entry, `must be true, "strip_html" or "escape_html"; it is ${quote(value)}.`)
    return 'none'
  }

  #pattern(type: InputType): string | null {
    const entry = this.#byKey.get('pattern')
    if (entry === undefined || entry.node.value === null) return null
    if (type !== 'text' && type !== 'email')
      return this.#fault(entry, `has no meaning for the type ${type}; remove it.`)
    if (typeof entry.node.value !== 'string') return this.#fault(entry, 'must be a regular expression as text.')
    try {
      return new RegExp(entry.node.value, 'u').source
    } catch (error) {
      const reason =
        error instanceof SyntaxError ? error.message.replace(/^Invalid regular expression: /, '') : 'unreadable'
      return this.#fault(entry, `is no regular expression: ${reason}.`)
    }
  }

  #items(type: InputType): InputDeclaration | null {
    const entry = this.#byKey.get('items')
    if (entry === undefined) return null
    if (type !== 'list') return this.#fault(entry, `has no meaning for the type ${type}; remove it.`)
    return declaration('items', `${this.#path}[]`, entry.node, entry.keyPosition, 'typed', this.#list)
  }

  #properties(type: InputType, requiredNames: readonly TreeNode[] | undefined): readonly InputDeclaration[] | null {
    const entry = this.#byKey.get('properties')
    if (entry !== undefined && type !== 'object') {
      return this.#fault(entry, `has no meaning for the type ${type}; remove it.`)
    }
    const properties = entry === undefined ? null : declarations(entry.node, this.#path, 'described', this.#list)
    if (requiredNames === undefined) return properties
    const known = new Set(properties?.map((property) => property.name))
    for (const { value, position } of requiredNames) {
      if (typeof value === 'string' && known.has(value)) continue
      this.#list.error(
        position,
        `\`required\` of the input \`${this.#path}\` names ${quote(value)}, which is no property.`,
      )
    }
    const names = new Set(requiredNames.map((name) => name.value))
    return (
      properties?.map((property) => (names.has(property.name) ? { ...property, required: true } : property)) ?? null
    )
  }
}
