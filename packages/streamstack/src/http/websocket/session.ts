import { StreamstackError, type Value, publicError, toStreamstackError } from '@streamstack/protocol'
import type { Caller } from '../../access/index.ts'
import type { Engine } from '../../engine/index.ts'
import type { ReaderRecord } from '../../observe/index.ts'
import { channelRecord } from '../channel-record.ts'
import { after } from '../../storage/index.ts'
import type { StreamReader } from '../../stream/index.ts'
import { DurableStreams, type NamedReading, nameAt, readNamed } from '../durable-streams/index.ts'
import { findEndpoint, methodsAt } from '../call/find-endpoint.ts'
import { checkedKey } from '../call/idempotency-key.ts'
import { CallPreparation, stoppingError } from '../call/prepare-call.ts'
import { positionAfter } from '../../stream/reading.ts'
import { type AskedMessage, AuditedMessages } from './audited-messages.ts'
import { type OpenSource, findStream } from './find-stream.ts'
import { NamedReader, type NamedStart, startOf } from './named-reader.ts'
import type { Outbox } from './outbox.ts'
import { numberOrNow, placeAfter } from './place-after.ts'
import { SocketReader } from './socket-reader.ts'
import { socketError } from './socket-error.ts'
import { Stay } from '../stay.ts'
import { toldError } from '../told-error.ts'

/** What a message asks for under an id. */
type Asked = Exclude<AskedMessage, { type: 'bad' }>

/** What is open under an id. */
interface Opened {
  /** Null: it cannot be left, its last word comes by itself. */
  readonly leave: (() => void) | null
  /** Null: it is no run. */
  readonly cancel: (() => void) | null
  /** Goes on with a fresh token, or is broken off. Null: it needs none any more. */
  readonly renew: ((caller: Caller) => void) | null
}

/** What a message asks for, found and permitted. */
interface Found {
  begin(): void
  /** Instead of `begin`, when it was left meanwhile. Default: nothing is to be done. */
  drop?(): void
}

const NO_READER: StreamReader = { position: 0, wake: () => undefined }

export interface SessionOptions {
  engine: Engine
  /** Of the handshake. */
  caller: Caller
  outbox: Outbox
}

const noQuery = new URLSearchParams()

/** Codes for those that have found nothing here that is for them. */
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

/** What one connection has open, by its ids. Each id gets one last word. */
export class Session {
  readonly #engine: Engine
  readonly #outbox: Outbox
  readonly #open = new Map<string, Opened>()
  /** Of those that are open, the readers of streams by name. */
  readonly #named = new Set<NamedReader>()
  readonly #audited: AuditedMessages
  #caller: Caller

  constructor({ engine, caller, outbox }: SessionOptions) {
    this.#engine = engine
    this.#caller = caller
    this.#outbox = outbox
    this.#audited = new AuditedMessages(engine)
  }

  /** The caller that sends the messages. The first token of a connection replaces an anonymous caller. */
  get caller(): Caller {
    return this.#caller
  }

