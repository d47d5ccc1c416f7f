import { StreamstackError, type Value } from '@streamstack/protocol'
import { ArgumentError } from '../../expression/index.ts'
import type { StepNode, TreeNode } from '../../definition/types.ts'
import type { Frame } from '../../run/index.ts'
import {
  type Filter,
  type FilterTemplate,
  type OrderTerm,
  type TableDeclaration,
  type WhereTemplate,
  columnOf,
  fillHoles,
  parseOrder,
  templateColumns,
  whereFromValue,
} from '../../table/index.ts'
import { didYouMean, suggest } from '../../text/did-you-mean.ts'
import { argumentFault, kindOf, textArgument } from './arguments.ts'
import type { Compiler } from './compiler.ts'

/** The table of a step. A name that is known at load is checked at load. */
export function prepareTable(step: StepNode, compiler: Compiler): (frame: Frame) => string {
  const node = step.parameters['table']
  const expression = compiler.value(node)
  if (!expression.constant) {
    return (frame) => {
      const name = expression.evaluate(frame)
      if (typeof name === 'string') return name
      throw argumentFault(step, 'table', `must be the name of a table; it is ${kindOf(name)}`, 'table_unknown')
    }
  }
  const name = expression.evaluate(undefined as never)
  if (typeof name !== 'string') {
    if (node !== undefined)
      compiler.issue('error', `'table' must be the name of a table; it is ${kindOf(name)}.`, node.position)
    return () => ''
  }
  if (compiler.table(name) === null && node !== undefined) {
    const guess = didYouMean(name, compiler.tableNames())
    const cure = guess === null ? ` Declare it in tables/${name}.yaml.` : ` ${suggest(guess)}`
    compiler.issue('error', `There is no table '${name}'.${cure}`, node.position)
  }
  return () => name
}

/** The table's declaration, when its name is known at load. */
export function knownTable(step: StepNode, compiler: Compiler): TableDeclaration | null {
  const expression = compiler.value(step.parameters['table'])
  const name = expression.constant ? expression.evaluate(undefined as never) : null
  return typeof name === 'string' ? compiler.table(name) : null
}

/** The filter of a step, read once; its expressions are evaluated for each query. */
export function prepareWhere(step: StepNode, compiler: Compiler): (frame: Frame) => Filter | null {
  const node = step.parameters['where']
  if (node === undefined) return () => null
  const read = loading(compiler, node, () => whereFromValue(node.value))
  if (read === null) return () => null
  const template: WhereTemplate = read
  const table = knownTable(step, compiler)
  if (table !== null)
    for (const column of templateColumns(template.template)) checkColumn(compiler, node, table, column)
  if (!hasOwnColumns(template, node, compiler)) return () => null
  const holes = template.holes.map((hole) => compiler.value({ value: hole.source, position: node.position }))
  if (holes.length === 0) {
    const filter = loading(compiler, node, () => fillHoles(template, []))
    return () => filter
  }
  return (frame) =>
    fillHoles(
      template,
      holes.map((hole) => hole.evaluate(frame)),
    )
}

/** Columns and operators stand in the definition: an expression in their place would let its value choose them. */
function hasOwnColumns({ template, holes }: WhereTemplate, node: TreeNode, compiler: Compiler): boolean {
  const [first] = filterHoles(template)
  const hole = first === undefined ? undefined : holes[first]
  if (hole === undefined) return true
  compiler.issue(
    'error',
    `'where' cannot be a whole filter from ${hole.source}: its value would choose columns and operators. Write the columns here, as in \`origin ==? {{input.origin}}\`; \`?\`, or \`ignore_null: true\` beside an operator, drops a comparison that has no value.`,
    nodeAt(node, hole.path).position,
  )
  return false
}

function filterHoles(template: FilterTemplate | null): number[] {
  switch (template?.kind) {
    case 'hole':
      return [template.hole]
    case 'not':
      return filterHoles(template.filter)
    case 'all':
    case 'any':
      return template.filters.flatMap(filterHoles)
    default:
      return []
  }
}

function nodeAt(node: TreeNode, path: readonly (string | number)[]): TreeNode {
  const [step, ...rest] = path
  const inner = typeof step === 'number' ? node.items?.[step] : node.entries?.find((entry) => entry.key === step)?.node
  return inner === undefined ? node : nodeAt(inner, rest)
}

/** The columns that a step reads; null: all that are not private. */
export function columnNames(step: StepNode, compiler: Compiler): readonly string[] | null {
  const node = step.parameters['columns']
  if (node === undefined || node.value === null) return null
  const names = typeof node.value === 'string' ? node.value.split(',').map((name) => name.trim()) : node.value
  if (!Array.isArray(names) || !names.every((name) => typeof name === 'string')) {
    compiler.issue('error', "'columns' must be a list of column names.", node.position)
    return null
  }
  const table = knownTable(step, compiler)
  if (table !== null) for (const name of names as readonly string[]) checkColumn(compiler, node, table, name)
  return names
}

/** The order of a step: text as `id ASC`, or a list of such texts. */
export function prepareOrder(step: StepNode, compiler: Compiler): (frame: Frame) => readonly OrderTerm[] {
  const node = step.parameters['order']
  if (node === undefined) return () => []
  const expression = compiler.value(node)
  if (!expression.constant) return (frame) => parseOrder(orderText(expression.evaluate(frame)))
  const order = loading(compiler, node, () => parseOrder(orderText(expression.evaluate(undefined as never)))) ?? []
  const table = knownTable(step, compiler)
  if (table !== null) for (const { column } of order) checkColumn(compiler, node, table, column)
  return () => order
}

/** A column name that is written in the definition. */
export function prepareColumn(
  step: StepNode,
  compiler: Compiler,
  parameter: string,
): ((frame: Frame) => string) | null {
  const node = step.parameters[parameter]
  if (node === undefined) return null
  const expression = compiler.value(node)
  const table = knownTable(step, compiler)
  const known = expression.constant ? expression.evaluate(undefined as never) : null
  if (typeof known === 'string' && table !== null) checkColumn(compiler, node, table, known)
  return textArgument(step, compiler, parameter)
}

/** Reports a column that the table does not have, where it stands in the file. */
export function checkColumn(compiler: Compiler, node: TreeNode, table: TableDeclaration, column: string): void {
  if (columnOf(table, column) !== undefined) return
  const guess = didYouMean(
    column,
    table.columns.map(({ name }) => name),
  )
  compiler.issue(
    'error',
    `Table '${table.name}' has no column '${column}'.${guess === null ? '' : ` ${suggest(guess)}`}`,
    node.position,
  )
}

function orderText(value: Value): string {
  if (value === null) return ''
  if (typeof value === 'string') return value
  if (Array.isArray(value) && value.every((part) => typeof part === 'string')) return value.join(', ')
  throw new ArgumentError('query_invalid', "'order' must be text such as 'id ASC', or a list of such texts.", {
    argument: 'order',
  })
}

function loading<T>(compiler: Compiler, node: TreeNode, read: () => T): T | null {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof StreamstackError)) throw error
    compiler.issue('error', error.message, node.position)
    return null
  }
}
