import type { Value } from '@streamstack/protocol'
import type { Issue, Position, TreeEntry, TreeNode } from '../definition/types.ts'
import { didYouMean, didYouMeanOr, suggest } from '../text/did-you-mean.ts'
import { columnCodecs, columnTypes, isMisfit } from './column-type.ts'
import type { ColumnType, StoredValue } from './column-type.ts'
import {
  type ColumnDeclaration,
  type ColumnDefault,
  type IndexDeclaration,
  type SeedDeclaration,
  type TableDeclaration,
  columnsMax,
  nameProblem,
} from './declaration.ts'
import type { RecordInput } from './query.ts'
import { readRules } from './read-rules.ts'
import type { RecordRules } from './record-rule.ts'

const typeAliases: ReadonlyMap<string, ColumnType> = new Map<string, ColumnType>([
  ['int', 'integer'],
  ['bigint', 'integer'],
  ['decimal', 'number'],
  ['float', 'number'],
  ['double', 'number'],
  ['string', 'text'],
  ['bool', 'boolean'],
  ['date', 'timestamp'],
  ['datetime', 'timestamp'],
  ['object', 'json'],
  ['list', 'json'],
])

/**
 * Reads the tree of `tables/<name>.yaml`. A table that declares no primary column gets `id`, a whole number counted up
 * from 1, as its first. `table` is null when an issue of severity error was found.
 */
export function readTable(name: string, tree: TreeNode): { table: TableDeclaration | null; issues: readonly Issue[] } {
  const issues: Issue[] = []
  const reader = new DeclarationReader(issues)
  const table = reader.table(name, tree)
  return { table: issues.some((issue) => issue.severity === 'error') ? null : table, issues }
}

class DeclarationReader {
  readonly #issues: Issue[]

  constructor(issues: Issue[]) {
    this.#issues = issues
  }

