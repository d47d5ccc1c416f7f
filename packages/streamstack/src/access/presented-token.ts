import type { AuthClaims } from './auth-claims.ts'
import { subjectOf } from './subject.ts'
import { tokenError } from './token-error.ts'
import type { TokenVerifier } from './verify-token.ts'

/** A token that a reader came in with, kept as long as it reads, to be checked again. Nothing that prints or writes this object can tell the token. */
export class PresentedToken {
  readonly claims: AuthClaims
  readonly #authorization: string | undefined
  readonly #verifier: TokenVerifier

  private constructor(verifier: TokenVerifier, authorization: string | undefined, claims: AuthClaims) {
    this.#verifier = verifier
    this.#authorization = authorization
    this.claims = claims
  }

  /** `authorization`: the value of the header. Throws what the verifier does. */
  static async check(verifier: TokenVerifier, authorization: string | undefined): Promise<PresentedToken> {
    return new PresentedToken(verifier, authorization, await verifier.verify(authorization))
  }

  /** Whether this verifier, and no other, has taken it. */
  isTakenBy(verifier: TokenVerifier | null): boolean {
    return this.#verifier === verifier
  }

  /**
   * The same token by other settings; null: they check none. Throws `unauthenticated`, also when it speaks for somebody else now: what is open belongs to
   * its subject. Throws `unavailable` when the keys cannot be fetched.
   */
  async checkAgain(verifier: TokenVerifier | null): Promise<PresentedToken> {
    if (verifier === null) throw tokenError('not_configured')
    const token = await PresentedToken.check(verifier, this.#authorization)
    if (subjectOf(token.claims) !== subjectOf(this.claims)) throw tokenError('claims')
    return token
  }
}
