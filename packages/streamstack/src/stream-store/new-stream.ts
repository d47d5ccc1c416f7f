import { randomBytes } from 'node:crypto'
import type { CreateRequest, ForkPlan } from './create-rules.ts'
import type { Change } from './storage.ts'
import type { StreamRecord } from './stream-record.ts'

export interface NewStreamOptions {
  readonly id: number
  readonly name: string
  readonly request: CreateRequest
  /** What it is a fork of; from now on it has one more. */
  readonly source: { readonly record: StreamRecord; readonly plan: ForkPlan } | null
  /** What it begins with. */
  readonly chunks: readonly Buffer[]
  readonly nowMs: number
}

/** The record of a stream that is made, and the changes that make it. */
export function newStream({ id, name, request, source, chunks, nowMs }: NewStreamOptions): {
  record: StreamRecord
  changes: Change[]
} {
  const base = source?.plan.position ?? 0
  const bytes = chunks.reduce((sum, { length }) => sum + length, 0)
  const ownExpiry = request.ttlSeconds !== null || request.expiresAt !== null
  const record: StreamRecord = {
    id,
    name,
    family: source?.record.family ?? randomBytes(8).toString('hex'),
    contentType: request.contentType ?? source?.record.contentType ?? 'application/octet-stream',
    ttlSeconds: ownExpiry ? request.ttlSeconds : (source?.record.ttlSeconds ?? null),
    expiresAt: ownExpiry ? request.expiresAt : (source?.record.expiresAt ?? null),
    origin: request.fork,
    inherited: source?.plan.inherited ?? [],
    key: request.key ?? null,
    listedUnder: request.listedUnder ?? null,
    note: request.note ?? null,
    tail: base + chunks.length,
    bytes,
    dropped: base,
    oldestMs: bytes === 0 ? null : nowMs,
    isClosed: request.close,
    sequence: null,
    touchedMs: nowMs,
    forks: 0,
    isDeleted: false,
  }
  const changes: Change[] = [{ kind: 'create', record }]
  for (const [index, data] of chunks.entries()) {
    changes.push({ kind: 'chunk', id, position: base + index + 1, atMs: nowMs, data })
  }
  if (source !== null) {
    source.record.forks += 1
    changes.push({ kind: 'update', record: source.record })
  }
  return { record, changes }
}
