import type { ColumnDeclaration } from '../declaration.ts'
import type { Dialect } from '../sql/dialect.ts'

/** How SQLite stores each column type; STRICT tables know no others. */
export const storageTypes = {
  integer: 'INTEGER',
  number: 'REAL',
  text: 'TEXT',
  boolean: 'INTEGER',
  timestamp: 'TEXT',
  json: 'TEXT',
  uuid: 'TEXT',
} as const

/** A name as SQL takes it. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A text as SQL takes it; only for names of columns, values are always bound. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** Lists the columns that hold integers beyond 2^53. */
export const WIDE_TABLE = 'streamstack_wide_columns'

function exactInteger(expression: string): string {
  return `iif(${expression} NOT BETWEEN -9007199254740991 AND 9007199254740991,CAST(${expression} AS TEXT),${expression})`
}

/** Text for all values of a wide column; for another, where `exact`, text for a value that was not there when the list was read. */
function readableInteger(expression: string, isWide: boolean, exact: boolean): string {
  if (isWide) return `CAST(${expression} AS TEXT)`
  return exact ? exactInteger(expression) : expression
}

function jsonValue(column: ColumnDeclaration, wide: ReadonlySet<string>, exact: boolean): string {
  const name = quoteName(column.name)
  if (column.type === 'integer') return readableInteger(name, wide.has(column.name), exact)
  if (column.type === 'json') return `json(${name})`
  if (column.type === 'boolean') return `json(CASE ${name} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END)`
  return name
}

/** SQLite's words for what is asked of records. */
export const sqliteDialect: Dialect = {
  quote: quoteName,
  placeholder: () => '?',
  bind: (column, value) => {
    // A decimal text is an integer that a JavaScript number cannot hold.
    if (column.type === 'integer' && typeof value === 'string') return BigInt(value)
    return value
  },
  readable: (column, expression, wide, exact) =>
    column.type === 'integer' ? readableInteger(expression, wide.has(column.name), exact) : expression,
  jsonObject: (columns, wide, exact) =>
    `json_object(${columns.map((column) => `${quoteText(column.name)},${jsonValue(column, wide, exact)}`).join(',')})`,
  wideCount: (table) => `(SELECT count(*) FROM ${WIDE_TABLE} WHERE table_name=${quoteText(table.name)})`,
  jsonArray: (object) => `json_group_array(${object})`,
  distinct: (left, right) => `${left} IS NOT ${right}`,
  notDistinct: (left, right) => `${left} IS ${right}`,
  // Functions of our own: they count their work, fold case as JavaScript does, and take linear time.
  contains: (column, parameter) => `text_contains(${column},${parameter})`,
  // The comparison lets an index find the start of the range, the cut decides.
  startsWith: (column, parameter) => {
    const [low, text, length] = [parameter(), parameter(), parameter()]
    return `(${column}>=${low} AND ${text}=substr(${column},1,length(${length})))`
  },
  endsWith: (column, parameter) => {
    const [text, length, whole] = [parameter(), parameter(), parameter()]
    return `${text}=substr(${column},max(1,length(${column})-length(${length})+1),length(${whole}))`
  },
  like: (column, parameter) => `text_like(${column},${parameter})`,
  ilike: (column, parameter) => `text_ilike(${column},${parameter})`,
  orderTerm: (term, column, notNull) =>
    `${column}${term.direction === 'asc' ? '' : ' DESC'}${notNull ? '' : ` NULLS ${term.nulls.toUpperCase()}`}`,
}
