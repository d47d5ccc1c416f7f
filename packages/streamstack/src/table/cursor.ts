import { StreamstackError } from '@streamstack/protocol'
import { orderText, totalOrder } from './order.ts'
import type { PageMark, Query } from './query.ts'

/** A place between two records, or before the first (no keys), as callers carry it: opaque text, bound to table and order. */
export function cursorOf(query: Query, mark: PageMark): string {
  return Buffer.from(JSON.stringify([query.table, orderText(query.order), mark.keys])).toString('base64url')
}

/**
 * The query that goes on behind a cursor. A cursor comes from outside: its values are only ever compared with. Throws `query_invalid` when
 * it is none of this table and order.
 */
export function afterCursor(query: Query, cursor: string, primaryKey: string): Query {
  const keys = readKeys(query, cursor)
  // Before the first record.
  if (keys?.length === 0) return { ...query, offset: 0 }
  if (keys === null || keys.length !== totalOrder(query.order, primaryKey).length) {
    throw new StreamstackError(
      'query_invalid',
      'The cursor is none of this table and order. Send one that the last page gave, or none for the first page.',
      { status: 400 },
    )
  }
  return { ...query, offset: 0, after: { keys } }
}

function readKeys(query: Query, cursor: string): PageMark['keys'] | null {
  try {
    const read: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    if (!Array.isArray(read)) return null
    const [table, order, keys] = read as unknown[]
    if (table !== query.table || order !== orderText(query.order) || !Array.isArray(keys)) return null
    const isKey = (key: unknown): key is null | number | string =>
      key === null || typeof key === 'number' || typeof key === 'string'
    return keys.every(isKey) ? keys : null
  } catch {
    return null
  }
}
