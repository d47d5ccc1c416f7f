import { setImmediate } from 'node:timers'
import { StreamstackError, toStreamstackError } from '@streamstack/protocol'
import { type OpenEntry, OpenList } from '../stream/index.ts'
import type { PresentedToken } from './presented-token.ts'
import type { TokenVerifier } from './verify-token.ts'

/** Tokens that are checked in one turn. */
const CHECKED_AT_ONCE = 256

/** A reader that holds a token, with callbacks for changed settings. */
export interface TokenHolder {
  readonly token: PresentedToken
  /** The token is about to be verified: one of the other two follows. Until then the holder should accept nothing by it. */
  readonly checking?: () => void
  /** It is taken, with claims that may be read otherwise. Throws when they do not suffice any more: `refused` follows. */
  readonly renewed: (token: PresentedToken) => void
  /** It is not taken any more, or cannot be checked. */
  readonly refused: (error: StreamstackError) => void
}

/** The tokens of all who read. Each is held as long as its holder reads, and no longer. */
export class HeldTokens {
  readonly #verifier: () => TokenVerifier | null
  readonly #onError: (error: unknown) => void
  readonly #holders = new OpenList<TokenHolder>()
  /** Counts the times that all are checked: what an earlier time finds out holds no more. */
  #round = 0

  /** `verifier`: by the settings of now. `onError` is called with internal errors, never with a token. */
  constructor(verifier: () => TokenVerifier | null, onError: (error: unknown) => void) {
    this.#verifier = verifier
    this.#onError = onError
  }

  /** From now on it is checked whenever other settings hold, and now, when they came while the call was on its way. The result lets go of it. */
  hold(holder: TokenHolder): () => void {
    const place = this.#holders.add(holder)
    if (!holder.token.isTakenBy(this.#verifier())) {
      holder.checking?.()
      this.#check(place, this.#round)
    }
    return () => place.remove()
  }

  /** Other settings hold. Many tokens take a while, and others have their turns meanwhile. */
  checkAll(): void {
    const holders = this.#holders.entries()
    this.#round++
    for (const { member } of holders) member.checking?.()
    this.#checkFrom(holders, 0, this.#round)
  }

  #checkFrom(holders: readonly OpenEntry<TokenHolder>[], from: number, round: number): void {
    const to = from + CHECKED_AT_ONCE
    for (const holder of holders.slice(from, to)) this.#check(holder, round)
    if (to < holders.length && round === this.#round) setImmediate(() => this.#checkFrom(holders, to, round))
  }

  #check(place: OpenEntry<TokenHolder>, round: number): void {
    if (!place.isIn) return
    const holder = place.member
    const isOld = (): boolean => round !== this.#round || !place.isIn
    holder.token
      .checkAgain(this.#verifier())
      .then((token) => {
        if (!isOld()) holder.renewed(token)
      })
      .catch((thrown: unknown) => {
        if (!isOld()) holder.refused(this.#told(thrown))
      })
      .catch(this.#onError)
  }

  #told(thrown: unknown): StreamstackError {
    const error = toStreamstackError(thrown)
    if (error.code === 'internal') this.#onError(error.cause)
    if (error.code !== 'unauthenticated') return error
    return new StreamstackError(
      'unauthenticated',
      'The server checks tokens by other settings now, and does not take this one any more. Come back with a fresh one, after the last offset.',
      { details: { reason: 'settings_changed' } },
    )
  }
}
