import type { StreamStore } from '../stream-store/index.ts'

export interface ChannelSettings {
  /** Channels in memory at the same time. */
  readonly maxOpen: number
  /** What all of them may hold there. */
  readonly memoryBytes: number
  /** What one may hold there. */
  readonly windowBytes: number
  readonly presenceGraceMs: number
}

/** What channels tell of themselves, as it happens. */
export interface ChannelObserver {
  /** Called when readers can read a message of a channel, with the name in its declaration. */
  published(declared: string): void
  /** A channel of a declaration was evicted with its messages, for want of room. */
  evicted(declared: string): void
  /** A message was refused, with the code of the error. */
  refused(code: string): void
}

/** What the channels of a workspace need around them. */
export interface ChannelsOptions {
  readonly settings: () => ChannelSettings
  readonly store: () => StreamStore
  /** Whether the server can verify tokens. If not, callers that need one receive 503. */
  readonly checksTokens: () => boolean
  readonly observer: ChannelObserver
  readonly log: { warn(fields: object, message: string): void; error(fields: object, message: string): void }
  /** Milliseconds since 1970, of a clock that does not jump. */
  readonly nowMs: () => number
}
