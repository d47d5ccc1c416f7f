import {
  type ClientMessage,
  type PublicError,
  type ServerMessage,
  WEBSOCKET_PROTOCOL,
  WEBSOCKET_TOKEN_PREFIX,
} from '@streamstack/protocol'
import type { SocketUser, Told } from './shared-socket.ts'
import { page } from './page.ts'
import { sleep } from './retry.ts'
import { type SocketConnectionOptions, socketConnection } from './socket-connection.ts'
import { StreamError, asStreamError, lost, publicError } from './stream-error.ts'
import type { Transport } from './transport.ts'
import type { Connection } from './wire.ts'

/** How long a handshake may take, and a sign of life when the page has reason to doubt. */
const HANDSHAKE_MS_MAX = 10_000
const DOUBT_MS_MAX = 5_000

/** Idle time after which the connection is closed. */
const IDLE_MS_MAX = 3_000

/** Connections that cannot be opened until WebSockets count as blocked. */
const FAILED_HANDSHAKES_MAX = 2

/** Messages that free their id. */
const LAST_TYPES = ['end', 'published', 'left', 'error']

/** After these coming back does not help (CLOSE_CODES). Whether 4401 is one depends on the token. */
const LAST_CODES = [1002, 1007, 1009, 4400, 4401]
const UNAUTHENTICATED = 4401
const TOKEN_EXPIRED = 4402

/** What tells a page that its connection may have died unnoticed. */
const SIGNS = ['online', 'offline', 'visibilitychange']

/**
 * The one WebSocket of a client: opened for its first user, closed when it has none. It does not reconnect by itself: all users are notified when it
 * breaks, and the first that asks again says how long to wait before.
 */
export class LiveSocket {
  /** Reads one stream; see `socketConnection`. Readers come here so that clients without a WebSocket do not carry it. */
  connection(options: SocketConnectionOptions): Promise<Connection> {
    return socketConnection(this, options)
  }

  /** Whether it can be asked something at once. */
  isReady = false
  readonly #transport: Transport
  /** So long nothing may come until the server is asked for a sign of life, and so long that may take. */
  readonly #quietMsMax: number
  #users = new Map<string, SocketUser>()
  #lastId = 0
  /** Null while it is closed; ends the wait for it, and what the page is listened to for. */
  #open: AbortController | null = null
  #socket: WebSocket | null = null
  #quietTimer: ReturnType<typeof setTimeout> | undefined
  #idleTimer: ReturnType<typeof setTimeout> | undefined
  /** Messages that came, to notice when none does. */
  #received = 0
  #failedHandshakes = 0
  #isTokenRefused = false
  /** Sent last. */
  #token: string | undefined
  /** Told of the whole connection, before it is closed. */
  #fault: PublicError | null = null

  constructor(transport: Transport, silenceMsMax: number) {
    this.#transport = transport
    this.#quietMsMax = silenceMsMax / 2 || Infinity
  }

  /** Whether WebSockets exist here and, as far as is known, get through. */
  get isThrough(): boolean {
    return typeof WebSocket === 'function' && this.#failedHandshakes < FAILED_HANDSHAKES_MAX
  }

  /** Nothing else gets through either: so nothing is known about WebSockets. */
  doubtBlock(): void {
    this.#failedHandshakes = 0
  }

