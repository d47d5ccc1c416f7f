import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openSqliteStore } from '../table/sqlite/record-store.ts'
import type { ConversationSettings } from './conversation-store.ts'
import { Conversations } from './conversations.ts'
import type { SaidMessage } from './message.ts'
import { withConversationTables } from './tables.ts'

const folder = mkdtempSync(join(tmpdir(), 'streamstack-conversations-'))
const records = openSqliteStore({ folder })
const settings: { -readonly [Key in keyof ConversationSettings]: ConversationSettings[Key] } = {
  retentionMs: null,
  messagesMax: 1_000,
  perOwnerMax: 1_000,
}
const conversations = new Conversations(records, () => settings)
const DAY_MS = 86_400_000

const user = (content: string): SaidMessage => ({ role: 'user', content, calls: null, answers: null, reasoning: null })

beforeAll(() => {
  expect(records.declare(withConversationTables([]).tables)).toEqual([])
})

afterAll(async () => {
  await records.close()
  rmSync(folder, { recursive: true, force: true })
})

test('conversations without a new message for longer than their retention go, with their messages', async () => {
  for (let i = 0; i < 130; i++) await conversations.append('ann', `old-${i}`, [user('a'), user('b')], null)
  expect(await conversations.sweep(Date.now() + 400 * DAY_MS)).toBe(0)
  settings.retentionMs = 90 * DAY_MS
  expect(await conversations.sweep(Date.now() + 89 * DAY_MS)).toBe(0)
  expect(await conversations.sweep(Date.now() + 91 * DAY_MS)).toBe(130)
  expect(await records.count('conversations')).toBe(0)
  expect(await records.count('conversation_messages')).toBe(0)
  settings.retentionMs = null
})

test('what databases refuse in text does not keep a reply from being stored', async () => {
  await conversations.append('ann', 'odd', [user('a\0b\ud800c')], null)
  expect((await conversations.messages('ann', 'odd', 0, 10)).map(({ content }) => content)).toEqual(['a\ufffdb\ufffdc'])
})

test('a conversation is for one run at a time, in the order in which they ask; a run that gives up is skipped', async () => {
  const order: string[] = []
  const ask = (run: string): { granted: Promise<void> | null; abandon: () => void } => {
    const asked = conversations.acquire('ann', 'c', run)
    void asked.granted?.then(() => order.push(run))
    return asked
  }
  const first = ask('1')
  expect(first.granted).toBeNull()
  // The run that has it may ask again.
  expect(ask('1').granted).toBeNull()
  const second = ask('2')
  const third = ask('3')
  second.abandon()
  first.abandon()
  await third.granted
  expect(order).toEqual(['3'])
  third.abandon()
  expect(ask('4').granted).toBeNull()
})

test('tables that a workspace declares itself must have what conversations need', () => {
  const { tables } = withConversationTables([])
  const own = tables.map((table) => ({ ...table, columns: table.columns.filter(({ name }) => name !== 'content') }))
  const { issues, tables: all } = withConversationTables(own)
  expect(all).toHaveLength(2)
  expect(issues.map(({ message }) => message)).toEqual([expect.stringContaining('"content" of type text')])
})
