import type { ColumnDeclaration, TableDeclaration } from '../declaration.ts'
import type { OrderTerm } from '../order.ts'
import type { StoredValue } from '../column-type.ts'

/** Everything in which database engines differ when records are read, in one place. */
export interface Dialect {
  /** A name as SQL takes it, whatever it holds. */
  quote(name: string): string
  /** Where the parameter of this number, counted from 1, stands. */
  placeholder(number: number): string
  /** The stored value as a parameter; `column` decides the type. */
  bind(column: ColumnDeclaration, value: StoredValue): StoredValue
  /**
   * A value of the column, given by an expression, as it is read for rows and marks. All integers of a `wide` column
   * come as text. With `exact`, so does one beyond 2^53 in another column; without, it makes reading fail.
   */
  readable(column: ColumnDeclaration, expression: string, wide: ReadonlySet<string>, exact: boolean): string
  /** One text, an object with these columns as JSON. Without `exact`, an integer beyond 2^53 in a column that is not `wide` is written as a number. */
  jsonObject(columns: readonly ColumnDeclaration[], wide: ReadonlySet<string>, exact: boolean): string
  /** An expression: how many columns of the table hold integers beyond 2^53. */
  wideCount(table: TableDeclaration): string
  /** An aggregate of `jsonObject` texts in the order of its input. */
  jsonArray(object: string): string
  /** `expression` compared so that null equals null. */
  distinct(left: string, right: string): string
  notDistinct(left: string, right: string): string
  /** Text operators, all exact in case, on code points. */
  contains(column: string, parameter: string): string
  startsWith(column: string, parameter: () => string): string
  endsWith(column: string, parameter: () => string): string
  /** `%` stands for any text, `_` for one code point, a backslash takes the next character as it is. */
  like(column: string, parameter: string): string
  ilike(column: string, parameter: string): string
  orderTerm(term: OrderTerm, column: string, notNull: boolean): string
}
