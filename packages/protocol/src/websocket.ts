import type { ChunkKind } from './chunk-kind.ts'
import type { Outcome } from './chunk.ts'
import type { PublicError } from './errors.ts'

/**
 * The WebSocket protocol of `/v1/ws`: JSON objects as text messages, one object a message. Many streams share one connection; `id` is what the
 * client calls each of them, unique among those that are open on the connection: 1 to 64 letters, digits and `_ . : / -`.
 *
 * Whatever is asked for under an id gets one last word under it, `end`, `left`, `published` or `error`, after which the id is free. A message that is
 * not of this protocol gets an `error` without an id and then the close code 4400; so does an id that is open already. Fields that are not known are refused.
 */

/** Offered in `Sec-WebSocket-Protocol`; next to it browsers may send a token as `streamstack.token.<the token>`, since they can set no header. */
export const WEBSOCKET_PROTOCOL = 'streamstack.v1'
export const WEBSOCKET_TOKEN_PREFIX = 'streamstack.token.'

/** What a client sends. */
export type ClientMessage =
  /**
   * The token of the connection: first of all, or later to replace one that is about to expire, of the same subject (else 4401). Null: no token, where
   * there was no token before.
   */
  | { type: 'auth'; token: string | null }
  /** Calls an endpoint and reads its run. With a key that was used before: reads that run on, after `after`. */
  | {
      type: 'call'
      id: string
      /** `POST /api/chat`; path parameters filled in, no query. */
      endpoint: string
      inputs?: Record<string, unknown>
      key?: string
      after?: number
    }
  /**
   * Reads a stream by the path of its URL, as `/v1/stream/runs/<id>`; `after` an offset, or `now` for what comes alone. Default: from its start, and where
   * a stream never ends, from what is kept of it. Offsets of streams by name are texts, the same as over HTTP, with 0 or `-1` for the start.
   */
  | { type: 'read'; id: string; stream: string; after?: number | string }
  /** Reads a channel: its history and then what comes. `after`: an offset, or `now` for what comes alone. `presence`: be seen there, with `data` for others to see. */
  | { type: 'subscribe'; id: string; channel: string; after?: number | 'now'; presence?: boolean; data?: unknown }
  /** Reads who is there: one `chunk` with all members, then one for each that joins or leaves. */
  | { type: 'presence'; id: string; channel: string }
  /** With a key, a publish that is sent again adds nothing. */
  | { type: 'publish'; id: string; channel: string; content: unknown; metadata?: Record<string, unknown>; key?: string }
  /** Stops reading; a run goes on by its `on_disconnect`. Nothing happens when the id is not open: its last word is on the way. */
  | { type: 'leave'; id: string }
  /** Ends the run that is read under this id; its `end` follows. As with `leave`, an id that is not open is passed over. */
  | { type: 'cancel'; id: string }
  | { type: 'ping' }

/** What the server sends. */
export type ServerMessage =
  /** First of all, and after each `auth` that is taken. `expires_in`: seconds until the token expires, null: never, or there is none. */
  | { type: 'welcome'; subject: string | null; expires_in: number | null }
  /** A stream is open under an id: what comes next begins after `after`. `url` is where it can be read on, `run` its run. */
  | { type: 'open'; id: string; url: string; run: string | null; after: number }
  /** `kind` is there where the chunk is no content: neither `text` nor `json`. */
  | {
      type: 'chunk'
      id: string
      offset: number
      kind?: ChunkKind
      content: unknown
      metadata: Record<string, unknown> | null
    }
  /** An error that stands in the stream, at an offset of its own. */
  | { type: 'fault'; id: string; offset: number; error: PublicError }
  /** The stream is over; the id is free. */
  | { type: 'end'; id: string; outcome: Outcome; offset: number; error: PublicError | null }
  | { type: 'published'; id: string; offset: number }
  /** The stream is left; the id is free. */
  | { type: 'left'; id: string }
  /** What was asked under an id is refused or broken off, and the id is free; null: it concerns the connection, or an id that stays as it is. */
  | { type: 'error'; id: string | null; error: PublicError }
  /**
   * The token expires in so many seconds: send `auth` with another one. Told once for each: 30 seconds before, or at half of its time where it had less than
   * a minute.
   */
  | { type: 'expiring'; expires_in: number }
  | { type: 'pong' }

/**
 * What comes of a stream by name, `/v1/stream/<name>`, besides `left` and `error`. Its offsets are texts, the `Stream-Next-Offset` of the Durable Streams
 * protocol, and good over HTTP, too. Like a page over HTTP, a chunk brings what one or more appends added, and its offset is behind all of it.
 */
export type NamedStreamMessage =
  | {
      type: 'open'
      id: string
      url: string
      run: null
      after: string
      /** As it was given when the stream was made. */
      content_type: string
      /**
       * How `content` is to be read. `json`: an array of the messages of an `application/json` stream. `text`: text, of `text/*` in UTF-8, in whole characters.
       * `base64`: bytes, each chunk by itself.
       */
      encoding: 'json' | 'text' | 'base64'
    }
  | { type: 'chunk'; id: string; offset: string; content: unknown; metadata: null }
  /** The stream was closed. */
  | { type: 'end'; id: string; outcome: 'completed'; offset: string; error: null }

/** How a connection can end (RFC 6455 §7.4), and whether coming back helps. Streams are read on by their offsets. */
export const CLOSE_CODES = {
  going_away: { code: 1001, comeBack: true, reason: 'The page or the server went away.' },
  protocol_error: { code: 1002, comeBack: false, reason: 'A frame is not as RFC 6455 asks.' },
  text_invalid: { code: 1007, comeBack: false, reason: 'A message is not UTF-8.' },
  too_large: { code: 1009, comeBack: false, reason: 'A message was larger than server.body_limit.' },
  server_error: { code: 1011, comeBack: true, reason: 'The server met an error.' },
  restarting: { code: 1012, comeBack: true, reason: 'The server is stopping or restarting.' },
  overloaded: { code: 1013, comeBack: true, reason: 'The server has too many connections or holds as much as it can.' },
  message_invalid: { code: 4400, comeBack: false, reason: 'A message is not of this protocol.' },
  unauthenticated: { code: 4401, comeBack: false, reason: 'The token is missing or not valid.' },
  token_expired: {
    code: 4402,
    comeBack: true,
    reason: 'The token has expired or is no longer taken; come back with a fresh one.',
  },
  auth_timeout: { code: 4408, comeBack: true, reason: 'No auth message came in time.' },
  too_many: { code: 4429, comeBack: true, reason: 'Too many messages at once; come back more slowly.' },
  too_slow: { code: 4440, comeBack: true, reason: 'The reader took too little; come back after its last offsets.' },
} as const satisfies Record<string, { code: number; comeBack: boolean; reason: string }>

export type CloseName = keyof typeof CLOSE_CODES
