import type { ChunkKind, DecodedChunk, Outcome } from '@streamstack/protocol'
import type { CallRequest } from './call-request.ts'
import type { LiveSocket } from './live-socket.ts'
import type { RetryOptions } from './retry.ts'
import type { Ask } from './shared-socket.ts'
import type { StreamError } from './stream-error.ts'
import type { Transport } from './transport.ts'
import type { StreamFormat } from './wire.ts'

/** Where a stream stands: `reconnecting` from the break until something answers again, `gap` when that begins anew because the server no longer keeps what is missing. */
export type ReaderStatus = 'connecting' | 'open' | 'reconnecting' | 'gap' | 'ended'

/** How the offsets of a stream follow each other: each one, with gaps of what this reader may not see, or without any meaning to it. */
export type OffsetOrder = 'next' | 'rising' | 'none'

export interface ReaderOptions {
  /** The streams of the client that have not ended; each is in it as long. */
  streams?: Set<{ close(): void }>
  transport: Transport
  /** Null: everything goes over HTTP. */
  socket: LiveSocket | null
  /** Null for what goes on already. */
  call: CallRequest | null
  /** Path of the stream; null until an answer told it. */
  path: string | null
  /** What a WebSocket is asked, without an offset; null: to call, or to read the path. */
  ask: Ask | null
  /** Offset after which to read; `now`: what comes alone. */
  after: number | 'now'
  /** Whatever is not `next` has no end of its own. */
  order: OffsetOrder
  /** What becomes of a stream when the server no longer keeps what comes next. Default: it ends. */
  onGap?: 'end' | 'restart' | undefined
  format: StreamFormat
  /** The kinds of chunks that are handed out. Default: `text` and `json`. */
  kinds?: readonly ChunkKind[] | 'all' | undefined
  /** The caller's own. */
  headers?: Readonly<Record<string, string>> | undefined
  retry: Required<RetryOptions>
  /** How long a connection that should show signs of life may show none; 0: for ever. */
  silenceMsMax: number
  /** `waitMs`: how long a reader that reconnects waits before it does. */
  onStatus: (status: ReaderStatus, cause: StreamError | null, waitMs: number) => void
}

/** A chunk as it is handed out. */
export type ReadChunk = Pick<DecodedChunk, 'kind' | 'content' | 'metadata' | 'offset'>

/** How reading ended. */
export interface ReaderEnd {
  outcome: Outcome | null
  error: StreamError | null
}
