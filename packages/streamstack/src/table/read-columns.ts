import type { Position, TreeEntry, TreeNode } from '../definition/index.ts'
import { didYouMean, didYouMeanOr } from '../text/did-you-mean.ts'
import { columnCodecs, COLUMN_TYPES, isMisfit } from './column-type.ts'
import type { ColumnType, StoredValue } from './column-type.ts'
import { type ColumnDeclaration, type ColumnDefault, nameProblem } from './declaration.ts'
import type { DeclarationFields } from './declaration-fields.ts'

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

/** Reads `columns`; those with a fault are reported and left out. */
export function readColumns(fields: DeclarationFields, node: TreeNode): ColumnDeclaration[] {
  if (node.entries === undefined) {
    fields.error(node.position, '`columns` must be an object of name and type, such as `{ name: { type: text } }`.')
    return []
  }
  const columns: ColumnDeclaration[] = []
  for (const entry of node.entries) {
    const problem = nameProblem(entry.key)
    if (problem !== null) fields.error(entry.keyPosition, `The column name "${entry.key}" ${problem}.`)
    const twin = columns.find((column) => column.name.toLowerCase() === entry.key.toLowerCase())
    if (twin !== undefined) {
      fields.error(
        entry.keyPosition,
        `The columns "${twin.name}" and "${entry.key}" differ in nothing but case; rename one.`,
      )
      continue
    }
    const column = readColumn(fields, entry)
    if (column !== null) columns.push(column)
  }
  return columns
}

function readColumn(fields: DeclarationFields, entry: TreeEntry): ColumnDeclaration | null {
  const { key: name, keyPosition: position } = entry
  // `name: text` is short for `name: { type: text }`.
  const short = typeof entry.node.value === 'string'
  const entries = short
    ? new Map<string, TreeEntry>()
    : fields.object(entry.node, `The column "${name}" must be an object with a type`, [
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
  const type = readType(fields, name, typeNode, position)
  if (type === null) return null
  const primary = fields.flag(entries.get('primary')?.node)
  if (primary && !['integer', 'text', 'uuid'].includes(type)) {
    fields.error(position, `The primary column "${name}" must be of type integer, text or uuid.`)
  }
  const unique = fields.flag(entries.get('unique')?.node)
  if (unique && type === 'json') fields.error(position, `The column "${name}" is JSON and cannot be unique.`)
  const isPrivate = fields.flag(entries.get('private')?.node)
  if (primary && isPrivate)
    fields.error(position, `The primary column "${name}" cannot be private: it names the record.`)
  const values = readValues(fields, name, type, entries.get('values')?.node)
  return Object.freeze({
    name,
    type,
    primary,
    required: primary || fields.flag(entries.get('required')?.node),
    unique: unique && !primary,
    private: isPrivate,
    default: readDefault(fields, name, type, values, entries.get('default')?.node),
    values,
    description: fields.text(entries.get('description')?.node),
    position,
  })
}

function readType(
  fields: DeclarationFields,
  column: string,
  node: TreeNode | undefined,
  position: Position,
): ColumnType | null {
  const known = COLUMN_TYPES.join(', ')
  if (typeof node?.value !== 'string') {
    return fields.error(
      node?.position ?? position,
      `The column "${column}" has no type; write \`type:\` with one of: ${known}.`,
    )
  }
  const written = node.value.toLowerCase()
  const type = COLUMN_TYPES.find((name) => name === written) ?? typeAliases.get(written)
  if (type !== undefined) return type
  const near = didYouMean(node.value, COLUMN_TYPES)
  return fields.error(
    node.position,
    `The column "${column}" has the unknown type "${node.value}". ${didYouMeanOr(near, `Use one of: ${known}.`)}`,
  )
}

function readDefault(
  fields: DeclarationFields,
  name: string,
  type: ColumnType,
  values: readonly StoredValue[] | null,
  node: TreeNode | undefined,
): ColumnDefault | null {
  if (node === undefined || node.value === null) return null
  if (type === 'timestamp' && node.value === 'now') return { kind: 'now' }
  if (type === 'uuid' && node.value === 'random') return { kind: 'random' }
  const stored = readStored(fields, name, type, 'default', node)
  if (stored === null) return null
  if (values !== null && !values.includes(stored)) {
    return fields.error(node.position, `The default of "${name}" is not one of its values.`)
  }
  return { kind: 'value', value: stored }
}

function readValues(
  fields: DeclarationFields,
  name: string,
  type: ColumnType,
  node: TreeNode | undefined,
): readonly StoredValue[] | null {
  if (node === undefined || node.value === null) return null
  if (node.items === undefined || node.items.length === 0) {
    return fields.error(node.position, `The values of "${name}" must be a list with at least one value.`)
  }
  return node.items.map((item) => readStored(fields, name, type, 'values', item))
}

function readStored(
  fields: DeclarationFields,
  name: string,
  type: ColumnType,
  key: string,
  node: TreeNode,
): Exclude<StoredValue, null> | null {
  const stored = node.value === null ? { misfit: 'must not be null' } : columnCodecs[type].store(node.value)
  if (stored === null || isMisfit(stored)) {
    const reason = stored === null ? 'must not be null' : stored.misfit
    return fields.error(node.position, `In \`${key}\` of "${name}": the value ${reason}.`)
  }
  return stored
}

/** The column of a table that declares no primary one. */
export function automaticId(position: Position): ColumnDeclaration {
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
