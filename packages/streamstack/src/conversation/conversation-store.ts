import { StreamstackError, type Value } from '@streamstack/protocol'
import { type Filter, type RecordInput, type RecordStore, type Row, parseOrder } from '../table/index.ts'
import { cutText } from '../text/cut-text.ts'
import type { SaidMessage, StoredMessage } from './message.ts'
import { fromRow, storableText, toRow } from './stored-row.ts'
import { CONVERSATIONS, MESSAGES } from './tables.ts'

/** Messages or conversations read at once. */
export const PAGE = 100

const REMOVED_AT_ONCE = 500
const TITLE_CHARACTERS_MAX = 120

const NEWEST_FIRST = parseOrder('updated_at DESC, id DESC')
const OLDEST_FIRST = parseOrder('updated_at ASC')
const BY_KEY = parseOrder('id ASC')
const BY_POSITION = parseOrder('position ASC')
const FROM_THE_END = parseOrder('position DESC')

export interface ConversationSettings {
  /** Conversations without a new message for this long are deleted; null: none are. */
  readonly retentionMs: number | null
  /** Most messages of one conversation; the oldest are deleted. */
  readonly messagesMax: number
  /** Most conversations of one owner; those without a new message for longest are deleted. */
  readonly perOwnerMax: number
}

/** What is known of a conversation beside its messages. */
export interface ConversationInfo {
  readonly id: string
  readonly title: string | null
  readonly createdAt: string
  readonly updatedAt: string
}

/** A row of the table of conversations. */
export interface Entry extends ConversationInfo {
  readonly key: number
  readonly lastPosition: number
}

/** The two tables of the workspace that keep conversations: how rows are found, added and deleted. It takes no locks. */
export class ConversationStore {
  readonly #records: RecordStore
  readonly #settings: () => ConversationSettings

  constructor(records: RecordStore, settings: () => ConversationSettings) {
    this.#records = records
    this.#settings = settings
  }

  /** Returns null for a conversation that does not exist or belongs to another owner. */
  async find(owner: string, id: string): Promise<Entry | null> {
    const where = all([compare('owner', 'eq', owner), compare('conversation', 'eq', id)])
    const [row] = await this.#page(CONVERSATIONS, where, [], 1)
    return row === undefined ? null : entryOf(row)
  }

  /** As `find`. Throws `conversation_unknown` instead of returning null. */
  async existing(owner: string, id: string): Promise<Entry> {
    const entry = await this.find(owner, id)
    if (entry !== null) return entry
    throw new StreamstackError('conversation_unknown', 'There is no such conversation of this caller.')
  }

  /** Returns the conversations of an owner, newest message first, that come behind a position in this order. */
  async list(owner: string, limit: number, before: { updatedAt: string; key: number } | null): Promise<Entry[]> {
    const older: Filter[] =
      before === null
        ? []
        : [
            {
              kind: 'any',
              filters: [
                compare('updated_at', 'lt', before.updatedAt),
                all([compare('updated_at', 'eq', before.updatedAt), compare('id', 'lt', before.key)]),
              ],
            },
          ]
    const rows = await this.#page(CONVERSATIONS, all([compare('owner', 'eq', owner), ...older]), NEWEST_FIRST, limit)
    return rows.map(entryOf)
  }

  /** Returns the conversations of an owner with keys after one, in an order that new messages do not change. */
  async listByKey(owner: string, limit: number, after: number): Promise<Entry[]> {
    const where = all([compare('owner', 'eq', owner), compare('id', 'gt', after)])
    return (await this.#page(CONVERSATIONS, where, BY_KEY, limit)).map(entryOf)
  }

  /** Makes a conversation; the owner's oldest ones make room for it. */
  async create(owner: string, id: string, title: string | null, now: string): Promise<Entry> {
    const row = await this.#records.add(CONVERSATIONS, {
      owner,
      conversation: id,
      title,
      created_at: now,
      updated_at: now,
      last_position: 0,
    })
    const ofOwner = compare('owner', 'eq', owner)
    const excess = (await this.#records.count(CONVERSATIONS, ofOwner)) - this.#settings().perOwnerMax
    if (excess > 0) await this.removeEntries(ofOwner, excess)
    return entryOf(row)
  }

