import type { DatabaseSync } from 'node:sqlite'
import { WIDE_TABLE } from './dialect.ts'

/**
 * Whether a statement may look at many more records than it gives: the planner sorts, or searches by fewer comparisons
 * than the statement has, so that the rest are tried record by record. A scan without any comparison is none: its order
 * comes from the key or an index, and the limit ends it.
 */
export function mayScan(database: DatabaseSync, sql: string, comparisons: number): boolean {
  const steps = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all()
  let served = 0
  for (const step of steps) {
    const detail = String(step['detail'])
    if (detail.includes('TEMP B-TREE') || detail.includes('MULTI-INDEX') || detail.includes('AUTOMATIC')) return true
    if (detail.startsWith(`SEARCH ${WIDE_TABLE} `)) continue
    const found = /^SEARCH .*\(([^()]*)\)$/.exec(detail)
    if (found !== null) served += found[1]!.split(' AND ').length
  }
  return served !== comparisons
}
