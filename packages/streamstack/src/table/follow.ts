import type { Filter } from './filter.ts'
import { orderText } from './order.ts'
import type { Page, PageMark, Query } from './query.ts'

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
}

/** The query that gives the same rows as `query` gives: behind the remembered page where it continues it, else as it is. */
export function followPage(memo: PageMemo | null, query: Query): Query {
  if (memo === null || query.after !== null || !continues(memo, query)) return query
  return { ...query, offset: 0, after: memo.mark }
}

/**
 * What to remember after `page` answered `query` (the query as it was asked, before `followPage`). An empty page behind
 * the last mark keeps that mark, so that a loop that waits for new rows goes on seeking; any other empty page ends it.
 */
export function rememberPage(memo: PageMemo | null, query: Query, page: Page): PageMemo | null {
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
