import { isDeepStrictEqual } from 'node:util'
import { StreamstackError, toStreamstackError } from '@streamstack/protocol'
import type { AccessDeclaration } from '../definition/types.ts'
import { type ApiKey, acceptApiKeys } from './api-keys.ts'
import type { CallPlace } from './call-place.ts'
import { type Caller, TokenCaller, callerWithoutToken } from './caller.ts'
import { HeldTokens } from './held-tokens.ts'
import { isLoopback } from './local.ts'
import { Permissions, isOwnPage } from './permissions.ts'
import type { AccessPolicy } from './policy.ts'
import { PresentedToken } from './presented-token.ts'
import type { RouteRight } from './right.ts'
import type { FetchJson } from './key-set.ts'
import type { StreamAct } from './stream-rule.ts'
import { type IssuedTicket, Tickets } from './tickets.ts'
import { cannotCheckTokens, tokenError } from './token-error.ts'
import type { TokenSettings } from './token-settings.ts'
import { type TokenVerifier, acceptIssuers } from './verify-token.ts'

export interface AccessOptions {
  readonly policy: () => AccessPolicy
  /** Fetches key sets through the workspace's outbound door. */
  readonly fetchKeys: FetchJson
  /** Called with the cause when the keys of an issuer cannot be fetched, at most once a minute. */
  readonly onKeysMissing: (cause: unknown, url: string) => void
  /** Called with the failure of an expression of `streams.allow`. */
  readonly onRuleFailure?: (error: unknown) => void
  /** Called with the hash of an API key that is accepted. */
  readonly onKeyUse?: (hash: string) => void
  /** Called with failures that no caller caused; never with a token. */
  readonly onError: (error: unknown) => void
}

/** How callers are authenticated: `auth` in `streamstack.yaml`. */
export interface AuthSettings {
  /** The issuers of accepted tokens; none: no JWT is accepted. */
  readonly jwt: readonly TokenSettings[]
  readonly keys: readonly ApiKey[]
}

/** The credentials of a request, and where it came from. */
export interface Credentials {
  readonly authorization: string | undefined
  readonly place: CallPlace
  /** `?access_token=`; null: none. */
  readonly urlToken: string | null
  /** `?ticket=` of a request that may carry one, and the path of the request; null: none. */
  readonly ticket?: PresentedTicket | null
  /** Called with the caller once it is known, also when it is refused then. */
  readonly onKnown?: (caller: Caller) => void
}

export interface PresentedTicket {
  readonly text: string
  readonly path: string
}

/** Callbacks for the changes of a token that a reader holds. */
export interface CallerFollower {
  /** It is about to be verified by other settings: one of the other two follows. */
  readonly checking?: () => void
  /** It is still accepted, perhaps with claims that are read otherwise. Throws when they do not suffice any more: `refused` follows. */
  readonly renewed: (caller: Caller) => void
  /** It is no longer accepted, or cannot be verified. */
  readonly refused: (error: StreamstackError) => void
}

/**
 * Authenticates callers and checks their rights. No other part of the server reads tokens, claims
 * that grant rights, or open access.
 */
export class Access {
  readonly #options: AccessOptions
  readonly #tokens: HeldTokens
  readonly #tickets = new Tickets()
  readonly #permissions: Permissions
  /** Settings that change may close what was open at the start, never the other way round: the address was checked at the start. */
  readonly #startedOpen: boolean
  #settings: AuthSettings = { jwt: [], keys: [] }
  #tokenVerifier: TokenVerifier | null = null
  #verifier: TokenVerifier | null = null

