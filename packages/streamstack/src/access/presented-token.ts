import { tokenError } from './token-error.ts'
import type { VerifiedToken } from './verified-token.ts'
import type { TokenVerifier } from './verify-token.ts'

/** A token that a reader came in with, kept as long as it reads, to be checked again. Nothing that prints or writes this object can tell the token. */
export class PresentedToken {
  readonly verified: VerifiedToken
  readonly #authorization: string | undefined
  readonly #verifier: TokenVerifier

  private constructor(verifier: TokenVerifier, authorization: string | undefined, verified: VerifiedToken) {
    this.#verifier = verifier
    this.#authorization = authorization
    this.verified = verified
  }

  /** `authorization`: the value of the header. Throws what the verifier does. */
  static async check(verifier: TokenVerifier, authorization: string | undefined): Promise<PresentedToken> {
    return new PresentedToken(verifier, authorization, await verifier.verify(authorization))
  }

  /** Memory that it takes, about: its text and its claims. */
  get bytes(): number {
    return 512 + 4 * (this.#authorization?.length ?? 0)
  }

  /** Whether this verifier, and no other, has taken it. */
  isTakenBy(verifier: TokenVerifier | null): boolean {
    return this.#verifier === verifier
  }

  /**
   * The same token by other settings; null: they check none. Throws `unauthenticated`, also if it has another subject now: what is open belongs to
   * its subject. Throws `unavailable` when the keys cannot be fetched.
   */
  async checkAgain(verifier: TokenVerifier | null): Promise<PresentedToken> {
    if (verifier === null) throw tokenError('not_configured')
    const token = await PresentedToken.check(verifier, this.#authorization)
    if (token.verified.subject !== this.verified.subject) throw tokenError('claims')
    return token
  }
}
