import { randomUUID } from 'node:crypto'
import { type Chunk, type Outcome, StreamstackError, type Value } from '@streamstack/protocol'
import { type Filter, type RecordInput, type RecordStore, type Row, parseOrder } from '../table/index.ts'
import { type Budget, BudgetedHistory } from './budget.ts'
import { ConversationLocks } from './locks.ts'
import { type SaidMessage, type StoredMessage, toValue } from './message.ts'
import { type OpenConversation, collect, said } from './open-conversation.ts'
import { fromRow, storableText, toRow } from './stored-row.ts'
import { CONVERSATIONS, MESSAGES } from './tables.ts'

/** Without a token, whoever knows the id has the conversation: it must be too long to guess. */
const ANONYMOUS_ID_MIN = 16
const ID_MAX = 200
const TITLE_CHARACTERS_MAX = 120

/** Messages read at once. */
const PAGE = 100

export interface ConversationSettings {
  /** Conversations without a new message for so long are deleted; null: none are. */
  readonly retentionMs: number | null
  /** Messages of one conversation; the oldest go. */
  readonly messagesMax: number
  /** Conversations of one owner; those without a new message for longest go. */
  readonly perOwnerMax: number
}

/** What is known of a conversation beside its messages. */
export interface ConversationInfo {
  readonly id: string
  readonly title: string | null
  readonly createdAt: string
  readonly updatedAt: string
}

interface Entry extends ConversationInfo {
  readonly key: number
  readonly lastPosition: number
}

/**
 * Conversations of callers with models, kept in two tables of the workspace. Every operation names the owner: a conversation of somebody else
 * is as unknown as one that does not exist.
 */
export class Conversations {
  readonly #records: RecordStore
  readonly #settings: () => ConversationSettings
  readonly #locks = new ConversationLocks()

  constructor(records: RecordStore, settings: () => ConversationSettings) {
    this.#records = records
    this.#settings = settings
  }

  /** Gives a run the conversation to itself until `settle` or `abandon`. Throws `conversation_busy`, and `input_invalid` for an id that none can have. */
  acquire(owner: string, id: string, run: string): { granted: Promise<void> | null; abandon: () => void } {
    checkId(owner, id)
    return this.#locks.acquire(lockKey(owner, id), run)
  }

