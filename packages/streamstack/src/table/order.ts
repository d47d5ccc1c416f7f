import { ArgumentError } from '../expression/index.ts'

/** One part of an order. */
export interface OrderTerm {
  readonly column: string
  readonly direction: 'asc' | 'desc'
  /** Where records without a value stand. */
  readonly nulls: 'first' | 'last'
}

const TERM =
  /^(?:`(?<quoted>[^`]+)`|(?<column>[^\s,`]+))(?:\s+(?<direction>asc|ascending|desc|descending))?(?:\s+nulls\s+(?<nulls>first|last))?$/i

/**
 * Reads `delay desc, id` and the like: columns with ASC (default) or DESC, and NULLS FIRST or NULLS LAST. Empty values
 * stand last in ascending and first in descending order unless said otherwise, as in PostgreSQL. A column whose name
 * has blanks stands in backticks. A leading minus (`-delay`) is descending. Throws `query_invalid`.
 */
export function parseOrder(text: string): readonly OrderTerm[] {
  if (text.trim() === '') return []
  const seen = new Set<string>()
  return Object.freeze(
    text.split(',').map((part) => {
      const found = TERM.exec(part.trim())?.groups
      if (found === undefined) {
        throw new ArgumentError(
          'query_invalid',
          `The order "${part.trim()}" cannot be read; write a column and ASC or DESC, such as "delay DESC, id ASC".`,
          { argument: 'order' },
        )
      }
      const written = found['quoted'] ?? found['column'] ?? ''
      const minus = found['column'] !== undefined && written.startsWith('-')
      const column = minus ? written.slice(1) : written
      if (seen.has(column)) {
        throw new ArgumentError('query_invalid', `The order names the column "${column}" twice; leave one out.`, {
          argument: 'order',
        })
      }
      seen.add(column)
      const descending = minus || (found['direction']?.toLowerCase().startsWith('desc') ?? false)
      const first = found['nulls'] === undefined ? descending : found['nulls'].toLowerCase() === 'first'
      return Object.freeze({ column, direction: descending ? 'desc' : 'asc', nulls: first ? 'first' : 'last' } as const)
    }),
  )
}

/** Writes an order so that equal orders have equal text. */
export function orderText(order: readonly OrderTerm[]): string {
  return order.map((part) => `\`${part.column}\` ${part.direction} nulls ${part.nulls}`).join(', ')
}

/**
 * The order with the primary key as its last term, so that no two records stand at one place. The key follows the
 * direction of the term before it: an index on that term then gives the whole order in one sweep.
 */
export function totalOrder(order: readonly OrderTerm[], primaryKey: string): readonly OrderTerm[] {
  const at = order.findIndex((part) => part.column === primaryKey)
  if (at !== -1) return at === order.length - 1 ? order : order.slice(0, at + 1)
  const direction = order.at(-1)?.direction ?? 'asc'
  return [...order, { column: primaryKey, direction, nulls: direction === 'asc' ? 'last' : 'first' }]
}
