import type { Duplex } from 'node:stream'
import { CLOSE_CODES, type CloseName, StreamstackError, publicError, toStreamstackError } from '@streamstack/protocol'
import type { WebSocket } from 'ws'
import type { Caller, PresentedTicket } from '../../access/index.ts'
import type { Engine } from '../../engine/index.ts'
import type { CallTurns } from '../call-turns.ts'
import { auditRefusedSocket } from './audited-messages.ts'
import type { readClientMessage } from './client-message.ts'
import { ConnectionToken } from './connection-token.ts'
import { Inbox } from './inbox.ts'
import { MessageRate } from './message-rate.ts'
import { Outbox } from './outbox.ts'
import { after } from '../../storage/index.ts'
import { Session } from './session.ts'
import { UnfinishedMessage } from './unfinished-message.ts'

/** How long the other side may take to close before the connection is broken. */
const CLOSING_MS = 10_000

/** The same where nothing more of it is read, so that it only has to hear why. */
const TELLING_MS = 300

export interface ConnectionOptions {
  engine: Engine
  /** In which its messages are handled. */
  turns: CallTurns
  webSocket: WebSocket
  /** What it runs on. */
  socket: Duplex
  /** Of the handshake, whose token is yet to be verified. */
  caller: Caller
  /** That came with the handshake; null: none did. */
  token: string | null
  /** The same, of a ticket, which counts where there is no token. */
  ticket: PresentedTicket | null
  /** The connection is gone. */
  onGone: () => void
}

/** One WebSocket: messages in, in order; its token and the time that this has; whether the other side still lives and takes what it gets. */
export class Connection {
  readonly #engine: Engine
  readonly #webSocket: WebSocket
  readonly #onGone: () => void
  readonly #outbox: Outbox
  readonly #session: Session
  /** While it is being checked what comes waits in the inbox, and the socket is read no further. */
  readonly #token: ConnectionToken
  readonly #rate: MessageRate
  readonly #openedMs = performance.now()
  /** Whether it was given anything: a connection that has no token either has no reason to stay. */
  #hasAsked = false
  #isClosed = false
  /** The client has closed, and messages that it sent before wait for their turns. */
  #isLeaving = false
  readonly #inbox: Inbox
  readonly #unfinished: UnfinishedMessage
  /** When the other side was last heard of, and when it was asked for a sign of life that has not come. Monotonic clock. */
  #heardMs = performance.now()
  #askedMs: number | null = null

