import { randomUUID } from 'node:crypto'
import { type Chunk, type Outcome, StreamstackError, type Value } from '@streamstack/protocol'
import type { Filter, RecordStore } from '../table/index.ts'
import { type Budget, BudgetedHistory } from './budget.ts'
import {
  type ConversationInfo,
  type ConversationSettings,
  ConversationStore,
  type Entry,
  PAGE,
  compare,
  titleFrom,
} from './conversation-store.ts'
import { ConversationLocks } from './locks.ts'
import { type SaidMessage, type StoredMessage, toValue } from './message.ts'
import { type OpenConversation, collect, said } from './open-conversation.ts'
import { lastOf, positionOf, positionOfNumber, runsAfter } from './positions.ts'
import { reasoningIn } from './reasoning.ts'

/**
 * Without a token the id alone grants access to a conversation, so it must be too long to guess.
 */
const ANONYMOUS_ID_MIN = 16
const ID_MAX = 200

/**
 * Conversations of callers with models, kept in two tables of the workspace. Every operation names the owner: a conversation of another owner
 * is as unknown as one that does not exist.
 */
export class Conversations {
  readonly #store: ConversationStore
  readonly #settings: () => ConversationSettings
  readonly #locks = new ConversationLocks()
  /** Runs that store nothing any more: their conversation was deleted or cut meanwhile. */
  readonly #cutOff = new Set<string>()
  /** Conversations to which the end of a run is being appended. */
  readonly #appending = new Map<string, Promise<unknown>>()

  constructor(records: RecordStore, settings: () => ConversationSettings) {
    this.#store = new ConversationStore(records, settings)
    this.#settings = settings
  }

  /** Gives a run the conversation to itself until `settle` or `abandon`. Throws `conversation_busy`, and `input_invalid` for an id that none can have. */
  acquire(owner: string, id: string, run: string): { granted: Promise<void> | null; abandon: () => void } {
    checkId(owner, id)
    const { granted, abandon } = this.#locks.acquire(lockKey(owner, id), run)
    return {
      granted,
      abandon: () => {
        this.#cutOff.delete(run)
        abandon()
      },
    }
  }

  /** Ids of the runs that have the conversation or wait for it, stored or not. */
  runsWith(owner: string, id: string): readonly string[] {
    return this.#locks.runsWith(lockKey(owner, id))
  }

  /** The messages for a model: what was said so far within the budget, and what the user says now. */
  async history(open: OpenConversation, budget: Budget): Promise<readonly Value[]> {
    const entry = await this.#find(open.owner, open.id)
    const now = open.message === null ? [] : [said('user', open.message)]
    if (entry === null) return seeded(open, budget, now)
    // Stored messages override the history that the caller sends.
    open.seed = []
    open.key = entry.key
    open.replaceUntil = entry.lastPosition
    const until: Filter[] = open.keepUntil === null ? [] : [compare('position', 'lte', open.keepUntil)]
    const system = await this.#store.messages(entry, [...until, compare('role', 'eq', 'system')], 'asc', PAGE)
    const kept = new BudgetedHistory(budget, system, now[0] ?? null)
    let before: number | null = null
    for (;;) {
      const newer: Filter[] = before === null ? [] : [compare('position', 'lt', before)]
      const messages = await this.#store.messages(entry, [...until, ...newer], 'desc', PAGE)
      const isFull = !messages.every((message) => kept.add(message))
      before = messages.at(-1)?.position ?? null
      if (isFull || messages.length < PAGE) break
    }
    const earlier = kept.messages()
    open.reasoning = reasoningIn(earlier)
    return [...system, ...earlier, ...now].map(toValue)
  }

  /** Takes a chunk of the run as readers get it. */
  collect(open: OpenConversation, chunk: Chunk): void {
    collect(open, chunk)
  }