  constructor(options: AccessOptions) {
    this.#options = options
    this.#tokens = new HeldTokens(() => this.#verifier, options.onError)
    this.#startedOpen = options.policy().isOpen
    this.#permissions = new Permissions({
      policy: options.policy,
      isOpen: () => this.isOpen,
      checksTokens: () => this.checksTokens,
      onRuleFailure: (error) => options.onRuleFailure?.(error),
    })
  }

  /**
   * Verifies tokens and API keys by these settings from now on. Returns whether they differ from those before: then `recheck` is due. The same settings
   * keep the keys that were fetched.
   */
  configure({ jwt, keys }: AuthSettings): boolean {
    const before = this.#settings
    if (isDeepStrictEqual({ jwt, keys }, before)) return false
    this.#settings = { jwt, keys }
    // Other API keys leave the keys of an issuer as they were fetched.
    if (!isDeepStrictEqual(jwt, before.jwt)) {
      const { fetchKeys, onKeysMissing, policy } = this.#options
      // For trying things a token may last for ever.
      const requiresExp = !policy().isDeveloper
      const issuers = jwt.map((issuer) => ({ ...issuer, requireExp: issuer.requireExp ?? requiresExp }))
      this.#tokenVerifier = acceptIssuers(issuers, fetchKeys, { onFailure: onKeysMissing })
    }
    this.#verifier =
      keys.length === 0 ? this.#tokenVerifier : acceptApiKeys(keys, this.#tokenVerifier, this.#options.onKeyUse)
    return true
  }

  /** Whether the console is served. */
  get hasConsole(): boolean {
    const { console, isDeveloper } = this.#options.policy()
    return isDeveloper || console !== null
  }

  /** Whether the server can verify tokens. */
  get checksTokens(): boolean {
    return this.#verifier !== null
  }

  /** Whether every program on this machine may do everything with streams. */
  get isOpen(): boolean {
    return this.#startedOpen && this.#options.policy().isOpen
  }

  /**
   * The caller of a request. Without a token, or on a server that verifies none, it is anonymous, open or the developer. A promise only when there is a token to verify.
   *
   * @throws StreamstackError `unauthenticated`; `unavailable` when the issuer's keys cannot be fetched.
   */
  authenticate({ authorization, urlToken, ticket = null, place }: Credentials): Caller | Promise<Caller> {
    if (authorization === undefined && ticket !== null) return this.authenticateTicket(ticket, place)
    const header = authorization ?? (urlToken === null ? undefined : `Bearer ${urlToken}`)
    if (header === undefined || !this.checksTokens) return this.withoutToken(place)
    return this.#verified(header, place)
  }

  /**
   * The caller of a WebSocket that sent this token.
   *
   * @throws StreamstackError as `authenticate`, and `unauthenticated` on a server that verifies none.
   */
  async authenticateToken(token: string, place: CallPlace): Promise<Caller> {
    if (this.checksTokens) return this.#verified(`Bearer ${token}`, place)
    throw new StreamstackError(
      'unauthenticated',
      'This server has no way to check a token: its operator sets `auth.jwt` or `auth.keys` in streamstack.yaml. Connect without one.',
    )
  }

  /**
   * The caller for whom a ticket was made. It is used up, whatever comes of it. The token behind it is verified again, and ends what is read as it
   * would without the ticket.
   *
   * @throws StreamstackError as `authenticate`.
   */
  async authenticateTicket({ text, path }: PresentedTicket, place: CallPlace): Promise<Caller> {
    const token = this.#tickets.use(text, path)
    return new TokenCaller(await token.checkAgain(this.#verifier), place)
  }

  /** Throws `unauthenticated` for a caller without a token, whom no ticket could stand for; `unavailable` when the server verifies none. */
  checkTicketCaller(caller: Caller): void {
    if (!this.checksTokens) throw cannotCheckTokens('Tickets want')
    if (!(caller instanceof TokenCaller)) throw tokenError('missing')
  }

  /** Makes a ticket by which the caller can open a path once. Throws as `checkTicketCaller`, and `too_many`, `unavailable`. */
  issueTicket(caller: Caller, path: string): IssuedTicket {
    if (!(caller instanceof TokenCaller)) throw tokenError('missing')
    return this.#tickets.issue(caller.token, path)
  }

  /** The caller of a request whose token is not looked at. */
  withoutToken(place: CallPlace): Caller {
    const isDeveloper = this.#options.policy().isDeveloper && isOwnPage(place)
    const kind = this.isOpen ? 'open' : isDeveloper ? 'developer' : 'anonymous'
    return callerWithoutToken(
      place,
      kind === 'anonymous' || this.#permissions.foreignFault(place) !== null ? 'anonymous' : kind,
    )
  }

  /**
   * The caller of a request to a route, once it has the route's right. A promise only when there is a token to verify.
   *
   * @throws StreamstackError as `authenticate` and `permit`.
   */
  admit(credentials: Credentials, right: RouteRight): Caller | Promise<Caller> {
    const { place } = credentials
    if (right === 'anyone' || right === 'worker') return this.withoutToken(place)
    if (right === 'guest' || right === 'owner') return this.#tolerant(credentials)
    if (typeof right === 'object' && this.isOpen) {
      const fault = this.#permissions.foreignFault(place)
      if (fault !== null) throw fault
      return callerWithoutToken(place, 'open')
    }
    if (right === 'caller' || right === 'reader') this.#checkUrlToken(credentials, right)
    const caller = this.authenticate(right === 'reader' ? credentials : { ...credentials, urlToken: null })
    if (!(caller instanceof Promise)) {
      credentials.onKnown?.(caller)
      this.permit(caller, right)
      return caller
    }
    return caller.then((verified) => {
      credentials.onKnown?.(verified)
      this.permit(verified, right)
      return verified
    })
  }

  /** As `Permissions.permit`. */
  permit(caller: Caller, right: RouteRight): void {
    this.#permissions.permit(caller, right)
  }

  /** As `Permissions.permitStream`. */
  permitStream(caller: Caller, act: StreamAct, stream: string): void {
    this.#permissions.permitStream(caller, act, stream)
  }

  /** As `Permissions.permitCall`. */
  permitCall(caller: Caller, access: AccessDeclaration): void {
    this.#permissions.permitCall(caller, access)
  }

  /** Whether a caller may know of an endpoint: developers of all, others of those that `permitCall` would let them call. */
  maySee(caller: Caller, access: AccessDeclaration): boolean {
    if (caller.kind === 'developer' || caller.kind === 'open') return true
    try {
      this.permitCall(caller, access)
      return true
    } catch {
      return false
    }
  }

  /**
   * Calls the follower when the caller's token changes or is refused. The returned function stops
   * that.
   */
  follow(caller: Caller, { checking, renewed, refused }: CallerFollower): () => void {
    if (!(caller instanceof TokenCaller)) return () => undefined
    return this.#tokens.hold({
      token: caller.token,
      ...(checking === undefined ? {} : { checking }),
      renewed: (token) => renewed(new TokenCaller(token, caller.place)),
      refused,
    })
  }

  /** Other settings verify tokens: all that are followed are verified again. */
  recheck(): void {
    this.#tokens.checkAll()
  }

  async #verified(authorization: string, place: CallPlace): Promise<Caller> {
    const verifier = this.#verifier
    if (verifier === null) return callerWithoutToken(place, 'anonymous')
    return new TokenCaller(await PresentedToken.check(verifier, authorization), place)
  }

  /** Treats a caller whose token is refused as anonymous, so that public endpoints still answer. */
  #tolerant(credentials: Credentials): Caller | Promise<Caller> {
    const caller = this.authenticate({ ...credentials, urlToken: null })
    if (!(caller instanceof Promise)) return caller
    return caller.catch((thrown: unknown) =>
      callerWithoutToken(credentials.place, 'anonymous', toStreamstackError(thrown)),
    )
  }

  #checkUrlToken({ authorization, urlToken }: Credentials, right: 'caller' | 'reader'): void {
    if (urlToken === null || authorization !== undefined) return
    if (right === 'reader' && this.#options.policy().tokenInUrl) return
    throw new StreamstackError(
      'unauthenticated',
      'Tokens are not read from URLs here, for those end up in logs. Send Authorization: Bearer <token>; an EventSource sends a ticket of POST /v1/tickets, or the operator sets channels.token_in_url.',
    )
  }
}

/** An open server listens on this machine alone. Throws a plain Error that names the cure. */
export function checkOpenHost(isOpen: boolean, host: string): void {
  if (!isOpen || isLoopback(host)) return
  throw new Error(
    `\`streams.access: open\` lets every client write, so it is only for this machine, but the server is to listen on ${host}. Use --host 127.0.0.1, or \`streams.access: closed\` and tokens.`,
  )
}
