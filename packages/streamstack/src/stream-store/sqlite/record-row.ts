import { expiryMs } from '../expiry.ts'
import type { ForkOrigin, InheritedSpan, StreamRecord } from '../stream-record.ts'
import type { Cell } from './writer-protocol.ts'

/** Columns of `streams` in the order in which they are made. */
export function createRow(record: StreamRecord): Cell[] {
  return [
    record.id,
    record.name,
    record.family,
    record.contentType,
    record.ttlSeconds,
    record.expiresAt,
    record.origin === null ? null : JSON.stringify(record.origin),
    JSON.stringify(record.inherited),
    record.tail,
    record.bytes,
    record.dropped,
    record.oldestMs,
    record.isClosed ? 1 : 0,
    record.sequence,
    record.touchedMs,
    finite(expiryMs(record)),
    record.forks,
    record.isDeleted ? 1 : 0,
    record.key,
    record.listedUnder,
    record.note,
  ]
}

/** What can change of a record, and last its id. */
export function updateRow(record: StreamRecord): Cell[] {
  return [
    record.ttlSeconds,
    record.tail,
    record.bytes,
    record.dropped,
    record.oldestMs,
    record.isClosed ? 1 : 0,
    record.sequence,
    record.touchedMs,
    finite(expiryMs(record)),
    record.forks,
    record.isDeleted ? 1 : 0,
    record.id,
  ]
}

/** A row of `streams`, by column. */
export type StreamRow = Readonly<Record<string, unknown>>

export function recordOf(row: StreamRow): StreamRecord {
  return {
    id: Number(row['id']),
    name: String(row['name']),
    family: String(row['family']),
    contentType: String(row['content_type']),
    ttlSeconds: numberOrNull(row['ttl_seconds']),
    expiresAt: textOrNull(row['expires_at']),
    origin: typeof row['origin'] === 'string' ? (JSON.parse(row['origin']) as ForkOrigin) : null,
    inherited: JSON.parse(String(row['inherited'])) as InheritedSpan[],
    tail: Number(row['tail']),
    bytes: Number(row['bytes']),
    dropped: Number(row['dropped']),
    oldestMs: numberOrNull(row['oldest_ms']),
    isClosed: row['closed'] === 1,
    sequence: textOrNull(row['sequence']),
    touchedMs: Number(row['touched_ms']),
    forks: Number(row['forks']),
    isDeleted: row['deleted'] === 1,
    key: textOrNull(row['key']),
    listedUnder: textOrNull(row['listed_under']),
    note: textOrNull(row['note']),
  }
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null
}

function numberOrNull(value: unknown): number | null {
  return typeof value === 'number' ? value : null
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
