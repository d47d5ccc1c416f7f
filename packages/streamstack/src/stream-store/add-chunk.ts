import type { Change } from './storage.ts'
import type { StreamRecord } from './stream-record.ts'

/** Counts a chunk that is added to a stream, at a time in ms since 1970; returns the change that keeps it. The record is to be kept with it. */
export function addChunk(record: StreamRecord, data: Buffer, atMs: number): Change {
  record.tail += 1
  record.bytes += data.length
  record.oldestMs ??= atMs
  return { kind: 'chunk', id: record.id, position: record.tail, atMs, data }
}
