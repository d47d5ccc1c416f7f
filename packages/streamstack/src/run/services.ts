import type { Value } from '@streamstack/protocol'
import type { OwnSigner } from '../access/index.ts'
import type { Channels } from '../channel/index.ts'
import type { Conversations } from '../conversation/index.ts'
import type { Outbound } from '../outbound/index.ts'
import type { ModelPrice } from '../provider/index.ts'
import type { RecordStore } from '../table/index.ts'

/** Where runs write what concerns the operator. Fields are plain data without secrets. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** What a run may reach outside itself, handed to it by the server. */
export interface Services {
  /** The records as a caller with these claims may see and change them; null: it has no token. */
  recordsFor(auth: Value): RecordStore
  readonly outbound: Outbound
  /** Signs tokens that the workspace accepts; null: it has no secret of its own. */
  readonly signer: OwnSigner | null
  readonly channels: Channels
  readonly conversations: Conversations
  /** Prices of models, by name. */
  readonly prices: Readonly<Record<string, ModelPrice>>
  readonly log: Logger
  /** `server.errors: public`: messages that are for the operator reach neither callers nor catch blocks. Default: they do. */
  readonly hidesDetails?: boolean
  /** Takes secrets of the workspace out of a text. Default: none are known. */
  readonly hideSecrets?: (text: string) => string
}