  table(name: string, tree: TreeNode): TableDeclaration | null {
    const problem = nameProblem(name)
    if (problem !== null) return this.#error(tree.position, `The table name "${name}" ${problem}; rename the file.`)
    const entries = this.#object(tree, 'A table must be an object with `columns`', [
      'columns',
      'indexes',
      'seed',
      'allow',
      'description',
      'name',
    ])
    const columnsNode = entries?.get('columns')?.node
    if (entries === null || columnsNode === undefined) {
      return this.#error(
        tree.position,
        `The table "${name}" has no columns; add \`columns: { name: { type: text } }\`.`,
      )
    }
    const columns = this.#columns(columnsNode)
    let primary = columns.find((column) => column.primary)
    const others = columns.filter((column) => column.primary && column !== primary)
    for (const column of others)
      this.#error(column.position, `A table has one primary column; "${primary?.name}" is already one.`)
    if (primary === undefined) {
      const taken = columns.find((column) => column.name.toLowerCase() === 'id')
      if (taken !== undefined) {
        return this.#error(
          taken.position,
          `The column "${taken.name}" must say \`primary: true\`, or another column must be primary.`,
        )
      }
      primary = automaticId(columnsNode.position)
      columns.unshift(primary)
    }
    if (columns.length > columnsMax)
      this.#error(columnsNode.position, `A table may have at most ${columnsMax} columns.`)
    return Object.freeze({
      name,
      description: this.#text(entries.get('description')?.node),
      columns: Object.freeze(columns),
      primaryKey: primary.name,
      indexes: Object.freeze(this.#indexes(entries.get('indexes')?.node, columns)),
      seed: this.#seed(entries.get('seed')?.node, columns),
      rules: this.#rules(entries.get('allow')?.node, columns),
      position: tree.position,
    })
  }

  #columns(node: TreeNode): ColumnDeclaration[] {
    if (node.entries === undefined) {
      this.#error(node.position, '`columns` must be an object of name and type, such as `{ name: { type: text } }`.')
      return []
    }
    const columns: ColumnDeclaration[] = []
    for (const entry of node.entries) {
      const problem = nameProblem(entry.key)
      if (problem !== null) this.#error(entry.keyPosition, `The column name "${entry.key}" ${problem}.`)
      const twin = columns.find((column) => column.name.toLowerCase() === entry.key.toLowerCase())
      if (twin !== undefined) {
        this.#error(
          entry.keyPosition,
          `The columns "${twin.name}" and "${entry.key}" differ in nothing but case; rename one.`,
        )
        continue
      }
      const column = this.#column(entry)
      if (column !== null) columns.push(column)
    }
    return columns
  }

  #column(entry: TreeEntry): ColumnDeclaration | null {
    const { key: name, keyPosition: position } = entry
    // `name: text` is short for `name: { type: text }`.
    const short = typeof entry.node.value === 'string'
    const entries = short
      ? new Map<string, TreeEntry>()
      : this.#object(entry.node, `The column "${name}" must be an object with a type`, [
          'type',
          'primary',
          'required',
          'unique',
          'private',
          'default',
          'values',
          'description',
        ])
    if (entries === null) return null
    const typeNode = short ? entry.node : entries.get('type')?.node
    const type = this.#type(name, typeNode, position)
    if (type === null) return null
    const primary = this.#flag(entries.get('primary')?.node)
    if (primary && !['integer', 'text', 'uuid'].includes(type)) {
      this.#error(position, `The primary column "${name}" must be of type integer, text or uuid.`)
    }
    const unique = this.#flag(entries.get('unique')?.node)
    if (unique && type === 'json') this.#error(position, `The column "${name}" is JSON and cannot be unique.`)
    const isPrivate = this.#flag(entries.get('private')?.node)
    if (primary && isPrivate)
      this.#error(position, `The primary column "${name}" cannot be private: it names the record.`)
    const values = this.#values(name, type, entries.get('values')?.node)
    return Object.freeze({
      name,
      type,
      primary,
      required: primary || this.#flag(entries.get('required')?.node),
      unique: unique && !primary,
      private: isPrivate,
      default: this.#default(name, type, values, entries.get('default')?.node),
      values,
      description: this.#text(entries.get('description')?.node),
      position,
    })
  }

  #type(column: string, node: TreeNode | undefined, position: Position): ColumnType | null {
    const known = columnTypes.join(', ')
    if (typeof node?.value !== 'string') {
      return this.#error(
        node?.position ?? position,
        `The column "${column}" has no type; write \`type:\` with one of: ${known}.`,
      )
    }
    const written = node.value.toLowerCase()
    const type = columnTypes.find((name) => name === written) ?? typeAliases.get(written)
    if (type !== undefined) return type
    const near = didYouMean(node.value, columnTypes)
    return this.#error(
      node.position,
      `The column "${column}" has the unknown type "${node.value}". ${didYouMeanOr(near, `Use one of: ${known}.`)}`,
    )
  }

  #default(
    name: string,
    type: ColumnType,
    values: readonly StoredValue[] | null,
    node: TreeNode | undefined,
  ): ColumnDefault | null {
    if (node === undefined || node.value === null) return null
    if (type === 'timestamp' && node.value === 'now') return { kind: 'now' }
    if (type === 'uuid' && node.value === 'random') return { kind: 'random' }
    const stored = this.#stored(name, type, 'default', node)
    if (stored === null) return null
    if (values !== null && !values.includes(stored)) {
      return this.#error(node.position, `The default of "${name}" is not one of its values.`)
    }
    return { kind: 'value', value: stored }
  }

  #values(name: string, type: ColumnType, node: TreeNode | undefined): readonly StoredValue[] | null {
    if (node === undefined || node.value === null) return null
    if (node.items === undefined || node.items.length === 0) {
      return this.#error(node.position, `The values of "${name}" must be a list with at least one value.`)
    }
    return node.items.map((item) => this.#stored(name, type, 'values', item))
  }

  #stored(name: string, type: ColumnType, key: string, node: TreeNode): Exclude<StoredValue, null> | null {
    const stored = node.value === null ? { misfit: 'must not be null' } : columnCodecs[type].store(node.value)
    if (stored === null || isMisfit(stored)) {
      const reason = stored === null ? 'must not be null' : stored.misfit
      return this.#error(node.position, `In \`${key}\` of "${name}": the value ${reason}.`)
    }
    return stored
  }

  #indexes(node: TreeNode | undefined, columns: readonly ColumnDeclaration[]): IndexDeclaration[] {
    if (node === undefined || node.value === null) return []
    if (node.items === undefined) {
      this.#error(
        node.position,
        '`indexes` must be a list, such as `[[origin, date], { columns: [email], unique: true }]`.',
      )
      return []
    }
    return node.items.flatMap((item) => this.#index(item, columns) ?? [])
  }

  #seed(node: TreeNode | undefined, columns: readonly ColumnDeclaration[]): SeedDeclaration | null {
    if (node === undefined || node.value === null) return null
    const { position } = node
    if (typeof node.value === 'string' && node.value.trim() !== '') {
      return Object.freeze({ kind: 'file', file: node.value.trim(), position })
    }
    if (node.items === undefined) {
      return this.#error(position, '`seed` must be a list of records, or a .csv, .json or .ndjson file by its path.')
    }
    const names = columns.map((column) => column.name)
    for (const item of node.items) {
      if (item.entries === undefined) this.#error(item.position, 'A record must be an object of column and value.')
      for (const { key, keyPosition } of item.entries ?? []) {
        if (names.includes(key)) continue
        const near = didYouMean(key, names)
        const cure = didYouMeanOr(near, 'Declare it, or leave it out.')
        this.#error(keyPosition, `The record names the unknown column "${key}". ${cure}`)
      }
    }
    return Object.freeze({ kind: 'records', records: node.value as readonly RecordInput[], position })
  }

  #rules(node: TreeNode | undefined, columns: readonly ColumnDeclaration[]): RecordRules | null {
    if (node === undefined) return null
    const names = columns.map(({ name }) => name)
    return readRules(node, names, (position, message) => this.#error(position, message))
  }

  #index(node: TreeNode, columns: readonly ColumnDeclaration[]): IndexDeclaration | null {
    const entries = node.entries === undefined ? null : this.#object(node, '', ['columns', 'unique'])
    const list = entries === null ? node : entries.get('columns')?.node
    const listed: readonly (Value | undefined)[] = list?.items?.map((item) => item.value) ?? [list?.value]
    const names = listed.filter((name) => typeof name === 'string')
    if (names.length === 0 || names.length < listed.length) {
      return this.#error(node.position, 'An index is a list of columns, or `{ columns: […], unique: true }`.')
    }
    for (const name of names) this.#indexColumn(name, node.position, columns)
    if (new Set(names).size < names.length) this.#error(node.position, 'The index names a column twice.')
    return { columns: names, unique: this.#flag(entries?.get('unique')?.node), position: node.position }
  }

  #indexColumn(name: string, position: Position, columns: readonly ColumnDeclaration[]): void {
    const column = columns.find((one) => one.name === name)
    if (column?.type === 'json') this.#error(position, `The column "${name}" is JSON and cannot be indexed.`)
    if (column !== undefined) return
    const near = didYouMean(
      name,
      columns.map((one) => one.name),
    )
    this.#error(position, `The index names the unknown column "${name}".${near === null ? '' : ` ${suggest(near)}`}`)
  }

  #object(node: TreeNode, must: string, keys: readonly string[]): ReadonlyMap<string, TreeEntry> | null {
    if (node.entries === undefined) return this.#error(node.position, `${must}.`)
    for (const entry of node.entries) {
      if (keys.includes(entry.key)) continue
      const near = didYouMean(entry.key, keys)
      this.#error(
        entry.keyPosition,
        `The key "${entry.key}" is unknown. ${didYouMeanOr(near, `Known are ${keys.join(', ')}.`)}`,
      )
    }
    return new Map(node.entries.map((entry) => [entry.key, entry]))
  }

  #flag(node: TreeNode | undefined): boolean {
    if (node === undefined || node.value === null) return false
    if (typeof node.value === 'boolean') return node.value
    this.#error(node.position, 'This must be true or false.')
    return false
  }

  #text(node: TreeNode | undefined): string | null {
    if (node === undefined || node.value === null) return null
    if (typeof node.value === 'string') return node.value
    return this.#error(node.position, 'This must be text.')
  }

  #error(position: Position, message: string): null {
    this.#issues.push({ severity: 'error', message, position })
    return null
  }
}

function automaticId(position: Position): ColumnDeclaration {
  return Object.freeze({
    name: 'id',
    type: 'integer',
    primary: true,
    required: true,
    unique: false,
    private: false,
    default: null,
    values: null,
    description: null,
    position,
  })
}
