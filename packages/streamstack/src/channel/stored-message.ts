import type { Chunk } from '@streamstack/protocol'
import { decodeStored, encodeStored } from '../stream-store/index.ts'

/** A message as a durable channel keeps it: with its time and, if it came with one, the digest of its key. */
export interface StoredMessage {
  readonly chunk: Chunk
  readonly atMs: number
  readonly key: string | null
}

/** Both stand before the metadata of the message, as metadata of what is stored. */
const WRAPPED = /^\{"at":(\d+),"key":(?:null|"([\w-]*)"),"of":(.*)\}$/s

export function encodeMessage({ chunk, atMs, key }: StoredMessage): Buffer {
  const metadata = `{"at":${Math.floor(atMs)},"key":${JSON.stringify(key)},"of":${chunk.metadata ?? 'null'}}`
  return encodeStored({ ...chunk, metadata })
}

export function decodeMessages(parts: readonly Buffer[]): StoredMessage[] {
  return decodeStored(parts).map((stored) => {
    const [, at = '0', key, of = 'null'] = WRAPPED.exec(stored.metadata ?? '') ?? []
    const metadata = of === 'null' ? null : of
    return { chunk: { ...stored, metadata }, atMs: Number(at), key: key ?? null }
  })
}
