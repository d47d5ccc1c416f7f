import { ArgumentError } from '../expression/index.ts'
import { didYouMean, didYouMeanOr } from '../text/did-you-mean.ts'
import { columnOf } from './declaration.ts'
import type { ColumnDeclaration, TableDeclaration } from './declaration.ts'

/** The column of that name; throws `column_unknown`. `place` starts the message: `The filter`. */
export function requireColumn(table: TableDeclaration, name: string, place: string): ColumnDeclaration {
  const column = columnOf(table, name)
  if (column !== undefined) return column
  const names = table.columns.map((one) => one.name)
  const near = didYouMean(name, names)
  const cure = didYouMeanOr(near, `It has: ${names.slice(0, 20).join(', ')}.`)
  throw new ArgumentError(
    'column_unknown',
    `${place} names "${name}", which table "${table.name}" does not have. ${cure}`,
    place === 'The order' ? { argument: 'order' } : {},
  )
}