  /** The messages for a model: what was said so far within the budget, and what the user says now. */
  async history(open: OpenConversation, budget: Budget): Promise<readonly Value[]> {
    const entry = await this.#find(open.owner, open.id)
    const now = open.message === null ? [] : [said('user', open.message)]
    if (entry === null) return seeded(open, budget, now)
    // What the caller says of an earlier time gives way to what is stored.
    open.seed = []
    open.key = entry.key
    open.replaceUntil = entry.lastPosition
    const until: Filter[] = open.keepUntil === null ? [] : [compare('position', 'lte', open.keepUntil)]
    const ofConversation = [compare('conversation_id', 'eq', entry.key), ...until]
    const system = (await this.#messages([...ofConversation, compare('role', 'eq', 'system')], 'asc', PAGE)).map(
      fromRow,
    )
    const kept = new BudgetedHistory(budget, system, now[0] ?? null)
    let before: number | null = null
    for (;;) {
      const newer: Filter[] = before === null ? [] : [compare('position', 'lt', before)]
      const rows = await this.#messages([...ofConversation, ...newer], 'desc', PAGE)
      const isFull = !rows.every((row) => kept.add(fromRow(row)))
      if (isFull || rows.length < PAGE) break
      before = fromRow(rows.at(-1) as Row).position
    }
    return [...system, ...kept.messages(), ...now].map(toValue)
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
      if (open.isSaved && !isNothing && !isGone)
        await this.#append(open.owner, open.id, [...open.seed, ...message, ...open.reply], {
          status: outcome,
          run: open.run,
          replaced: open.keepUntil === null ? null : { after: open.keepUntil, until: open.replaceUntil },
        })
    } finally {
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

  /** The conversations of an owner, the one with the newest message first. `before`: `updatedAt` and `id` of the last one of the page before. */
  async list(
    owner: string,
    limit: number,
    before: { updatedAt: string; key: number } | null,
  ): Promise<{ entries: readonly Entry[] }> {
    const older: Filter[] =
      before === null
        ? []
        : [
            {
              kind: 'any',
              filters: [
                compare('updated_at', 'lt', before.updatedAt),
                {
                  kind: 'all',
                  filters: [compare('updated_at', 'eq', before.updatedAt), compare('id', 'lt', before.key)],
                },
              ],
            },
          ]
    const { rows } = await this.#records.page(
      {
        table: CONVERSATIONS,
        where: { kind: 'all', filters: [compare('owner', 'eq', owner), ...older] },
        order: NEWEST_FIRST,
        limit,
        offset: 0,
        columns: null,
        after: null,
      },
      'rows',
    )
    return { entries: rows.map(entryOf) }
  }

  /** One conversation. Throws `conversation_unknown`. */
  async get(owner: string, id: string): Promise<ConversationInfo> {
    return this.#existing(owner, id)
  }

  /** Messages of a conversation after a position, oldest first. Throws `conversation_unknown`. */
  async messages(owner: string, id: string, after: number, limit: number): Promise<readonly StoredMessage[]> {
    const { key } = await this.#existing(owner, id)
    const rows = await this.#messages(
      [compare('conversation_id', 'eq', key), compare('position', 'gt', after)],
      'asc',
      limit,
    )
    return rows.map(fromRow)
  }

  /** Throws `conversation_unknown`. */
  async rename(owner: string, id: string, title: string): Promise<ConversationInfo> {
    const { key } = await this.#existing(owner, id)
    return entryOf(await this.#records.edit(CONVERSATIONS, 'id', key, { title: titleOf(title) }))
  }

  /** Deletes a conversation with its messages. Throws `conversation_unknown`. */
  async remove(owner: string, id: string): Promise<void> {
    await this.#removeEntry(await this.#existing(owner, id))
  }

  /** Deletes the messages after a position. Throws `conversation_unknown`. */
  async truncate(owner: string, id: string, keepUntil: number): Promise<void> {
    const { key } = await this.#existing(owner, id)
    await this.#removeMessages([compare('conversation_id', 'eq', key), compare('position', 'gt', keepUntil)])
  }

  /** The position of a message by its id, or null. */
  async positionOf(owner: string, id: string, messageId: string): Promise<number | null> {
    const entry = await this.#find(owner, id)
    if (entry === null) return null
    const rows = await this.#messages(
      [compare('conversation_id', 'eq', entry.key), compare('message_id', 'eq', messageId)],
      'asc',
      1,
    )
    return rows[0] === undefined ? null : fromRow(rows[0]).position
  }

  /**
   * The position of the user's message with a number, from 1, as chat clients count: a message of the user is one, and a reply with its calls
   * of tools is one. Clients also show messages that were refused and are not stored, so their numbers may be too large: where the number leads
   * to a reply, or beyond the end, it is the user's message before that. Null: there is none.
   */
  async positionOfNumber(owner: string, id: string, number: number): Promise<number | null> {
    const entry = await this.#find(owner, id)
    if (entry === null) return null
    let counted = 0
    let isInReply = false
    let found: number | null = null
    for (let after = 0; ;) {
      const rows = await this.#messages(
        [
          compare('conversation_id', 'eq', entry.key),
          compare('role', 'neq', 'system'),
          compare('position', 'gt', after),
        ],
        'asc',
        PAGE,
      )
      for (const { role, position } of rows.map(fromRow)) {
        if (role === 'user' || !isInReply) counted++
        isInReply = role !== 'user'
        if (counted > number) return found
        if (role === 'user') found = position
        after = position
      }
      if (rows.length < PAGE) return found
    }
  }

  /** The position of the newest message of a role, up to a position; 0: there is none. */
  async lastOf(owner: string, id: string, role: StoredMessage['role'], until: number | null): Promise<number> {
    const entry = await this.#find(owner, id)
    if (entry === null) return 0
    const bound = until === null ? [] : [compare('position', 'lte', until)]
    const filters = [compare('conversation_id', 'eq', entry.key), compare('role', 'eq', role), ...bound]
    const rows = await this.#messages(filters, 'desc', 1)
    return rows[0] === undefined ? 0 : fromRow(rows[0]).position
  }

  /** Deletes what is past its retention. Returns how many conversations went. */
  async sweep(nowMs: number): Promise<number> {
    const { retentionMs } = this.#settings()
    if (retentionMs === null) return 0
    const where = compare('updated_at', 'lt', new Date(nowMs - retentionMs).toISOString())
    return this.#removeEntries(where, Infinity)
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
    const entry = (await this.#find(owner, id)) ?? (await this.#create(owner, id, titleFrom(messages), now))
    const stored = messages.map((message, index) => ({
      ...message,
      id: randomUUID(),
      position: entry.lastPosition + 1 + index,
      status,
      run,
      createdAt: now,
    }))
    await this.#records.addMany(
      MESSAGES,
      stored.map((message): RecordInput => ({ conversation_id: entry.key, ...toRow(message) })),
    )
    const lastPosition = entry.lastPosition + messages.length
    const title = entry.title ?? titleFrom(messages)
    await this.#records.edit(CONVERSATIONS, 'id', entry.key, { updated_at: now, last_position: lastPosition, title })
    // After the new ones are there: a crash between leaves too many messages rather than too few.
    if (replaced !== null && replaced.after < replaced.until) {
      await this.#removeMessages([
        compare('conversation_id', 'eq', entry.key),
        compare('position', 'gt', replaced.after),
        compare('position', 'lte', replaced.until),
      ])
    }
    await this.#removeOldest(entry.key)
    return stored
  }

  async #create(owner: string, id: string, title: string | null, now: string): Promise<Entry> {
    const row = await this.#records.add(CONVERSATIONS, {
      owner,
      conversation: id,
      title,
      created_at: now,
      updated_at: now,
      last_position: 0,
    })
    const excess =
      (await this.#records.count(CONVERSATIONS, compare('owner', 'eq', owner))) - this.#settings().perOwnerMax
    if (excess > 0) await this.#removeEntries(compare('owner', 'eq', owner), excess)
    return entryOf(row)
  }

  async #removeOldest(key: number): Promise<void> {
    const ofConversation = compare('conversation_id', 'eq', key)
    const excess = (await this.#records.count(MESSAGES, ofConversation)) - this.#settings().messagesMax
    if (excess <= 0) return
    const rows = await this.#messages([ofConversation, compare('role', 'neq', 'system')], 'asc', excess)
    const last = rows.at(-1)
    if (last === undefined) return
    await this.#removeMessages([
      ofConversation,
      compare('role', 'neq', 'system'),
      compare('position', 'lte', fromRow(last).position),
    ])
  }

  /** Deletes the entries of a filter, those without a new message for longest first. */
  async #removeEntries(where: Filter, most: number): Promise<number> {
    let removed = 0
    while (removed < most) {
      const limit = Math.min(PAGE, most - removed)
      const { rows } = await this.#records.page(
        {
          table: CONVERSATIONS,
          where,
          order: OLDEST_FIRST,
          limit,
          offset: 0,
          columns: null,
          after: null,
        },
        'rows',
      )
      for (const row of rows) await this.#removeEntry(entryOf(row))
      removed += rows.length
      if (rows.length < limit) break
    }
    return removed
  }

  async #removeEntry({ key }: Pick<Entry, 'key'>): Promise<void> {
    await this.#removeMessages([compare('conversation_id', 'eq', key)])
    await this.#records.remove(CONVERSATIONS, 'id', key)
  }

  async #removeMessages(filters: readonly Filter[]): Promise<void> {
    while ((await this.#records.removeMany(MESSAGES, { kind: 'all', filters }, REMOVED_AT_ONCE)) === REMOVED_AT_ONCE);
  }

  async #messages(filters: readonly Filter[], direction: 'asc' | 'desc', limit: number): Promise<readonly Row[]> {
    const { rows } = await this.#records.page(
      {
        table: MESSAGES,
        where: { kind: 'all', filters },
        order: direction === 'asc' ? BY_POSITION : FROM_THE_END,
        limit,
        offset: 0,
        columns: null,
        after: null,
      },
      'rows',
    )
    return rows
  }

  async #find(owner: string, id: string): Promise<Entry | null> {
    checkId(owner, id)
    const { rows } = await this.#records.page(
      {
        table: CONVERSATIONS,
        where: { kind: 'all', filters: [compare('owner', 'eq', owner), compare('conversation', 'eq', id)] },
        order: [],
        limit: 1,
        offset: 0,
        columns: null,
        after: null,
      },
      'rows',
    )
    return rows[0] === undefined ? null : entryOf(rows[0])
  }

  async #existing(owner: string, id: string): Promise<Entry> {
    const entry = await this.#find(owner, id)
    if (entry !== null) return entry
    throw new StreamstackError('conversation_unknown', 'There is no such conversation of this caller.')
  }
}

