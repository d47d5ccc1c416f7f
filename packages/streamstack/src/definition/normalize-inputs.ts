import { didYouMean, didYouMeanOr } from '../text/did-you-mean.ts'
import { DeclaredKeys } from './declared-keys.ts'
import { inputTypeNames, inputTypeOf } from './input-types.ts'
import type { IssueList } from './issue-list.ts'
import { kindOf, quote } from './tree.ts'
import type { InputDeclaration, InputType, Position, TreeNode } from './types.ts'

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

/** Reads a declaration that is written as an object. */
class DeclarationReader {
  readonly #name: string
  readonly #path: string
  readonly #position: Position
  readonly #list: IssueList
  readonly #keys: DeclaredKeys

  constructor(name: string, path: string, node: TreeNode, position: Position, list: IssueList) {
    this.#name = name
    this.#path = path
    this.#keys = new DeclaredKeys(path, node, list)
    this.#position = position
    this.#list = list
  }

  read(): InputDeclaration {
    const { type, items: itemType, nullable } = this.#type()
    const requiredNames = this.#keys.get('required')?.node.items
    const input = {
      ...plainInput(this.#name, type, this.#keys.text('description'), this.#position),
      // JSON Schema lists the required properties on the object.
      required: requiredNames === undefined && this.#keys.boolean('required'),
      nullable: this.#keys.boolean('nullable') || nullable,
      default: this.#keys.defaultValue(type),
      values: this.#keys.values(type),
      ...this.#keys.range('min', 'max', ['integer', 'number'], type),
      trim: this.#keys.boolean('trim'),
      sanitize: this.#keys.sanitize(),
      nonEmpty: this.#keys.boolean('non_empty'),
      pattern: this.#keys.pattern(type),
      items: this.#items(type) ?? itemType,
      properties: this.#properties(type, requiredNames),
    }
    const { min: minLength, max: maxLength } = this.#keys.range(
      'min_length',
      'max_length',
      ['text', 'email', 'list'],
      type,
    )
    return Object.freeze({ ...input, minLength, maxLength })
  }

  #type(): { type: InputType; items: InputDeclaration | null; nullable: boolean } {
    const entry = this.#keys.get('type')
    const format = this.#keys.get('format')?.node.value
    if (entry === undefined) {
      const implied =
        this.#keys.get('properties') !== undefined ? 'object' : this.#keys.get('items') !== undefined ? 'list' : 'any'
      return { type: implied, items: null, nullable: false }
    }
    // JSON Schema: ["string", "null"]
    const names = (entry.node.items?.map((item) => item.value) ?? [entry.node.value]).filter((name) => name !== 'null')
    const nullable = entry.node.items !== undefined && names.length < entry.node.items.length
    const written = names[0]
    if (names.length !== 1 || typeof written !== 'string') {
      this.#keys.fault(entry, `must be one type; it is ${quote(entry.node.value)}.`)
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

  #items(type: InputType): InputDeclaration | null {
    const entry = this.#keys.get('items')
    if (entry === undefined) return null
    if (type !== 'list') return this.#keys.fault(entry, `has no meaning for the type ${type}; remove it.`)
    return declaration('items', `${this.#path}[]`, entry.node, entry.keyPosition, 'typed', this.#list)
  }

  #properties(type: InputType, requiredNames: readonly TreeNode[] | undefined): readonly InputDeclaration[] | null {
    const entry = this.#keys.get('properties')
    if (entry !== undefined && type !== 'object') {
      return this.#keys.fault(entry, `has no meaning for the type ${type}; remove it.`)
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