  /** Asks what the user wants to know, now or when the connection is there. Gives the id to leave with. */
  join(user: SocketUser, restMs: number): string {
    const id = String(++this.#lastId)
    this.#users.set(id, user)
    clearTimeout(this.#idleTimer)
    if (this.isReady) this.#send({ ...user.ask(), id })
    else if (this.#open === null) void this.#dial(restMs)
    return id
  }

  leave(id: string): void {
    if (this.isReady && this.#users.has(id)) this.#send({ type: 'leave', id })
    this.#forget(id)
  }

  /** Closes the connection and notifies its users. */
  close(error: StreamError): void {
    const users = this.#users
    this.#users = new Map()
    this.#hangUp()
    for (const user of users.values()) user.fail(error)
  }

  async #dial(restMs: number): Promise<void> {
    const { signal } = (this.#open = new AbortController())
    await sleep(restMs, signal)
    if (signal.aborted) return
    try {
      this.#expect(Math.min(HANDSHAKE_MS_MAX, 2 * this.#quietMsMax), true)
      const token = (this.#token = await this.#transport.token())
      if (signal.aborted) return
      const protocols = [WEBSOCKET_PROTOCOL]
      const url = this.#transport.socketUrl()
      if (token !== undefined) {
        if (this.#transport.usesTickets) url.searchParams.set('ticket', await this.#transport.ticket('/v1/ws'))
        else protocols.push(WEBSOCKET_TOKEN_PREFIX + token)
        if (signal.aborted) return
      }
      const socket = (this.#socket = new WebSocket(url, protocols))
      const take = ({ data }: MessageEvent): void => {
        try {
          this.#take(data as string)
        } catch (thrown) {
          this.#break(asStreamError(thrown))
        }
      }
      socket.addEventListener('message', take, { signal })
      socket.addEventListener('close', ({ code, reason }) => this.#break(this.#closeError(code, reason)), { signal })
      // Chrome tells of a WebSocket that a page's policy forbids by `error` alone; else `close` follows in the same task.
      const fail = (): void => {
        if (!signal.aborted && socket.readyState === WebSocket.CLOSED) this.#break(lost('The WebSocket was blocked.'))
      }
      socket.addEventListener('error', () => setTimeout(fail), { signal })
      for (const sign of SIGNS) page.addEventListener?.(sign, this.#doubt, { signal })
    } catch (thrown) {
      if (!signal.aborted) this.#break(asStreamError(thrown))
    }
  }

  #take(text: string): void {
    this.#received++
    const message = JSON.parse(text) as ServerMessage
    if (message.type === 'welcome') this.#welcome()
    else if (message.type === 'expiring') void this.#renewToken()
    else if (message.type === 'error' && message.id === null) this.#fault = message.error
    else if (message.type !== 'pong') {
      const told = message as Told
      const user = this.#users.get(told.id)
      if (LAST_TYPES.includes(told.type)) this.#forget(told.id)
      user?.take(told, text.length)
    }
  }

  #welcome(): void {
    if (this.isReady) return
    this.isReady = true
    // What got through once is not blocked: when it fails later, the server is away.
    this.#failedHandshakes = -Infinity
    this.#isTokenRefused = false
    this.#expect(this.#quietMsMax, false)
    for (const [id, user] of this.#users) this.#send({ ...user.ask(), id })
  }

  /** A token that cannot be had now, or is the same, is no fault yet: the server closes the connection when it is. */
  async #renewToken(): Promise<void> {
    const socket = this.#socket
    const token = await this.#transport.token().catch(() => undefined)
    if (token === undefined || token === this.#token || socket !== this.#socket) return
    this.#send({ type: 'auth', token: (this.#token = token) })
  }

  #send(message: ClientMessage): void {
    this.#socket?.send(JSON.stringify(message))
  }

  /** When nothing comes for so long, the server is asked for a sign of life; when it was asked already, the connection is dead. */
  #expect(ms: number, isAsked: boolean): void {
    clearTimeout(this.#quietTimer)
    if (ms === Infinity) return
    const received = this.#received
    this.#quietTimer = setTimeout(() => {
      if (received !== this.#received) this.#expect(this.#quietMsMax, false)
      else if (isAsked) this.#break(lost(`Nothing came for ${ms} ms.`))
      else this.#ping(ms)
    }, ms)
  }

  #ping(ms: number): void {
    this.#send({ type: 'ping' })
    this.#expect(ms, true)
  }

  /** After sleep or another network a connection may be dead and not know it. */
  readonly #doubt = (): void => {
    if (this.isReady) this.#ping(Math.min(DOUBT_MS_MAX, this.#quietMsMax))
  }

  #closeError(code: number, reason: string): StreamError {
    const isOver = LAST_CODES.includes(code)
    const isRefused = code === UNAUTHENTICATED
    // The source may have a better token.
    const mayComeBack = !isOver || (isRefused && !this.#isTokenRefused && this.#transport.renewsToken)
    this.#isTokenRefused ||= isRefused
    if (this.#fault !== null) return publicError(this.#fault, mayComeBack)
    const name =
      isRefused || code === TOKEN_EXPIRED ? 'unauthenticated' : isOver ? `websocket_${code}` : 'connection_lost'
    return new StreamError(name, reason || `The connection was closed with code ${code}.`, { recoverable: mayComeBack })
  }

  #break(error: StreamError): void {
    // Whatever kept it from being opened: HTTP will show.
    if (!this.isReady) this.#failedHandshakes++
    this.close(error)
  }

  #forget(id: string): void {
    if (!this.#users.delete(id) || this.#users.size > 0) return
    if (this.isReady) this.#idleTimer = setTimeout(() => this.#hangUp(), IDLE_MS_MAX)
    else this.#hangUp()
  }

  #hangUp(): void {
    this.#open?.abort()
    this.#socket?.close()
    this.isReady = false
    this.#open = this.#socket = this.#fault = null
    clearTimeout(this.#quietTimer)
    clearTimeout(this.#idleTimer)
  }
}
