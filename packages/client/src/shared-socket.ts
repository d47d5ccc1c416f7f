import type { ClientMessage, ServerMessage } from '@streamstack/protocol'
import type { StreamError } from './stream-error.ts'

/** What a client asks under an id, which the connection adds. */
export type Ask = ClientMessage extends infer Message
  ? Message extends { id: string }
    ? Omit<Message, 'id'>
    : never
  : never

/** A message about one id. */
export type Told = ServerMessage & { id: string }

/** A user of the connection. */
export interface SocketUser {
  /** What is asked, at the moment in which the connection is there. */
  ask(): Ask
  /** `size`: characters of the message. */
  take(message: Told, size: number): void
  /** The connection broke, and nothing more will come. */
  fail(error: StreamError): void
}

/** A WebSocket that several streams share. */
export interface SharedSocket {
  /** Asks what a user asks, under an id of its own, which it returns. `restMs`: how long to wait when the connection has to be opened first. */
  join(user: SocketUser, restMs: number): string
  leave(id: string): void
}
