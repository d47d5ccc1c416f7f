import type { Value } from '@streamstack/protocol'
import type { Issue, Position, TreeNode } from '../definition/types.ts'
import { didYouMean, didYouMeanOr, suggest } from '../text/did-you-mean.ts'
import {
  type ColumnDeclaration,
  type IndexDeclaration,
  type SeedDeclaration,
  type TableDeclaration,
  COLUMNS_MAX,
  nameProblem,
} from './declaration.ts'
import { DeclarationFields } from './declaration-fields.ts'
import type { RecordInput } from './query.ts'
import { automaticId, readColumns } from './read-columns.ts'
import { readRules } from './read-rules.ts'
import type { RecordRules } from './record-rule.ts'

/**
 * Reads the tree of `tables/<name>.yaml`. A table that declares no primary column gets `id`, a whole number counted up
 * from 1, as its first. `table` is null when an issue of severity error was found.
 */
export function readTable(name: string, tree: TreeNode): { table: TableDeclaration | null; issues: readonly Issue[] } {
  const reader = new TableReader()
  const table = reader.table(name, tree)
  const { issues } = reader
  return { table: issues.some((issue) => issue.severity === 'error') ? null : table, issues }
}

class TableReader extends DeclarationFields {
  table(name: string, tree: TreeNode): TableDeclaration | null {
    const problem = nameProblem(name)
    if (problem !== null) return this.error(tree.position, `The table name "${name}" ${problem}; rename the file.`)
    const entries = this.object(tree, 'A table must be an object with `columns`', [
      'columns',
      'indexes',
      'seed',
      'allow',
      'description',
      'name',
    ])
    const columnsNode = entries?.get('columns')?.node
    if (entries === null || columnsNode === undefined) {
      return this.error(tree.position, `The table "${name}" has no columns; add \`columns: { name: { type: text } }\`.`)
    }
    const columns = readColumns(this, columnsNode)
    let primary = columns.find((column) => column.primary)
    const others = columns.filter((column) => column.primary && column !== primary)
    for (const column of others)
      this.error(column.position, `A table has one primary column; "${primary?.name}" is already one.`)
    if (primary === undefined) {
      const taken = columns.find((column) => column.name.toLowerCase() === 'id')
      if (taken !== undefined) {
        return this.error(
          taken.position,
          `The column "${taken.name}" must say \`primary: true\`, or another column must be primary.`,
        )
      }
      primary = automaticId(columnsNode.position)
      columns.unshift(primary)
    }
    if (columns.length > COLUMNS_MAX)
      this.error(columnsNode.position, `A table may have at most ${COLUMNS_MAX} columns.`)
    return Object.freeze({
      name,
      description: this.text(entries.get('description')?.node),
      columns: Object.freeze(columns),
      primaryKey: primary.name,
      indexes: Object.freeze(this.#indexes(entries.get('indexes')?.node, columns)),
      seed: this.#seed(entries.get('seed')?.node, columns),
      rules: this.#rules(entries.get('allow')?.node, columns),
      position: tree.position,
    })
  }

  #indexes(node: TreeNode | undefined, columns: readonly ColumnDeclaration[]): IndexDeclaration[] {
    if (node === undefined || node.value === null) return []
    if (node.items === undefined) {
      this.error(
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
      return this.error(position, '`seed` must be a list of records, or a .csv, .json or .ndjson file by its path.')
    }
    const names = columns.map((column) => column.name)
    for (const item of node.items) {
      if (item.entries === undefined) this.error(item.position, 'A record must be an object of column and value.')
      for (const { key, keyPosition } of item.entries ?? []) {
        if (names.includes(key)) continue
        const near = didYouMean(key, names)
        const cure = didYouMeanOr(near, 'Declare it, or leave it out.')
        this.error(keyPosition, `The record names the unknown column "${key}". ${cure}`)
      }
    }
    return Object.freeze({ kind: 'records', records: node.value as readonly RecordInput[], position })
  }

  #rules(node: TreeNode | undefined, columns: readonly ColumnDeclaration[]): RecordRules | null {
    if (node === undefined) return null
    const names = columns.map(({ name }) => name)
    return readRules(node, names, (position, message) => this.error(position, message))
  }

  #index(node: TreeNode, columns: readonly ColumnDeclaration[]): IndexDeclaration | null {
    const entries = node.entries === undefined ? null : this.object(node, '', ['columns', 'unique'])
    const list = entries === null ? node : entries.get('columns')?.node
    const listed: readonly (Value | undefined)[] = list?.items?.map((item) => item.value) ?? [list?.value]
    const names = listed.filter((name) => typeof name === 'string')
    if (names.length === 0 || names.length < listed.length) {
      return this.error(node.position, 'An index is a list of columns, or `{ columns: […], unique: true }`.')
    }
    for (const name of names) this.#indexColumn(name, node.position, columns)
    if (new Set(names).size < names.length) this.error(node.position, 'The index names a column twice.')
    return { columns: names, unique: this.flag(entries?.get('unique')?.node), position: node.position }
  }

  #indexColumn(name: string, position: Position, columns: readonly ColumnDeclaration[]): void {
    const column = columns.find((one) => one.name === name)
    if (column?.type === 'json') this.error(position, `The column "${name}" is JSON and cannot be indexed.`)
    if (column !== undefined) return
    const near = didYouMean(
      name,
      columns.map((one) => one.name),
    )
    this.error(position, `The index names the unknown column "${name}".${near === null ? '' : ` ${suggest(near)}`}`)
  }
}