  async rename({ key }: Entry, title: string): Promise<ConversationInfo> {
    return entryOf(await this.#records.edit(CONVERSATIONS, 'id', key, { title: titleOf(title) }))
  }

  /** Appends messages, whose positions follow the last. */
  async addMessages(entry: Entry, stored: readonly StoredMessage[], now: string): Promise<void> {
    const last = stored.at(-1)
    if (last === undefined) return
    await this.#records.addMany(
      MESSAGES,
      stored.map((message): RecordInput => ({ conversation_id: entry.key, ...toRow(message) })),
    )
    await this.#records.edit(CONVERSATIONS, 'id', entry.key, {
      updated_at: now,
      last_position: last.position,
      title: entry.title ?? titleFrom(stored),
    })
  }

  /**
   * The position of the newest message that a conversation has had. The entry tells it, unless a crash came between the messages and the
   * change of the entry.
   */
  async lastPosition(entry: Entry): Promise<number> {
    const [newest] = await this.messages(entry, [], 'desc', 1)
    return Math.max(entry.lastPosition, newest?.position ?? 0)
  }

  /** Returns messages of a conversation, in the order of their positions or from the end. */
  async messages(
    { key }: Pick<Entry, 'key'>,
    filters: readonly Filter[],
    direction: 'asc' | 'desc',
    limit: number,
  ): Promise<StoredMessage[]> {
    const order = direction === 'asc' ? BY_POSITION : FROM_THE_END
    return (await this.#page(MESSAGES, ofConversation(key, filters), order, limit)).map(fromRow)
  }

  async removeMessages({ key }: Pick<Entry, 'key'>, filters: readonly Filter[]): Promise<void> {
    const where = ofConversation(key, filters)
    while ((await this.#records.removeMany(MESSAGES, where, REMOVED_AT_ONCE)) === REMOVED_AT_ONCE);
  }

  /** Deletes the oldest messages beyond `messagesMax`; what the system says stays. */
  async removeOldestMessages(entry: Entry): Promise<void> {
    const excess = (await this.#records.count(MESSAGES, ofConversation(entry.key, []))) - this.#settings().messagesMax
    if (excess <= 0) return
    const isSaid = compare('role', 'neq', 'system')
    const last = (await this.messages(entry, [isSaid], 'asc', excess)).at(-1)
    if (last === undefined) return
    await this.removeMessages(entry, [isSaid, compare('position', 'lte', last.position)])
  }

  /** Deletes conversations with their messages, those without a new message for longest first. Returns how many. */
  async removeEntries(where: Filter, most: number): Promise<number> {
    let removed = 0
    while (removed < most) {
      const limit = Math.min(PAGE, most - removed)
      const rows = await this.#page(CONVERSATIONS, where, OLDEST_FIRST, limit)
      for (const row of rows) await this.remove(entryOf(row))
      removed += rows.length
      if (rows.length < limit) break
    }
    return removed
  }

  /** Deletes a conversation with its messages. */
  async remove(entry: Pick<Entry, 'key'>): Promise<void> {
    await this.removeMessages(entry, [])
    await this.#records.remove(CONVERSATIONS, 'id', entry.key)
  }

  /** Without a stack that has conversations there is no table for them, and so none of them. */
  async #page(
    table: string,
    where: Filter,
    order: ReturnType<typeof parseOrder>,
    limit: number,
  ): Promise<readonly Row[]> {
    if (!this.#records.tables().some(({ name }) => name === table)) return []
    const { rows } = await this.#records.page(
      { table, where, order, limit, offset: 0, columns: null, after: null },
      'rows',
    )
    return rows
  }
}

export function compare(column: string, operator: 'eq' | 'neq' | 'lt' | 'lte' | 'gt', value: Value): Filter {
  return { kind: 'compare', column, operator, value }
}

function all(filters: readonly Filter[]): Filter {
  return { kind: 'all', filters }
}

function ofConversation(key: number, filters: readonly Filter[]): Filter {
  return all([compare('conversation_id', 'eq', key), ...filters])
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

/** Returns the first words of the user, on one line. */
export function titleFrom(messages: readonly SaidMessage[]): string | null {
  const first = messages.find(({ role, content }) => role === 'user' && content.trim() !== '')
  return first === undefined ? null : titleOf(first.content)
}

function titleOf(text: string): string {
  const line = storableText(text).replaceAll(/\s+/g, ' ').trim()
  const characters = Array.from(line.slice(0, TITLE_CHARACTERS_MAX * 2))
  return characters.length <= TITLE_CHARACTERS_MAX
    ? line
    : `${cutText(line, characters.slice(0, TITLE_CHARACTERS_MAX - 1).join('').length)}…`
}