  constructor({ engine, turns, webSocket, socket, caller, token, ticket, onGone }: ConnectionOptions) {
    const { queueBytesMax, messageRate, maxStreams } = engine.settings.server.websocket
    this.#engine = engine
    this.#webSocket = webSocket
    this.#outbox = new Outbox(socket, queueBytesMax, () => this.#taken())
    this.#session = new Session({ engine, caller, outbox: this.#outbox })
    this.#token = new ConnectionToken({
      engine,
      session: this.#session,
      outbox: this.#outbox,
      close: (name) => this.close(name),
      onHeld: () => this.#readOrWait(),
      onFree: () => this.#goOn(),
      onFault: (thrown) => this.#refuse(thrown),
    })
    this.#inbox = new Inbox({
      turns,
      caller: () => this.caller,
      isHeld: () => this.#token.isChecking,
      handle: (read) => this.#handle(read),
      onHandled: () => {
        if (this.#isLeaving && !this.#inbox.isWaiting) this.#leave()
        else this.#readOrWait()
      },
    })
    this.#unfinished = new UnfinishedMessage(socket, () => this.#giveUp())
    this.#onGone = onGone
    // A client that reconnects asks for all its streams at once.
    this.#rate = new MessageRate(messageRate, messageRate + maxStreams)
    webSocket.on('message', (data, isBinary) => this.#received(data as Buffer, isBinary))
    webSocket.on('ping', (data) => this.#pinged(data))
    webSocket.on('pong', (data) => {
      this.#unfinished.tookControl(data.length)
      this.#heard()
    })
    // What is wrong with a frame has closed the connection already, with its own code.
    webSocket.on('error', () => undefined)
    webSocket.on('close', () => {
      if (this.#inbox.isWaiting) this.#isLeaving = true
      else this.#leave()
    })
    this.#token.begin(token, ticket)
  }

  get caller(): Caller {
    return this.#session.caller
  }

  get readsRun(): boolean {
    return this.#session.readsRun
  }

  /** Ends the connection: says why, leaves its streams, takes nothing more. */
  close(name: CloseName): void {
    if (this.#isClosed) return
    this.#end()
    const { code, reason } = CLOSE_CODES[name]
    this.#webSocket.close(code, reason)
    // A connection that is not read would never see that the other side has closed, too.
    this.#webSocket.resume()
    const timer = setTimeout(() => this.#webSocket.terminate(), CLOSING_MS).unref()
    this.#webSocket.once('close', () => clearTimeout(timer))
  }

  /** Closes a connection whose message is held until it is complete, while the server holds as much as it can. */
  #giveUp(): void {
    if (this.#isClosed) return
    this.#end()
    const { code, reason } = CLOSE_CODES.overloaded
    this.#webSocket.close(code, reason)
    this.#webSocket.pause()
    const timer = setTimeout(() => this.#webSocket.terminate(), TELLING_MS).unref()
    this.#webSocket.once('close', () => clearTimeout(timer))
  }

  /** Breaks it off. */
  terminate(): void {
    this.#webSocket.terminate()
  }

  /** Looks at the clocks: `nowMs` on the monotonic one. `isLate`: what has come by now may not have been read. */
  tick(nowMs: number, isLate: boolean): void {
    if (this.#isClosed || !this.#token.isValid()) return
    // Runs may come to their end while the server stops. Nothing else here does.
    if (this.#engine.isDraining && !this.readsRun) return this.close('restarting')
    const { websocket } = this.#engine.settings.server
    const { heartbeatMs } = this.#engine.settings.streams
    const isSilent = !this.#hasAsked && !this.#token.wasPresented
    if (isSilent && nowMs - this.#openedMs >= websocket.authTimeoutMs) return this.close('auth_timeout')
    this.#session.tick()
    const { blockedSinceMs } = this.#outbox
    // A ping would wait behind what is not taken: what tells is whether it is.
    if (blockedSinceMs !== null) {
      if (nowMs - blockedSinceMs >= websocket.slowTimeoutMs) this.close('too_slow')
    } else if (this.#webSocket.isPaused) {
      // What it says now is not read.
      this.#heard()
    } else if (this.#askedMs !== null) {
      if (!isLate && nowMs - this.#askedMs >= heartbeatMs) this.terminate()
    } else if (nowMs - this.#heardMs >= heartbeatMs) {
      this.#askedMs = nowMs
      this.#webSocket.ping()
    }
  }

  #heard(): void {
    this.#heardMs = performance.now()
    this.#askedMs = null
  }

  /** The socket has taken all: that is a sign of life, and there is room for answers again. */
  #taken(): void {
    this.#heard()
    this.#readOrWait()
  }

  #pinged(data: Buffer): void {
    this.#unfinished.tookControl(data.length)
    this.#heard()
    if (this.#isClosed) return
    if (!this.#rate.take(this.#heardMs)) return this.close('too_many')
    // A client that does not read what it receives needs no pong (RFC 6455 §5.5.3 lets the last one stand for all).
    if (!this.#outbox.isFull) this.#webSocket.pong(data)
  }

  #received(data: Buffer, isBinary: boolean): void {
    this.#unfinished.tookMessage(data.length)
    this.#heard()
    if (this.#isClosed) return
    if (!this.#rate.take(this.#heardMs)) return this.close('too_many')
    if (isBinary) {
      return this.#refuse(
        new StreamstackError('message_invalid', 'Messages are JSON as text; this one came as binary.'),
      )
    }
    this.#inbox.take(data.toString())
    this.#readOrWait()
  }

  #goOn(): void {
    this.#inbox.goOn()
    this.#readOrWait()
  }

  /** Reads no further while there is no room for answers, or messages wait for a token to be checked. */
  #readOrWait(): void {
    if (this.#isClosed) return
    const mustWait = this.#token.isChecking || this.#inbox.isWaiting || this.#outbox.isFull
    if (mustWait && !this.#webSocket.isPaused) this.#webSocket.pause()
    else if (!mustWait && this.#webSocket.isPaused) this.#webSocket.resume()
  }

  #handle(read: () => ReturnType<typeof readClientMessage>): void {
    if (!this.#token.isValid()) return
    try {
      const message = read()
      if (message.type === 'ping') return this.#outbox.send({ type: 'pong' })
      if (message.type === 'auth') this.#token.present(message.token)
      else if (message.type === 'leave') this.#session.leave(message.id)
      else if (message.type === 'cancel') this.#session.cancel(message.id)
      else this.#ask(message)
    } catch (thrown) {
      this.#refuse(thrown)
    }
  }

  #ask(message: Parameters<Session['take']>[0]): void {
    void after(this.#session.take(message), (isServed) => {
      if (isServed) this.#hasAsked = true
    })
  }

  /** What is not of the protocol. */
  #refuse(thrown: unknown): void {
    const error = toStreamstackError(thrown)
    auditRefusedSocket(this.#engine, this.#session.caller, error)
    if (error.code === 'internal') this.#engine.log.error({ err: error.cause }, 'a message could not be taken')
    this.#outbox.send({ type: 'error', id: null, error: publicError(error) })
    this.close(error.code === 'internal' ? 'server_error' : 'message_invalid')
  }

  #leave(): void {
    this.#isLeaving = false
    this.#end()
    this.#onGone()
  }

  #end(): void {
    this.#isClosed = true
    this.#unfinished.end()
    this.#inbox.clear()
    this.#token.end()
    this.#session.close()
    this.#outbox.close()
  }
}
