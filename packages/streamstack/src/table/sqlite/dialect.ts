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

/** Names the tables that have ever held an integer beyond 2^53: looking once a page is cheaper than at each cell. */
export const wideTable = 'streamstack_wide'

function exactInteger(expression: string): string {
  return `iif(${expression} NOT BETWEEN -9007199254740991 AND 9007199254740991,CAST(${expression} AS TEXT),${expression})`
}

function jsonValue(column: ColumnDeclaration, exact: boolean): string {
  const name = quoteName(column.name)
  if (column.type === 'integer' && exact) return exactInteger(name)
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
  readable: (column, expression, exact) => (exact && column.type === 'integer' ? exactInteger(expression) : expression),
  jsonObject: (columns, exact) =>
    `json_object(${columns.map((column) => `${quoteText(column.name)},${jsonValue(column, exact)}`).join(',')})`,
  mayNeedExact: (table) => `EXISTS(SELECT 1 FROM ${wideTable} WHERE table_name=${quoteText(table.name)})`,
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
