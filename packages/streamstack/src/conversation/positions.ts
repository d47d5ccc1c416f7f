import { type ConversationStore, type Entry, PAGE, compare } from './conversation-store.ts'
import type { StoredMessage } from './message.ts'

/** The position of a message by its id, or null. */
export async function positionOf(store: ConversationStore, entry: Entry, messageId: string): Promise<number | null> {
  const [message] = await store.messages(entry, [compare('message_id', 'eq', messageId)], 'asc', 1)
  return message?.position ?? null
}

/**
 * The position of the user's message with a number, from 1, as chat clients count: a message of the user is one, and a reply with its calls
 * of tools is one. Clients also show messages that were refused and are not stored, so their numbers may be too large: where the number leads
 * to a reply, or beyond the end, it is the user's message before that. Null: there is none.
 */
export async function positionOfNumber(store: ConversationStore, entry: Entry, number: number): Promise<number | null> {
  let counted = 0
  let isInReply = false
  let found: number | null = null
  for (let after = 0; ;) {
    const filters = [compare('role', 'neq', 'system'), compare('position', 'gt', after)]
    const messages = await store.messages(entry, filters, 'asc', PAGE)
    for (const { role, position } of messages) {
      if (role === 'user' || !isInReply) counted++
      isInReply = role !== 'user'
      if (counted > number) return found
      if (role === 'user') found = position
      after = position
    }
    if (messages.length < PAGE) return found
  }
}

/** The position of the newest message of a role, up to a position; 0: there is none. */
export async function lastOf(
  store: ConversationStore,
  entry: Entry,
  role: StoredMessage['role'],
  until: number | null,
): Promise<number> {
  const bound = until === null ? [] : [compare('position', 'lte', until)]
  const [message] = await store.messages(entry, [compare('role', 'eq', role), ...bound], 'desc', 1)
  return message?.position ?? 0
}

/** Ids of the runs that messages after a position came from. */
export async function runsAfter(store: ConversationStore, entry: Entry, position: number): Promise<readonly string[]> {
  const runs = new Set<string>()
  for (let after = position; ;) {
    const messages = await store.messages(entry, [compare('position', 'gt', after)], 'asc', PAGE)
    for (const { run } of messages) if (run !== null) runs.add(run)
    const last = messages.at(-1)
    if (last === undefined || messages.length < PAGE) return [...runs]
    after = last.position
  }
}
