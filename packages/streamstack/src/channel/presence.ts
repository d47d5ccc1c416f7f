import { randomUUID } from 'node:crypto'
import { type Chunk, StreamstackError, type Value } from '@streamstack/protocol'
import type { AuthClaims } from '../access/index.ts'
import { PresenceView } from './presence-view.ts'

/** Members of one channel. */
const MEMBERS_MAX = 10_000

/** Who is there, as others see it. `id` is of this stay, `subject` null for callers without a token. */
export interface PresenceMember {
  readonly id: string
  readonly subject: string | null
  readonly data: Value
}

interface Stay {
  member: PresenceMember
  /** What each came with. */
  readonly connections: Map<string, AuthClaims | null>
  /** Runs while there is no connection. */
  timer: NodeJS.Timeout | undefined
}

export interface PresenceOptions {
  /** Path where it is read. */
  readonly url: string
  /** How long somebody without a connection is still there, so that coming back is no leaving. */
  readonly graceMs: () => number
  /** Nobody is there any more, and nobody looks. */
  readonly onEmpty: () => void
}

/** Who is in one channel, and who looks at that. */
export class Presence {
  readonly #options: PresenceOptions
  /** By subject, or for callers without a token by connection. */
  readonly #stays = new Map<string, Stay>()
  readonly #views = new Set<PresenceView>()

  constructor(options: PresenceOptions) {
    this.#options = options
  }

  get members(): readonly PresenceMember[] {
    return [...this.#stays.values()].map(({ member }) => member)
  }

  get isEmpty(): boolean {
    return this.#stays.size === 0 && this.#views.size === 0
  }

  /** Somebody is there over a connection; the returned function says that this connection is gone. Throws `channel_full`. */
  enter(subject: string | null, claims: AuthClaims | null, connection: string, data: Value): () => void {
    const key = subject === null ? `connection ${connection}` : `subject ${subject}`
    const known = this.#stays.get(key)
    const stay = known ?? this.#join(key, { id: randomUUID(), subject, data })
    clearTimeout(stay.timer)
    stay.connections.set(connection, claims)
    if (known !== undefined && JSON.stringify(known.member.data) !== JSON.stringify(data)) {
      known.member = { ...known.member, data }
      this.#tell('update', known.member)
    }
    let isGone = false
    return () => {
      if (isGone) return
      isGone = true
      stay.connections.delete(connection)
      if (stay.connections.size > 0 || this.#stays.get(key) !== stay) return
      stay.timer = setTimeout(() => this.#leave(key), this.#options.graceMs()).unref()
    }
  }

  /** A reader of its own: all members first, then what changes. `check` throws when somebody with these claims may not look. */
  view(claims: AuthClaims | null, check: (claims: AuthClaims | null) => void): PresenceView {
    const view = new PresenceView({
      url: this.#options.url,
      claims,
      check,
      here: () => eventChunk({ event: 'here', members: this.members as unknown as Value }),
      onAttached: () => this.#views.add(view),
      onDetached: () => {
        this.#views.delete(view)
        if (this.isEmpty) this.#options.onEmpty()
      },
    })
    return view
  }

  /** The rules have changed: whoever may not be there, or look, does so no more. */
  recheck(check: (claims: AuthClaims | null) => void): void {
    for (const view of this.#views) view.recheck()
    for (const [key, { connections }] of this.#stays) {
      for (const [connection, claims] of connections) {
        try {
          check(claims)
        } catch {
          // What is wrong is told to whoever asks again.
          connections.delete(connection)
        }
      }
      if (connections.size === 0) this.#leave(key)
    }
  }

  /** The channel is no more. */
  close(error: StreamstackError): void {
    for (const { timer } of this.#stays.values()) clearTimeout(timer)
    this.#stays.clear()
    for (const view of this.#views) view.refuse(error)
  }

  #join(key: string, member: PresenceMember): Stay {
    if (this.#stays.size >= MEMBERS_MAX) {
      throw new StreamstackError(
        'channel_full',
        `No more than ${MEMBERS_MAX.toLocaleString('en')} members can be seen in one channel.`,
      )
    }
    const stay: Stay = { member, connections: new Map(), timer: undefined }
    this.#stays.set(key, stay)
    this.#tell('join', member)
    return stay
  }

  #leave(key: string): void {
    const stay = this.#stays.get(key)
    if (stay === undefined) return
    clearTimeout(stay.timer)
    this.#stays.delete(key)
    this.#tell('leave', stay.member)
    if (this.isEmpty) this.#options.onEmpty()
  }

  #tell(event: 'join' | 'leave' | 'update', member: PresenceMember): void {
    if (this.#views.size === 0) return
    const chunk = eventChunk({ event, member: member as unknown as Value })
    for (const view of this.#views) view.tell(chunk)
  }
}

function eventChunk(event: Value): Chunk {
  return { type: 'json', data: JSON.stringify(event), metadata: null }
}
