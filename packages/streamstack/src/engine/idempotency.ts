import { createHash } from 'node:crypto'
import { StreamstackError, type Value } from '@streamstack/protocol'
import { canonicalJson } from '../text/canonical-json.ts'

/** The owner of a run: the subject of a token, which may have none; null: no token was needed. */
export type RunOwner = { subject: string | null } | null

/** A call that carries an `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header). */
export interface KeyedCall {
  readonly key: string
  readonly owner: RunOwner
  /** `POST /api/chat`, as it is declared. */
  readonly endpoint: string
  /** As they were checked. */
  readonly inputs: Readonly<Record<string, Value>>
}

/** Which run each key stands for. Keys of one caller are nothing to another. A run has one key at most, and keys go with their runs: that bounds them. */
export class IdempotencyKeys {
  readonly #calls = new Map<string, { fingerprint: string; run: string }>()
  readonly #names = new Map<string, string>()

  /** The id of the run that this call has started before; null when it is new. Throws `idempotency_conflict` when the key was used for another call. */
  find(call: KeyedCall): string | null {
    const known = this.#calls.get(nameOfKey(call.owner, call.key))
    if (known === undefined) return null
    refuseOtherCall(known.fingerprint, call)
    return known.run
  }

  /** The id of the run that a caller has started with a key, whatever the call was; null when there is none. */
  runOf(owner: RunOwner, key: string): string | null {
    return this.#calls.get(nameOfKey(owner, key))?.run ?? null
  }

  remember(call: KeyedCall, run: string): void {
    const name = nameOfKey(call.owner, call.key)
    this.#calls.set(name, { fingerprint: fingerprintOf(call), run })
    this.#names.set(run, name)
  }

  forget(run: string): void {
    const name = this.#names.get(run)
    if (name === undefined) return
    this.#names.delete(run)
    this.#calls.delete(name)
  }
}

/** No token, a token without a subject and a subject are three different callers. */
export function nameOfKey(owner: RunOwner, key: string): string {
  return JSON.stringify([owner === null ? 0 : owner.subject, key])
}

/** Throws `idempotency_conflict` when a call is not the one that its key was first used for. */
export function refuseOtherCall(fingerprint: string, call: KeyedCall): void {
  if (fingerprint === fingerprintOf(call)) return
  throw new StreamstackError(
    'idempotency_conflict',
    'This Idempotency-Key was used for a call of another endpoint or with other inputs. Send a fresh key with each new call.',
  )
}

/** What a key of a caller is called where runs are kept: a digest, because the key may be a secret between the two. */
export function keyDigest(owner: RunOwner, key: string): string {
  return createHash('sha256').update(nameOfKey(owner, key)).digest('base64')
}

/**
 * A digest, because inputs may be large and hold what should not stay in memory. The order of names means nothing in JSON:
 * a client that repeats a call may write its objects anew.
 */
export function fingerprintOf({ endpoint, inputs }: KeyedCall): string {
  return createHash('sha256')
    .update(canonicalJson([endpoint, inputs]))
    .digest('base64')
}
