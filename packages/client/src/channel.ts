import type { ChunkKind } from '@streamstack/protocol'
import { randomKey } from './call-request.ts'
import type { LiveSocket } from './live-socket.ts'
import type { Ask, Told } from './shared-socket.ts'
import type { ReaderOptions } from './reader-options.ts'
import { retryDelayMs, sleep } from './retry.ts'
import { RunStream } from './run-stream.ts'
import { answerError, asStreamError, mayRetry, publicError } from './stream-error.ts'

/** What is read of a channel: chunks and events as of a run, but it has no end of its own: it goes on until the reader leaves, or with an error. */
export type ChannelStream<Content = unknown, Metadata = Record<string, unknown>> = Omit<
  RunStream<Content, Metadata>,
  'run' | 'url' | 'cancel' | 'result'
>

export interface SubscribeOptions {
  /** Offset after which to read; `now`: only what comes from now on. Default: all that the channel keeps, then what comes. */
  after?: number | 'now'
  /**
   * When the channel no longer keeps what comes next, as one in memory after a restart: `end` with `offset_expired`, or `restart` with all that it keeps, after the
   * status `gap`. Default: `end`.
   */
  onGap?: 'end' | 'restart'
  /** Whether others see this subscriber in `presence()`, as long as its chunks are taken. Default: false. */
  presence?: boolean
  /** What they see of it. Default: null. */
  data?: unknown
  /** The kinds of chunks that are handed out. Default: `text` and `json`. */
  kinds?: readonly ChunkKind[] | 'all'
  /** Ends reading. */
  signal?: AbortSignal
}

export interface PublishOptions<Metadata = Record<string, unknown>> {
  metadata?: Metadata
  /** By which the server knows the message when it comes again. Default: a fresh one. Give your own where you publish again yourself. */
  key?: string
}

/** A member of a channel, over one or more connections. */
export interface Member {
  id: string
  /** Of the token; null without one. */
  subject: string | null
  /** What the subscriber said with `data`. */
  data: unknown
}

/**
 * Presence of a channel: all members first, and again after a reconnect; then each member that
 * joins, leaves or changes its data.
 */
export type PresenceEvent =
  | { event: 'here'; members: Member[] }
  | { event: 'join' | 'leave' | 'update'; member: Member }

/** A channel by its name. */
export interface Channel<Content = unknown, Metadata = Record<string, unknown>> {
  readonly name: string
  /** Reads what is published, at once. The stream ends when the reader leaves, and with an error when the server refuses it. */
  subscribe(options?: SubscribeOptions): ChannelStream<Content, Metadata>
  /** Resolves when the channel keeps the message; a break is mended without doubling it. Rejects with StreamError. */
  publish(content: Content, options?: PublishOptions<Metadata>): Promise<{ offset: number }>
  /** Reads who is there. Its chunks have no offset. */
  presence(options?: { signal?: AbortSignal }): ChannelStream<PresenceEvent>
}

/** Messages of more characters go over HTTP: a WebSocket that refuses one for its size is closed for all. */
const SOCKET_MESSAGE_CHARACTERS_MAX = 32_768

type Shared = Pick<ReaderOptions, 'transport' | 'socket' | 'retry' | 'silenceMsMax' | 'streams'>

export function openChannel<Content, Metadata>(name: string, shared: Shared): Channel<Content, Metadata> {
  const { transport, socket, retry, silenceMsMax } = shared
  const place = name.split('/').map(encodeURIComponent).join('/')
  const stream = { ...shared, call: null, format: 'ndjson' } as const
  return {
    name,
    subscribe({ after = 0, presence = false, data = null, kinds, signal, onGap } = {}) {
      const query = presence ? `?presence=true&data=${encodeURIComponent(JSON.stringify(data))}` : ''
      const path = `/v1/channels/${place}${query}`
      const ask: Ask = { type: 'subscribe', channel: name, presence, data }
      return new RunStream({ ...stream, path, ask, after, order: 'rising', onGap, kinds }, signal)
    },
    presence({ signal } = {}) {
      const ask = { type: 'presence', channel: name } as const
      return new RunStream({ ...stream, path: `/v1/presence/${place}`, ask, after: 0, order: 'none' }, signal)
    },
    async publish(content, { metadata, key = randomKey() } = {}) {
      const message = { content, metadata }
      const body = JSON.stringify(message)
      for (let attempt = 1, restMs = 0; ; attempt++) {
        const isOnSocket = body.length <= SOCKET_MESSAGE_CHARACTERS_MAX && socket?.isThrough === true
        try {
          // The first user of the connection waits there, for all.
          if (!isOnSocket || socket.isReady) await sleep(restMs)
          if (isOnSocket) return await tell(socket, { type: 'publish', channel: name, ...message, key } as Ask, restMs)
          return await post(body, key)
        } catch (thrown) {
          const error = asStreamError(thrown)
          if (!isOnSocket && error.code === 'connection_lost') socket?.doubtBlock()
          if (!mayRetry(error) || attempt > retry.attempts) throw error
          restMs = retryDelayMs(attempt, retry, error.retryAfterMs)
        }
      }
    },
  }

  async function post(body: string, key: string): Promise<{ offset: number }> {
    const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': key }
    const signal = silenceMsMax === 0 ? null : AbortSignal.timeout(silenceMsMax)
    const response = await transport.send(`/v1/channels/${place}`, { method: 'POST', body, signal }, headers)
    if (!response.ok) throw await answerError(response)
    return (await response.json()) as { offset: number }
  }
}

/** Publishes over the WebSocket. */
function tell(socket: LiveSocket, ask: Ask, restMs: number): Promise<{ offset: number }> {
  return new Promise((resolve, reject) => {
    const take = (message: Told): void => {
      if (message.type === 'published') resolve({ offset: message.offset })
      else if (message.type === 'error') reject(publicError(message.error))
    }
    socket.join({ ask: () => ask, take, fail: reject }, restMs)
  })
}