/** The messages of a conversation that is not stored yet. */
function seeded({ seed }: OpenConversation, budget: Budget, now: readonly SaidMessage[]): readonly Value[] {
  const kept = new BudgetedHistory(budget, [], now[0] ?? null)
  for (const message of seed.toReversed()) if (!kept.add({ ...message, status: 'completed' })) break
  return [...kept.messages(), ...now].map(toValue)
}

const REMOVED_AT_ONCE = 500

const NEWEST_FIRST = parseOrder('updated_at DESC, id DESC')
const OLDEST_FIRST = parseOrder('updated_at ASC')
const BY_POSITION = parseOrder('position ASC')
const FROM_THE_END = parseOrder('position DESC')

function checkId(owner: string, id: string): void {
  const problem =
    id === '' || id.length > ID_MAX || /\p{Cc}/u.test(id) || !id.isWellFormed()
      ? `must have 1 to ${ID_MAX} characters and no control characters`
      : owner === '' && id.length < ANONYMOUS_ID_MIN
        ? `must have at least ${ANONYMOUS_ID_MIN} random characters, such as a UUID, for a caller without a token: whoever knows it can read the conversation`
        : null
  if (problem !== null) throw new StreamstackError('input_invalid', `The id of a conversation ${problem}.`)
}

function lockKey(owner: string, id: string): string {
  return JSON.stringify([owner, id])
}

function compare(column: string, operator: 'eq' | 'neq' | 'lt' | 'lte' | 'gt', value: Value): Filter {
  return { kind: 'compare', column, operator, value }
}

function entryOf(row: Row): Entry {
  return {
    key: row['id'] as number,
    id: row['conversation'] as string,
    title: (row['title'] ?? null) as string | null,
    createdAt: row['created_at'] as string,
    updatedAt: row['updated_at'] as string,
    lastPosition: row['last_position'] as number,
  }
}

/** The first words of the user, on one line. */
function titleFrom(messages: readonly SaidMessage[]): string | null {
  const first = messages.find(({ role, content }) => role === 'user' && content.trim() !== '')
  return first === undefined ? null : titleOf(first.content)
}

function titleOf(text: string): string {
  const line = storableText(text).replaceAll(/\s+/g, ' ').trim()
  const characters = Array.from(line.slice(0, TITLE_CHARACTERS_MAX * 2))
  return characters.length <= TITLE_CHARACTERS_MAX ? line : `${characters.slice(0, TITLE_CHARACTERS_MAX - 1).join('')}…`
}
