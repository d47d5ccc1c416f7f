import { StreamstackError } from '@streamstack/protocol'
import type { AccessDeclaration } from '../definition/types.ts'
import { authorize } from './authorize.ts'
import type { CallPlace } from './call-place.ts'
import type { Caller } from './caller.ts'
import { isLoopbackHost } from './hosts.ts'
import { foreignOrigin, isForeignRequest } from './page-origin.ts'
import type { AccessPolicy } from './policy.ts'
import type { RouteRight, ServerRight } from './right.ts'
import type { StreamAct } from './stream-rule.ts'
import { cannotCheckTokens } from './token-error.ts'

interface PermissionsOptions {
  readonly policy: () => AccessPolicy
  /** Whether every program on this machine may do everything with streams. */
  readonly isOpen: () => boolean
  /** Whether the server can verify tokens. */
  readonly checksTokens: () => boolean
  /** Called with the failure of an expression of `streams.allow`. */
  readonly onRuleFailure: (error: unknown) => void
}

/** Decides what a caller may do, by the settings of now. */
export class Permissions {
  readonly #options: PermissionsOptions

  constructor(options: PermissionsOptions) {
    this.#options = options
  }

  /**
   * Lets a caller pass that holds a right, by the settings of now.
   *
   * @throws StreamstackError `unauthenticated`, `forbidden`; `unavailable` when a token is needed and the server can verify none.
   */
  permit(caller: Caller, right: RouteRight): void {
    if (typeof right === 'object') return this.#permitScopes(caller, right)
    if (right === 'subject') this.#permitSubject(caller)
    if (right === 'console') this.#permitConsole(caller)
  }

  /**
   * Lets a caller that has the scope do something with a stream by name, by the rule of `streams.allow`. A rule whose expression fails refuses.
   *
   * @throws StreamstackError `forbidden`.
   */
  permitStream({ kind, claims }: Caller, act: StreamAct, stream: string): void {
    const { streamRule } = this.#options.policy()
    if (streamRule === null || kind === 'developer' || this.#options.isOpen()) return
    try {
      if (streamRule.evaluate({ auth: claims, stream, act }) === true) return
    } catch (error) {
      this.#options.onRuleFailure(error)
    }
    throw new StreamstackError('forbidden', 'The rule of streams by name does not allow this caller this stream.')
  }

  /** Lets a caller call an endpoint. Throws as `permit`. */
  permitCall(caller: Caller, access: AccessDeclaration): void {
    if (!access.authentication) return
    if (!this.#options.checksTokens()) {
      throw cannotCheckTokens('This endpoint wants')
    }
    authorize(access, caller.claims)
  }

  #permitScopes({ kind, claims, place }: Caller, rights: readonly ServerRight[]): void {
    if (kind === 'developer') return
    if (this.#options.isOpen()) {
      const fault = this.foreignFault(place)
      if (fault !== null) throw fault
      return
    }
    if (!this.#options.checksTokens()) {
      throw cannotCheckTokens('Streams want')
    }
    for (const right of rights) {
      if (claims === null) throw missing(`This wants a token with the scope ${right}.`)
      if (claims.scopes.includes(right) || claims.roles.includes(right)) continue
      throw new StreamstackError('forbidden', `The token does not hold the scope ${right}.`)
    }
  }

  #permitConsole({ claims, place }: Caller): void {
    const { console: access, isDeveloper } = this.#options.policy()
    if (isDeveloper) {
      const fault = this.foreignFault(place)
      if (fault !== null) throw fault
      if (!isOwnPage(place)) throw foreignOrigin()
      return
    }
    if (access === null) throw consoleIsOff()
    authorize(access, claims, 'the console')
  }

  #permitSubject({ kind, subject, place }: Caller): void {
    if (subject !== null || kind === 'developer') return
    if (this.#options.checksTokens())
      throw missing('There is no token. Send the header `Authorization: Bearer <token>`.')
    if (!this.#options.isOpen()) {
      throw new StreamstackError(
        'forbidden',
        'Runs and conversations are listed to the subject of a token, and this server checks none: set `auth.jwt` or `auth.keys` in streamstack.yaml, or streams.access: open while you try things on your own machine.',
      )
    }
    // A page whose name was made to lead to this machine must not find what it could then read.
    const fault = this.foreignFault(place)
    if (fault !== null) throw fault
  }

  /** Why a caller is not taken for a program or a person on this machine; null: it comes from here, and from no foreign page. */
  foreignFault(place: CallPlace): StreamstackError | null {
    if (!isLoopbackHost(place.host)) {
      return new StreamstackError(
        'forbidden',
        'With `streams.access: open`, call this server by localhost or 127.0.0.1.',
      )
    }
    return isForeignRequest(this.#options.policy().cors, place) ? foreignOrigin() : null
  }
}

/** Pages that `server.cors` lets call endpoints have no business in the workspace itself. */
export function isOwnPage({ origin, host }: CallPlace): boolean {
  return origin === undefined || (URL.canParse(origin) && new URL(origin).host === host)
}

function consoleIsOff(): StreamstackError {
  return new StreamstackError(
    'endpoint_unknown',
    'The console is off. `console.access` in streamstack.yaml names who may use it.',
  )
}

function missing(message: string): StreamstackError {
  return new StreamstackError('unauthenticated', message, { details: { reason: 'missing' } })
}
