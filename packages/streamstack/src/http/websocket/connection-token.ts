import { type CloseName, StreamstackError, publicError } from '@streamstack/protocol'
import type { Caller, PresentedTicket } from '../../access/index.ts'
import type { Engine } from '../../engine/index.ts'
import { auditRefusedSocket } from './audited-messages.ts'
import { expiresInSeconds, isExpired, warnAtMs } from './token-time.ts'
import type { Outbox } from './outbox.ts'
import type { Session } from './session.ts'
import { socketError } from './socket-error.ts'

export interface ConnectionTokenOptions {
  engine: Engine
  session: Session
  outbox: Outbox
  close: (name: CloseName) => void
  /** A check has begun: what comes meanwhile waits. */
  onHeld: () => void
  /** A check is over. */
  onFree: () => void
  /** Something failed that no token can be blamed for. */
  onFault: (thrown: unknown) => void
}

/** The token of a connection: verified, renewed by its client, verified again when the settings change, and over at its time. */
export class ConnectionToken {
  /** Whether the client has presented one. */
  wasPresented = false
  readonly #options: ConnectionTokenOptions
  /** When to tell that the token expires, milliseconds since 1970; Infinity: told, or it does not. */
  #warnAtMs = Infinity
  /** One is being checked. */
  #isChecking = false
  /** The same, of the one that it has, by settings that hold now. */
  #isCheckingAgain = false
  /** Lets go of the one that it has. */
  #letGo = (): unknown => undefined
  #isEnded = false

  constructor(options: ConnectionTokenOptions) {
    this.#options = options
  }

  /** Whether what comes waits until a token is checked. */
  get isChecking(): boolean {
    return this.#isChecking || this.#isCheckingAgain
  }

  /** Takes what came with the handshake: a token, else a ticket, else nothing. */
  begin(token: string | null, ticket: PresentedTicket | null): void {
    const { engine, session } = this.#options
    if (token !== null) this.#check(engine.access.authenticateToken(token, session.caller.place))
    else if (ticket !== null) this.#check(engine.access.authenticateTicket(ticket, session.caller.place))
    else this.#welcomeAnonymous()
  }

  /** Takes what a message presents; null: nothing. */
  present(token: string | null): void {
    const { engine, session } = this.#options
    if (token !== null) this.#check(engine.access.authenticateToken(token, session.caller.place))
    else if (session.caller.kind !== 'token') this.#welcomeAnonymous()
    else this.#otherSubject()
  }

  /** False: the token is over, and the connection with it. Tells its client before. */
  isValid(): boolean {
    const { session, outbox, close } = this.#options
    const { caller } = session
    if (caller.kind !== 'token') return true
    const nowMs = Date.now()
    if (nowMs >= caller.endsAtMs) {
      close('token_expired')
      return false
    }
    if (nowMs >= this.#warnAtMs) {
      this.#warnAtMs = Infinity
      outbox.send({ type: 'expiring', expires_in: expiresInSeconds(caller) ?? 0 })
    }
    return true
  }

  /** The connection is over. */
  end(): void {
    this.#isEnded = true
    this.#letGo()
  }

  #welcomeAnonymous(): void {
    this.#options.outbox.send({ type: 'welcome', subject: null, expires_in: null })
  }

  #check(verified: Promise<Caller>): void {
    const { onHeld, onFree, onFault } = this.#options
    this.#isChecking = true
    this.wasPresented = true
    onHeld()
    verified
      .then(
        (caller) => this.#accept(caller),
        (thrown: unknown) => this.#refuse(thrown),
      )
      .then(() => {
        this.#isChecking = false
        onFree()
      })
      .catch(onFault)
  }

  #accept(caller: Caller): void {
    if (this.#isEnded) return
    const { session, outbox } = this.#options
    const before = session.caller
    const isFirst = before.kind !== 'token'
    if (!isFirst && before.subject !== caller.subject) return this.#otherSubject()
    // One that was told of already, or is no better, would only be sent again.
    if (isFirst || caller.expiresAtMs !== before.expiresAtMs) this.#warnAtMs = warnAtMs(caller)
    outbox.send({ type: 'welcome', subject: caller.subject, expires_in: expiresInSeconds(caller) })
    this.#hold(caller)
    session.accept(caller)
    this.isValid()
  }

  /** From now on the token of a caller is checked again when other settings hold. */
  #hold(caller: Caller): void {
    const { engine, session, onHeld, onFree } = this.#options
    this.#letGo()
    this.#isCheckingAgain = false
    this.#letGo = engine.access.follow(caller, {
      checking: () => {
        this.#isCheckingAgain = true
        onHeld()
      },
      renewed: (again) => {
        this.#isCheckingAgain = false
        session.accept(again)
        if (this.isValid()) onFree()
      },
      refused: (error) => this.#fail(error, error.code === 'unauthenticated' ? 'token_expired' : 'server_error'),
    })
  }

  /** What is open belongs to the first subject, and the next may not see it. */
  #otherSubject(): void {
    const message = 'The token names another subject than the one before it. Open a connection of its own for that one.'
    const error = new StreamstackError('forbidden', message)
    auditRefusedSocket(this.#options.engine, this.#options.session.caller, error)
    this.#fail(error, 'unauthenticated')
  }

  #refuse(thrown: unknown): void {
    if (this.#isEnded) return
    const { engine, session } = this.#options
    const error = socketError(thrown)
    auditRefusedSocket(engine, session.caller, error)
    if (error.code === 'unauthenticated') this.#fail(error, isExpired(error) ? 'token_expired' : 'unauthenticated')
    // The keys could not be fetched: that says nothing of the token, and one that was taken before still holds.
    else this.#fail(error, session.caller.kind === 'token' ? null : 'server_error')
  }

  /** Sends an error about the connection and closes it under a name; null: it stays open. */
  #fail(error: StreamstackError, name: CloseName | null): void {
    this.#options.outbox.send({ type: 'error', id: null, error: publicError(error) })
    if (name !== null) this.#options.close(name)
  }
}
