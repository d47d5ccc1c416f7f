import { createHash } from 'node:crypto'
import { type Chunk, StreamstackError } from '@streamstack/protocol'
import { repeatedPart } from './message.ts'

/** Keys that one channel remembers; the oldest go first. */
const KEYS_MAX = 1_000

interface Known {
  readonly message: string
  /** A promise while the message is on its way to the disk. */
  readonly offset: number | Promise<number>
}

/** The keys of the newest messages of a channel: what is sent again under one of them is there already. */
export class PublishKeys {
  /** Oldest first. */
  readonly #known = new Map<string, Known>()

  get size(): number {
    return this.#known.size
  }

  /** The offset of the message that came with a key; null: none did. Throws `idempotency_conflict` when it was another message. */
  find(key: string, chunk: Chunk): number | Promise<number> | null {
    const known = this.#known.get(key)
    if (known === undefined) return null
    if (known.message === messageDigest(chunk)) return known.offset
    throw new StreamstackError(
      'idempotency_conflict',
      'Another message was published with this key. Send a fresh key with each new message.',
    )
  }

  remember(key: string, chunk: Chunk, offset: number | Promise<number>): void {
    this.#known.set(key, { message: messageDigest(chunk), offset })
    if (this.#known.size <= KEYS_MAX) return
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest)
      return
    }
  }

  /** The message of a key could not be kept: it may come again. */
  forget(key: string): void {
    this.#known.delete(key)
  }
}

/** Keys belong to one publisher, so that another cannot use them up. Null stands for all callers without a token. */
export function keyDigest(publisher: string | null, key: string): string {
  return digest(JSON.stringify([publisher, key]))
}

function messageDigest(chunk: Chunk): string {
  return digest(repeatedPart(chunk))
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}