  /** Goes on with another token of the same caller, or the first of one who had none. What that may not read is broken off. */
  accept(caller: Caller): void {
    this.#caller = caller
    for (const { renew } of this.#open.values()) renew?.(caller)
  }

  /**
   * Does what a message asks for; false when its sender is turned away. Refusals go to the client under its id. Never rejects. Throws `message_invalid`
   * for an id that is open already: nothing can be said under it.
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
      const found = this.#find(message)
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

  /** Whether it reads a run, which comes to an end of its own. */
  get readsRun(): boolean {
    for (const { cancel } of this.#open.values()) if (cancel !== null) return true
    return false
  }

  /** Looks after what time changes; called now and then. */
  tick(): void {
    for (const reader of this.#named) reader.tick()
  }

  /** The connection is gone: runs that were read here go on by their `on_disconnect`. */
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

  /** What is still looked up counts as open under its id, and can be left. */
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
        // A token that came meanwhile may not read it.
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

  #find(message: Asked): Found | Promise<Found> {
    switch (message.type) {
      case 'call':
        return this.#call(message)
      case 'read':
        return this.#readStream(message)
      case 'subscribe':
        return this.#subscribe(message)
      case 'presence':
        return this.#presence(message)
      case 'publish':
        return { begin: () => this.#publish(message) }
    }
  }

  /** As a call over HTTP, whose body is `inputs`. */
  #call({ id, endpoint, inputs = {}, key, after: read = 0 }: Extract<Asked, { type: 'call' }>): Found | Promise<Found> {
    const { plan, pathParameters } = this.#endpoint(endpoint)
    this.#audited.calls(id, plan.endpoint)
    const preparation = new CallPreparation(this.#engine, plan)
    const refused = (thrown: unknown): never => {
      throw preparation.refused(thrown)
    }
    try {
      preparation.admit(this.#caller)
      preparation.take({ path: pathParameters, query: noQuery, body: inputs as Record<string, never> })
      this.#audited.takes(id, preparation.auditedInputs)
      const begun = preparation.begin({ key: key === undefined ? null : checkedKey(key), hasRead: read > 0 })
      const found = after(begun, ({ source, started }): Found => {
        const position = started === null ? positionAfter(source, String(read)) : 0
        const record = preparation.readerRecord(started !== null)
        return {
          begin: () => {
            this.#read(id, source, position, record).begin()
            started?.execution.start()
          },
          // Its caller has disconnected before the first chunk: the run goes on by its `on_disconnect`.
          drop: () => {
            source.attach(NO_READER)
            started?.execution.start()
            source.detach(NO_READER)
          },
        }
      })
      return found instanceof Promise ? found.catch(refused) : found
    } catch (thrown) {
      return refused(thrown)
    }
  }

  #endpoint(endpoint: string): NonNullable<ReturnType<typeof findEndpoint>> {
    const [, method = '', path = ''] = /^([A-Z]+) (\/[^\s?#]*)$/.exec(endpoint) ?? []
    if (path === '') {
      throw new StreamstackError(
        'message_invalid',
        '`endpoint` must be a method and a path without a query, such as POST /api/chat.',
      )
    }
    const found = findEndpoint(this.#engine, method, path)
    if (found !== null) return found
    const allowed = methodsAt(this.#engine, path)
    const error =
      allowed.length > 0
        ? new StreamstackError('method_not_allowed', `This path answers to ${allowed.join(', ')}.`)
        : new StreamstackError('endpoint_unknown', 'There is no such endpoint. GET / lists the endpoints.')
    this.#engine.observation.pathUnknown(error.code, error.status)
    throw error
  }

  #readStream({ id, stream, after: sent }: Extract<Asked, { type: 'read' }>): Found | Promise<Found> {
    const asked = { engine: this.#engine, caller: this.#caller }
    if (DurableStreams.owns(stream)) return this.#findNamed(id, stream, sent)
    const place = sent === undefined ? null : numberOrNow(sent)
    return after(findStream(stream, asked), ({ source, begin, record }) => {
      const position = placeAfter(source, place ?? begin)
      return { begin: () => this.#read(id, source, position, record).begin() }
    })
  }

  #findNamed(id: string, url: string, sent: number | string | undefined): Found | Promise<Found> {
    const engine = this.#running()
    engine.access.permit(this.#caller, ['streams:read'])
    engine.access.permitStream(this.#caller, 'read', nameAt(url))
    return after(readNamed(engine, nameAt(url), this.#caller), (source) => {
      source.touch()
      return after(startOf(source, sent), (start) => ({ begin: () => this.#readNamed(id, url, source, start) }))
    })
  }

  #readNamed(id: string, url: string, source: NamedReading, start: NamedStart): void {
    const reader: NamedReader = new NamedReader({
      id,
      url,
      source,
      start,
      outbox: this.#outbox,
      onOver: () => {
        this.#open.delete(id)
        this.#named.delete(reader)
        this.#audited.over(id, null)
      },
      tell: (thrown) => toldError(this.#engine, thrown, url),
    })
    this.#named.add(reader)
    this.#open.set(id, {
      leave: () => {
        this.#named.delete(reader)
        reader.leave()
        this.#audited.over(id, null)
      },
      cancel: null,
      renew: (caller) => reader.renew(caller),
    })
    reader.begin()
  }

  #subscribe(message: Extract<Asked, { type: 'subscribe' }>): Found | Promise<Found> {
    const { id, channel, after: sent = -1, presence, data = null } = message
    const { channels } = this.#running()
    const caller = this.#caller
    return after(channels.subscribe(channel, caller), (source) => {
      const position = placeAfter(source, sent)
      return {
        begin: () => {
          const stay = presence === true ? new Stay(channels, channel, data as Value, caller) : null
          this.#read(id, source, position, channelRecord(this.#engine, source), stay).begin()
        },
      }
    })
  }

  #presence({ id, channel }: Extract<Asked, { type: 'presence' }>): Found {
    const source = this.#running().channels.presence(channel, this.#caller)
    // It begins anew with all members, so a reader that comes back needs no offset.
    return { begin: () => this.#read(id, source, 0, null).begin() }
  }

  /** Others may be answered before: a durable channel waits for the disk. */
  #publish({ id, channel, content, metadata, key }: Extract<Asked, { type: 'publish' }>): void {
    const { channels } = this.#running()
    const message = {
      content: content as Value,
      metadata: (metadata ?? null) as Value,
      key: key === undefined ? null : checkedKey(key),
    }
    this.#open.set(id, { leave: null, cancel: null, renew: null })
    channels
      .publish(channel, this.#caller, message)
      .then(({ offset }) => {
        this.#open.delete(id)
        this.#audited.over(id, null)
        this.#outbox.send({ type: 'published', id, offset })
      })
      .catch((thrown: unknown) => {
        this.#open.delete(id)
        this.#refuse(id, thrown)
      })
  }

  /** Throws while the server stops: what never ends is not begun any more. */
  #running(): Engine {
    if (this.#engine.isDraining) throw stoppingError()
    return this.#engine
  }

  #read(
    id: string,
    source: OpenSource,
    position: number,
    record: ReaderRecord | null,
    stay: Stay | null = null,
  ): SocketReader {
    this.#outbox.send({ type: 'open', id, url: source.url, run: source.run, after: position })
    const reader = new SocketReader({
      id,
      source,
      position,
      outbox: this.#outbox,
      record,
      onOver: () => {
        this.#open.delete(id)
        stay?.leave()
        this.#audited.over(id, source)
      },
      tell: (thrown) => toldError(this.#engine, thrown, source.url),
    })
    this.#open.set(id, {
      leave: () => {
        reader.leave()
        stay?.leave()
        this.#audited.over(id, source)
      },
      cancel: source.cancel === undefined ? null : () => source.cancel?.('The run was cancelled by its caller.'),
      renew: (caller) => {
        try {
          source.renew?.(caller)
          stay?.renew(caller)
        } catch (thrown) {
          source.refuse?.(toStreamstackError(thrown))
        }
      },
    })
    return reader
  }

  #refuse(id: string, thrown: unknown): void {
    this.#audited.refused(id, thrown)
    const error = socketError(thrown, this.#engine.hidesDetails)
    if (error.code === 'internal' || error.code === 'storage_failed')
      this.#engine.log.error({ err: error.cause }, 'a message could not be answered')
    this.#outbox.send({ type: 'error', id, error: publicError(error) })
  }
}
