import type { Filter } from './filter.ts'
import { orderText, totalOrder } from './order.ts'
import type { Page, PageMark, Query } from './query.ts'
import type { RecordStore } from './record-store.ts'

/**
 * What a step remembers of the page it read last, kept in the run's frame: plain data. With it, an offset loop becomes
 * a seek by key: each page costs the same, however far in, and rows that come or go meanwhile neither hide others nor
 * bring them twice.
 */
export interface PageMemo {
  readonly table: string
  readonly whereKey: string
  readonly order: string
  /** The offset that the next page of a loop asks for. */
  readonly nextOffset: number
  /** The same when the loop adds its limit although the page was not full; else equal to `nextOffset`. */
  readonly nextOffsetByLimit: number
  readonly mark: PageMark
  /** What `movesOf` gave when the page was read. */
  readonly moves: number
}

/** How often records of a table had a column changed, by store, table and column. */
const changes = new WeakMap<RecordStore, Map<string, Map<string, number>>>()

/**
 * Notes that a record's columns change. A record whose sorted column changes moves, perhaps from before a mark to behind
 * it: a loop that seeks behind its marks would meet it again, round after round, and might never end.
 */
export function noteChange(store: RecordStore, table: string, columns: readonly string[]): void {
  const origin = store.origin ?? store
  let tables = changes.get(origin)
  if (tables === undefined) changes.set(origin, (tables = new Map<string, Map<string, number>>()))
  let counts = tables.get(table)
  if (counts === undefined) tables.set(table, (counts = new Map<string, number>()))
  for (const column of columns) counts.set(column, (counts.get(column) ?? 0) + 1)
}

/** How often records may have moved in the order of a query since the server started. */
export function movesOf(store: RecordStore, { table, order }: Query): number {
  const counts = changes.get(store.origin ?? store)?.get(table)
  if (counts === undefined) return 0
  const columns = totalOrder(order, store.table(table).primaryKey)
  return columns.reduce((sum, { column }) => sum + (counts.get(column) ?? 0), 0)
}

/**
 * The query that gives the same rows as `query` gives: behind the remembered page where it continues it and no record
 * has moved since, else as it is, by its offset. `moves`: what `movesOf` gives now.
 */
export function followPage(memo: PageMemo | null, query: Query, moves: number): Query {
  if (memo === null || query.after !== null || memo.moves !== moves || !continues(memo, query)) return query
  return { ...query, offset: 0, after: memo.mark }
}

/**
 * What to remember after `page` answered `query` (the query as it was asked, before `followPage`). An empty page behind
 * the last mark keeps that mark, so that a loop that waits for new rows goes on seeking; any other empty page ends it.
 */
export function rememberPage(memo: PageMemo | null, query: Query, page: Page, moves: number): PageMemo | null {
  if (query.after !== null || query.limit === null) return null
  const mark = page.mark ?? (memo !== null && continues(memo, query) ? memo.mark : null)
  if (mark === null) return null
  return {
    table: query.table,
    whereKey: whereKey(query.where),
    order: orderText(query.order),
    nextOffset: query.offset + page.length,
    nextOffsetByLimit: query.offset + query.limit,
    mark,
    moves,
  }
}

function continues(memo: PageMemo, query: Query): boolean {
  return (
    (query.offset === memo.nextOffset || query.offset === memo.nextOffsetByLimit) &&
    // Offset 0 is a new start, even where it follows an empty page.
    query.offset > 0 &&
    query.table === memo.table &&
    orderText(query.order) === memo.order &&
    whereKey(query.where) === memo.whereKey
  )
}

function whereKey(where: Filter | null): string {
  return where === null ? '' : JSON.stringify(where)
}
