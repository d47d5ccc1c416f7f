import { StreamstackError, type Value } from '@streamstack/protocol'
import type { Caller } from '../../access/index.ts'
import type { Engine } from '../../engine/index.ts'
import { after } from '../../storage/index.ts'
import type { StreamReader } from '../../stream/index.ts'
import { positionAfter } from '../../stream/reading.ts'
import { findEndpoint, methodsAt } from '../call/find-endpoint.ts'
import { checkedKey } from '../call/idempotency-key.ts'
import { CallPreparation, stoppingError } from '../call/prepare-call.ts'
import { channelRecord } from '../channel-record.ts'
import { DurableStreams, nameAt, readNamed } from '../durable-streams/index.ts'
import { Stay } from '../stay.ts'
import type { AskedMessage } from './audited-messages.ts'
import { findStream } from './find-stream.ts'
import { startOf } from './named-reader.ts'
import type { SessionParts } from './open-ids.ts'
import { numberOrNow, placeAfter } from './place-after.ts'
import type { SessionReaders } from './session-readers.ts'

/** A message that asks for something under an id. */
export type Asked = Exclude<AskedMessage, { type: 'bad' }>

/** What a message asks for, found and permitted. */
export interface Found {
  begin(): void
  /** Called instead of `begin` if the client has left the id meanwhile. Default: nothing is to be done. */
  drop?(): void
}

export interface MessageFinderOptions {
  parts: SessionParts
  readers: SessionReaders
  /** Sends the error of a message that was found and failed later. */
  refuse: (id: string, thrown: unknown) => void
}

const NO_READER: StreamReader = { position: 0, wake: () => undefined }

const noQuery = new URLSearchParams()

/** Finds what the messages of one connection ask for, and checks that the caller may have it. */
export class MessageFinder {
  readonly #engine: Engine
  readonly #parts: SessionParts
  readonly #readers: SessionReaders
  readonly #refuse: MessageFinderOptions['refuse']

  constructor({ parts, readers, refuse }: MessageFinderOptions) {
    this.#engine = parts.engine
    this.#parts = parts
    this.#readers = readers
    this.#refuse = refuse
  }

  /** Throws, or rejects with, the error for the client. */
  find(message: Asked, caller: Caller): Found | Promise<Found> {
    switch (message.type) {
      case 'call':
        return this.#call(message, caller)
      case 'read':
        return this.#readStream(message, caller)
      case 'subscribe':
        return this.#subscribe(message, caller)
      case 'presence':
        return this.#presence(message, caller)
      case 'publish':
        return { begin: () => this.#publish(message, caller) }
    }
  }

  /** As a call over HTTP, whose body is `inputs`. */
  #call(
    { id, endpoint, inputs = {}, key, after: read = 0 }: Extract<Asked, { type: 'call' }>,
    caller: Caller,
  ): Found | Promise<Found> {
    const { plan, pathParameters } = this.#endpoint(endpoint)
    this.#parts.audited.calls(id, plan.endpoint)
    const preparation = new CallPreparation(this.#engine, plan)
    const refused = (thrown: unknown): never => {
      throw preparation.refused(thrown)
    }
    try {
      preparation.admit(caller)
      const body = inputs as Record<string, never>
      const begun = after(preparation.take({ path: pathParameters, query: noQuery, body }), () => {
        this.#parts.audited.takes(id, preparation.auditedInputs)
        return preparation.begin({ key: key === undefined ? null : checkedKey(key), hasRead: read > 0 })
      })
      const found = after(begun, ({ source, started }): Found => {
        const position = started === null ? positionAfter(source, String(read)) : 0
        const record = preparation.readerRecord(started !== null)
        return {
          begin: () => {
            this.#readers.read(id, source, position, record).begin()
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

  #readStream({ id, stream, after: sent }: Extract<Asked, { type: 'read' }>, caller: Caller): Found | Promise<Found> {
    const asked = { engine: this.#engine, caller }
    if (DurableStreams.owns(stream)) return this.#findNamed(id, stream, sent, caller)
    const place = sent === undefined ? null : numberOrNow(sent)
    return after(findStream(stream, asked), ({ source, begin, record }) => {
      const position = placeAfter(source, place ?? begin)
      return { begin: () => this.#readers.read(id, source, position, record).begin() }
    })
  }

  #findNamed(id: string, url: string, sent: number | string | undefined, caller: Caller): Found | Promise<Found> {
    const engine = this.#running()
    engine.access.permit(caller, ['streams:read'])
    engine.access.permitStream(caller, 'read', nameAt(url))
    return after(readNamed(engine, nameAt(url), caller), (source) => {
      source.touch()
      return after(startOf(source, sent), (start) => ({ begin: () => this.#readers.readNamed(id, url, source, start) }))
    })
  }

  #subscribe(message: Extract<Asked, { type: 'subscribe' }>, caller: Caller): Found | Promise<Found> {
    const { id, channel, after: sent = -1, presence, data = null } = message
    const { channels } = this.#running()
    return after(channels.subscribe(channel, caller), (source) => {
      const position = placeAfter(source, sent)
      return {
        begin: () => {
          const stay = presence === true ? new Stay(channels, channel, data as Value, caller) : null
          this.#readers.read(id, source, position, channelRecord(this.#engine, source), stay).begin()
        },
      }
    })
  }

  #presence({ id, channel }: Extract<Asked, { type: 'presence' }>, caller: Caller): Found {
    const source = this.#running().channels.presence(channel, caller)
    // It begins anew with all members, so a reader that comes back needs no offset.
    return { begin: () => this.#readers.read(id, source, 0, null).begin() }
  }

  /** Others may be answered before: a durable channel waits for the disk. */
  #publish({ id, channel, content, metadata, key }: Extract<Asked, { type: 'publish' }>, caller: Caller): void {
    const { channels } = this.#running()
    const message = {
      content: content as Value,
      metadata: (metadata ?? null) as Value,
      key: key === undefined ? null : checkedKey(key),
    }
    this.#parts.open.set(id, { leave: null, cancel: null, renew: null })
    channels
      .publish(channel, caller, message)
      .then(({ offset }) => {
        this.#parts.open.delete(id)
        this.#parts.audited.over(id, null)
        this.#parts.outbox.send({ type: 'published', id, offset })
      })
      .catch((thrown: unknown) => {
        this.#parts.open.delete(id)
        this.#refuse(id, thrown)
      })
  }

  /** Throws while the server stops: what never ends is not begun any more. */
  #running(): Engine {
    if (this.#engine.isDraining) throw stoppingError()
    return this.#engine
  }
}