  /**
   * Appends what the user said and what was replied, marked with the outcome of the run, and gives the conversation to the next run. A run
   * that was to replace messages and brought nothing leaves the conversation as it was.
   */
  async settle(open: OpenConversation, outcome: Outcome): Promise<void> {
    try {
      const isEmpty = open.reply.length === 0
      const message = open.message === null ? [] : [said('user', open.message)]
      const isNothing = isEmpty && (open.message === null || (open.keepUntil !== null && outcome !== 'completed'))
      // A conversation that its owner deleted meanwhile stays deleted.
      const isGone = open.key !== null && (await this.#find(open.owner, open.id))?.key !== open.key
      if (open.isSaved && !isNothing && !isGone && !this.#cutOff.has(open.run)) {
        const appended = this.#append(open.owner, open.id, [...open.seed, ...message, ...open.reply], {
          status: outcome,
          run: open.run,
          replaced: open.keepUntil === null ? null : { after: open.keepUntil, until: open.replaceUntil },
        })
        this.#appending.set(lockKey(open.owner, open.id), appended)
        await appended
      }
    } finally {
      this.#cutOff.delete(open.run)
      this.#appending.delete(lockKey(open.owner, open.id))
      this.#locks.release(lockKey(open.owner, open.id), open.run)
    }
  }

  /** Adds messages at the end of a conversation, which is made if there is none. The caller has the conversation, or appends one message. */
  append(
    owner: string,
    id: string,
    messages: readonly SaidMessage[],
    run: string | null,
  ): Promise<readonly StoredMessage[]> {
    checkId(owner, id)
    return this.#append(owner, id, messages, { status: 'completed', run, replaced: null })
  }

  /** Returns a page of an owner's conversations, newest message first. `before`: the last one of the page before. */
  async list(
    owner: string,
    limit: number,
    before: { updatedAt: string; key: number } | null,
  ): Promise<{ entries: readonly Entry[] }> {
    return { entries: await this.#store.list(owner, limit, before) }
  }

  /**
   * Returns a page of an owner's conversations in the order in which they were made. `after`: the key of the last one of the page before; a
   * conversation that gets a message between two pages is neither left out nor doubled.
   */
  async listByKey(owner: string, limit: number, after: number): Promise<readonly Entry[]> {
    return this.#store.listByKey(owner, limit, after)
  }

  /** Ids of the runs that messages after a position came from. Throws `conversation_unknown`. */
  async runsOf(owner: string, id: string, position: number): Promise<readonly string[]> {
    return runsAfter(this.#store, await this.#existing(owner, id), position)
  }

  /** One conversation. Throws `conversation_unknown`. */
  async get(owner: string, id: string): Promise<ConversationInfo> {
    return this.#existing(owner, id)
  }

  /** Messages of a conversation after a position, oldest first. Throws `conversation_unknown`. */
  async messages(owner: string, id: string, after: number, limit: number): Promise<readonly StoredMessage[]> {
    const entry = await this.#existing(owner, id)
    return this.#store.messages(entry, [compare('position', 'gt', after)], 'asc', limit)
  }

  /** Throws `conversation_unknown`. */
  async rename(owner: string, id: string, title: string): Promise<ConversationInfo> {
    return this.#store.rename(await this.#existing(owner, id), title)
  }

  /**
   * Deletes a conversation with its messages; the runs that have it, or wait for it, store nothing in it any more, and are returned. Throws
   * `conversation_unknown` if there are neither messages nor runs.
   */
  async remove(owner: string, id: string): Promise<readonly string[]> {
    const runs = await this.#cutRunsOff(owner, id)
    const entry = await this.#find(owner, id)
    if (entry !== null) await this.#store.remove(entry)
    else if (runs.length === 0) await this.#existing(owner, id)
    return runs
  }

  /**
   * Deletes the messages after a position, also those that runs would append: they store nothing any more, and are returned. Throws
   * `conversation_unknown`.
   */
  async truncate(owner: string, id: string, keepUntil: number): Promise<readonly string[]> {
    const entry = await this.#existing(owner, id)
    const runs = await this.#cutRunsOff(owner, id)
    await this.#store.removeMessages(entry, [compare('position', 'gt', keepUntil)])
    return runs
  }

  /** From now on the runs that have a conversation, or wait for it, append nothing. Settles when nothing is being appended. */
  async #cutRunsOff(owner: string, id: string): Promise<readonly string[]> {
    const runs = this.runsWith(owner, id)
    for (const run of runs) this.#cutOff.add(run)
    await this.#appending.get(lockKey(owner, id))?.catch(() => undefined)
    return runs
  }

  /** The position of a message by its id, or null. */
  async positionOf(owner: string, id: string, messageId: string): Promise<number | null> {
    const entry = await this.#find(owner, id)
    return entry === null ? null : positionOf(this.#store, entry, messageId)
  }

  /** The position of the user's message with a number, as chat clients count (see `positions.ts`), or null. */
  async positionOfNumber(owner: string, id: string, number: number): Promise<number | null> {
    const entry = await this.#find(owner, id)
    return entry === null ? null : positionOfNumber(this.#store, entry, number)
  }

  /** The position of the newest message of a role, up to a position; 0: there is none. */
  async lastOf(owner: string, id: string, role: StoredMessage['role'], until: number | null): Promise<number> {
    const entry = await this.#find(owner, id)
    return entry === null ? 0 : lastOf(this.#store, entry, role, until)
  }

  /** Deletes what is past its retention. Returns how many conversations went. */
  async sweep(nowMs: number): Promise<number> {
    const { retentionMs } = this.#settings()
    if (retentionMs === null) return 0
    const where = compare('updated_at', 'lt', new Date(nowMs - retentionMs).toISOString())
    return this.#store.removeEntries(where, Infinity)
  }

  async #append(
    owner: string,
    id: string,
    messages: readonly SaidMessage[],
    {
      status,
      run,
      replaced,
    }: { status: Outcome; run: string | null; replaced: { after: number; until: number } | null },
  ): Promise<readonly StoredMessage[]> {
    const now = new Date().toISOString()
    const entry = (await this.#find(owner, id)) ?? (await this.#store.create(owner, id, titleFrom(messages), now))
    const lastPosition = await this.#store.lastPosition(entry)
    const stored = messages.map((message, index) => ({
      ...message,
      id: randomUUID(),
      position: lastPosition + 1 + index,
      status,
      run,
      createdAt: now,
    }))
    await this.#store.addMessages(entry, stored, now)
    // Deletes only after the new messages are stored: a crash in between leaves too many messages
    // rather than too few.
    if (replaced !== null && replaced.after < replaced.until) {
      await this.#store.removeMessages(entry, [
        compare('position', 'gt', replaced.after),
        compare('position', 'lte', replaced.until),
      ])
    }
    await this.#store.removeOldestMessages(entry)
    return stored
  }

  async #find(owner: string, id: string): Promise<Entry | null> {
    checkId(owner, id)
    return this.#store.find(owner, id)
  }

  async #existing(owner: string, id: string): Promise<Entry> {
    checkId(owner, id)
    return this.#store.existing(owner, id)
  }
}

/** The messages of a conversation that is not stored yet. */
function seeded({ seed }: OpenConversation, budget: Budget, now: readonly SaidMessage[]): readonly Value[] {
  const kept = new BudgetedHistory(budget, [], now[0] ?? null)
  for (const message of seed.toReversed()) if (!kept.add({ ...message, status: 'completed' })) break
  return [...kept.messages(), ...now].map(toValue)
}

function checkId(owner: string, id: string): void {
  const problem =
    id === '' || id.length > ID_MAX || /\p{Cc}/u.test(id) || !id.isWellFormed()
      ? `must have 1 to ${ID_MAX} characters and no control characters`
      : owner === '' && id.length < ANONYMOUS_ID_MIN
        ? `must have at least ${ANONYMOUS_ID_MIN} random characters, such as a UUID, for a caller without a token: any caller that knows it can read the conversation`
        : null
  if (problem !== null) throw new StreamstackError('input_invalid', `The id of a conversation ${problem}.`)
}

function lockKey(owner: string, id: string): string {
  return JSON.stringify([owner, id])
}
