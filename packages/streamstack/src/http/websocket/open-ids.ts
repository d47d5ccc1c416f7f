import type { Caller } from '../../access/index.ts'
import type { Engine } from '../../engine/index.ts'
import type { OpenMap } from '../../stream/index.ts'
import type { AuditedMessages } from './audited-messages.ts'
import type { Outbox } from './outbox.ts'

/** What is open under an id of a connection. */
export interface Opened {
  /** Stops it. Null: it cannot be stopped, and its last message follows by itself. */
  readonly leave: (() => void) | null
  /** Cancels its run. Null: it is not a run. */
  readonly cancel: (() => void) | null
  /** Continues with another token, or stops with the error of that token. Null: no token is needed any more. */
  readonly renew: ((caller: Caller) => void) | null
}

/** What a session shares with the parts that open something under its ids. */
export interface SessionParts {
  readonly engine: Engine
  readonly outbox: Outbox
  readonly audited: AuditedMessages
  /** By id. Each part adds what it opens and removes it with its last message. */
  readonly open: OpenMap<string, Opened>
}
