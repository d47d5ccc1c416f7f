import { randomUUID } from 'node:crypto'
import { type Chunk, StreamstackError, type Value } from '@streamstack/protocol'
import type { Caller } from '../access/index.ts'
import { type LongTimer, startLongTimer } from '../definition/index.ts'
import { PresenceView } from './presence-view.ts'

/** Members of one channel, and what they may show of themselves together. */
const MEMBERS_MAX = 10_000
const MEMBERS_BYTES_MAX = 4_194_304

/** Minimum interval between updates of one member's data, because they go to all readers. */
const UPDATE_MS = 1_000

/** What is told beside a list of all members before that is made anew. */
const TOLD_SINCE_BYTES_MAX = 65_536

/**
 * A member as others see it. `id` identifies this stay, `subject` is null for callers without a
 * token.
 */
export interface PresenceMember {
  readonly id: string
  readonly subject: string | null
  readonly data: Value
}

interface Stay {
  readonly id: string
  readonly subject: string | null
  /** The member as JSON: data as values would take many times as much. */
  json: string
  /** As others were last told. */
  toldJson: string
  /** What each came with. */
  readonly connections: Map<string, Caller>
  /** Runs while there is no connection. */
  timer: LongTimer | undefined
  /** Runs for a while after others were told of other data. */
  updateTimer: NodeJS.Timeout | undefined
}

export interface PresenceOptions {
  /** Path where it is read. */
  readonly url: string
  /**
   * Time for which a member without a connection stays present, so that a reload does not count as
   * leaving.
   */
  readonly graceMs: () => number
  /** Called when the channel has no members and no readers of its presence. */
  readonly onEmpty: () => void
}

/** The members of one channel, and the readers of its presence. */
export class Presence {
  readonly #options: PresenceOptions
  /** By subject, or for callers without a token by connection. */
  readonly #stays = new Map<string, Stay>()
  readonly #views = new Set<PresenceView>()
  #bytes = 0
  /** All members as they once were, the same text for all who came since, and what has changed after it. */
  #here: Chunk | null = null
  #since: Chunk[] = []
  #sinceBytes = 0

  constructor(options: PresenceOptions) {
    this.#options = options
  }

  get members(): readonly PresenceMember[] {
    return [...this.#stays.values()].map(({ json }) => JSON.parse(json) as PresenceMember)
  }

  get memberCount(): number {
    return this.#stays.size
  }

  get isEmpty(): boolean {
    return this.#stays.size === 0 && this.#views.size === 0
  }

  /** Adds a member for one connection; the returned function ends that connection. Throws `channel_full`. */
  enter(caller: Caller, connection: string, data: Value): () => void {
    const { subject } = caller
    const key = subject === null ? `connection ${connection}` : `subject ${subject}`
    const known = this.#stays.get(key)
    const id = known?.id ?? randomUUID()
    const json = JSON.stringify({ id, subject, data } satisfies PresenceMember)
    this.#makeRoom(json.length - (known?.json.length ?? 0), known === undefined)
    const stay = known ?? this.#join(key, { id, subject, json })
    stay.timer?.clear()
    stay.connections.set(connection, caller)
    if (stay.json !== json) this.#update(stay, json)
    let isGone = false
    return () => {
      if (isGone) return
      isGone = true
      stay.connections.delete(connection)
      if (stay.connections.size > 0 || this.#stays.get(key) !== stay) return
      stay.timer = startLongTimer(() => this.#leave(key), this.#options.graceMs()).unref()
    }
  }

  /** A reader of its own: all members first, then what changes. `check` throws when this caller may not look. */
  view(caller: Caller, check: (caller: Caller) => void): PresenceView {
    const view = new PresenceView({
      url: this.#options.url,
      caller,
      check,
      here: () => this.#hereNow(),
      onAttached: () => this.#views.add(view),
      onDetached: () => {
        this.#views.delete(view)
        if (this.isEmpty) this.#options.onEmpty()
      },
    })
    return view
  }

  /** Applies changed rules: members and readers that they refuse are removed. */
  recheck(check: (caller: Caller) => void): void {
    for (const view of this.#views) view.recheck()
    for (const [key, { connections }] of this.#stays) {
      for (const [connection, caller] of connections) {
        try {
          check(caller)
        } catch {
          // The next call that needs it receives the error.
          connections.delete(connection)
        }
      }
      if (connections.size === 0) this.#leave(key)
    }
  }

  /** The channel is no more. */
  close(error: StreamstackError): void {
    for (const stay of this.#stays.values()) stopTimers(stay)
    this.#stays.clear()
    for (const view of this.#views) view.refuse(error)
  }

  #makeRoom(bytes: number, isNew: boolean): void {
    const isFull = isNew && this.#stays.size >= MEMBERS_MAX
    if (!isFull && this.#bytes + bytes <= MEMBERS_BYTES_MAX) return
    throw new StreamstackError(
      'channel_full',
      isFull
        ? `No more than ${MEMBERS_MAX.toLocaleString('en')} members can be seen in one channel.`
        : `The members of a channel can show ${MEMBERS_BYTES_MAX.toLocaleString('en')} bytes of data together, and they do. Come with less data.`,
    )
  }

  #join(key: string, { id, subject, json }: Pick<Stay, 'id' | 'subject' | 'json'>): Stay {
    const connections = new Map<string, Caller>()
    const stay: Stay = { id, subject, json, toldJson: json, connections, timer: undefined, updateTimer: undefined }
    this.#stays.set(key, stay)
    this.#bytes += json.length
    this.#tell('join', json)
    return stay
  }

  #update(stay: Stay, json: string): void {
    this.#bytes += json.length - stay.json.length
    stay.json = json
    if (stay.updateTimer !== undefined || stay.toldJson === json) return
    stay.toldJson = json
    this.#tell('update', json)
    stay.updateTimer = setTimeout(() => {
      stay.updateTimer = undefined
      // Of many changes in between the last is told.
      this.#update(stay, stay.json)
    }, UPDATE_MS).unref()
  }

  #leave(key: string): void {
    const stay = this.#stays.get(key)
    if (stay === undefined) return
    stopTimers(stay)
    this.#stays.delete(key)
    this.#bytes -= stay.json.length
    this.#tell('leave', stay.json)
    if (this.isEmpty) this.#options.onEmpty()
  }

  /** All members and later changes, for a new reader. */
  #hereNow(): readonly Chunk[] {
    if (this.#here === null) {
      const members = [...this.#stays.values()].map(({ toldJson }) => toldJson)
      this.#here = eventChunk(`{"event":"here","members":[${members.join(',')}]}`)
    }
    return [this.#here, ...this.#since]
  }

  #forgetHere(): void {
    this.#here = null
    this.#since = []
    this.#sinceBytes = 0
  }

  #tell(event: 'join' | 'leave' | 'update', memberJson: string): void {
    // Without a viewer the next one gets a new list.
    if (this.#views.size === 0) return this.#forgetHere()
    const chunk = eventChunk(`{"event":"${event}","member":${memberJson}}`)
    // Changes are kept only after a list, and only as long as sending them costs less than a new list.
    if (this.#here !== null) {
      this.#since.push(chunk)
      this.#sinceBytes += chunk.data.length
      if (this.#sinceBytes > TOLD_SINCE_BYTES_MAX) this.#forgetHere()
    }
    for (const view of this.#views) view.tell(chunk)
  }
}

function stopTimers({ timer, updateTimer }: Stay): void {
  timer?.clear()
  clearTimeout(updateTimer)
}

function eventChunk(data: string): Chunk {
  return { kind: 'json', data, metadata: null }
}
