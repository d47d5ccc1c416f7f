import { StreamstackError, publicError, toStreamstackError } from '@streamstack/protocol'
import type { Caller } from '../../access/index.ts'
import type { Engine } from '../../engine/index.ts'
import { OpenMap } from '../../stream/index.ts'
import { type AskedMessage, AuditedMessages } from './audited-messages.ts'
import { type Found, MessageFinder } from './message-finder.ts'
import type { Opened } from './open-ids.ts'
import type { Outbox } from './outbox.ts'
import { SessionReaders } from './session-readers.ts'
import { socketError } from './socket-error.ts'

export interface SessionOptions {
  engine: Engine
  /** Of the handshake. */
  caller: Caller
  outbox: Outbox
}

/** Codes of refusals after which a connection counts as one that has received nothing. */
const TURNED_AWAY: ReadonlySet<string> = new Set([
  'unauthenticated',
  'forbidden',
  'message_invalid',
  'method_not_allowed',
  'endpoint_unknown',
  'channel_unknown',
  'stream_unknown',
  'run_unknown',
])

/** Keeps what one connection has open, by the ids of its messages. Each id receives exactly one last message. */
export class Session {
  readonly #engine: Engine
  readonly #outbox: Outbox
  readonly #open = new OpenMap<string, Opened>()
  readonly #audited: AuditedMessages
  readonly #readers: SessionReaders
  readonly #finder: MessageFinder
  #caller: Caller

  constructor({ engine, caller, outbox }: SessionOptions) {
    this.#engine = engine
    this.#caller = caller
    this.#outbox = outbox
    this.#audited = new AuditedMessages(engine)
    const parts = { engine, outbox, audited: this.#audited, open: this.#open }
    this.#readers = new SessionReaders(parts)
    const refuse = (id: string, thrown: unknown): void => this.#refuse(id, thrown)
    this.#finder = new MessageFinder({ parts, readers: this.#readers, refuse })
  }

  /** The caller that sends the messages. The first token of a connection replaces an anonymous caller. */
  get caller(): Caller {
    return this.#caller
  }

  /** Continues with another token of the same caller, or the first token of an anonymous one. Streams that it may not read end with an error. */
  accept(caller: Caller): void {
    this.#caller = caller
    for (const { renew } of this.#open.values()) renew?.(caller)
  }

  /**
   * Does what a message asks for. Returns false if the client is turned away (see `TURNED_AWAY`). Refusals are sent to the client under its id. Never
   * rejects. Throws `message_invalid` for an id that is open: no error can be sent under it.
   */
  take(message: AskedMessage): boolean | Promise<boolean> {
    const { id } = message
    if (this.#open.has(id)) {
      throw new StreamstackError('message_invalid', `The id ${id} is open already: it is free after its last word.`)
    }
    this.#audited.asked(message, this.#caller)
    try {
      if (message.type === 'bad') throw message.error
      this.#engine.audit.checkWritable()
      this.#checkRoom()
      const found = this.#finder.find(message, this.#caller)
      if (found instanceof Promise) return this.#whenFound(id, found)
      found.begin()
      return true
    } catch (thrown) {
      return this.#turnAway(id, thrown)
    }
  }

  leave(id: string): void {
    const leave = this.#open.get(id)?.leave ?? null
    if (leave === null) return
    this.#open.delete(id)
    leave()
    this.#outbox.send({ type: 'left', id })
  }

  cancel(id: string): void {
    const opened = this.#open.get(id)
    if (opened === undefined) return
    if (opened.cancel !== null) return opened.cancel()
    const error = new StreamstackError('message_invalid', `What is open as ${id} is no run: leave it instead.`)
    this.#outbox.send({ type: 'error', id: null, error: publicError(error) })
  }

  /** Whether it reads a run, which ends by itself. */
  get readsRun(): boolean {
    for (const { cancel } of this.#open.values()) if (cancel !== null) return true
    return false
  }

  /** Runs the timers of its readers. */
  tick(): void {
    this.#readers.tick()
  }

  /** Stops all readers after the connection has closed. Their runs continue or end as `on_disconnect` says. */
  close(): void {
    for (const { leave } of this.#open.values()) leave?.()
    this.#open.clear()
  }

  #checkRoom(): void {
    const { maxStreams } = this.#engine.settings.server.websocket
    if (this.#open.size < maxStreams) return
    throw new StreamstackError(
      'too_many',
      `This connection has ${maxStreams} streams open, as many as server.websocket.max_streams allows. Leave one first.`,
    )
  }

  /** Keeps the id open while a stream is looked up, so that the client can leave it. */
  #whenFound(id: string, finding: Promise<Found>): Promise<boolean> {
    let isLeft = false
    const caller = this.#caller
    const leave = (): void => {
      isLeft = true
      this.#audited.over(id, null)
    }
    const opening: Opened = { leave, cancel: null, renew: null }
    this.#open.set(id, opening)
    const free = (): void => {
      if (this.#open.get(id) === opening) this.#open.delete(id)
    }
    return finding.then(
      (found) => {
        free()
        if (isLeft) found.drop?.()
        else found.begin()
        // The client may have sent another token meanwhile.
        if (!isLeft && this.#caller !== caller) this.#open.get(id)?.renew?.(this.#caller)
        return true
      },
      (thrown: unknown) => {
        free()
        return isLeft || this.#turnAway(id, thrown)
      },
    )
  }

  #turnAway(id: string, thrown: unknown): boolean {
    this.#refuse(id, thrown)
    return !TURNED_AWAY.has(toStreamstackError(thrown).code)
  }

  #refuse(id: string, thrown: unknown): void {
    this.#audited.refused(id, thrown)
    const error = socketError(thrown, this.#engine.hidesDetails)
    if (error.code === 'internal' || error.code === 'storage_failed')
      this.#engine.log.error({ err: error.cause }, 'a message could not be answered')
    this.#outbox.send({ type: 'error', id, error: publicError(error) })
  }
}
