import type { Value } from '@streamstack/protocol'
import { treeFromValue } from '../definition/index.ts'
import type { Issue } from '../definition/types.ts'
import { type TableDeclaration, columnOf, readTable } from '../table/index.ts'

export const CONVERSATIONS = 'conversations'
export const MESSAGES = 'conversation_messages'

const declarations: Readonly<Record<string, Value>> = {
  [CONVERSATIONS]: {
    description: 'Conversations with models, by the subject of their owner. Kept by the server.',
    columns: {
      owner: { type: 'text', required: true },
      conversation: { type: 'text', required: true },
      title: { type: 'text' },
      created_at: { type: 'timestamp', required: true },
      updated_at: { type: 'timestamp', required: true },
      last_position: { type: 'integer', required: true },
    },
    indexes: [{ columns: ['owner', 'conversation'], unique: true }, ['owner', 'updated_at'], ['updated_at']],
  },
  [MESSAGES]: {
    description: 'Messages of conversations. Kept by the server.',
    columns: {
      conversation_id: { type: 'integer', required: true },
      position: { type: 'integer', required: true },
      message_id: { type: 'text', required: true },
      role: { type: 'text', required: true, values: ['system', 'user', 'assistant', 'tool'] },
      content: { type: 'text', required: true },
      data: { type: 'json' },
      status: { type: 'text', required: true },
      run: { type: 'text' },
      created_at: { type: 'timestamp', required: true },
    },
    indexes: [{ columns: ['conversation_id', 'position'], unique: true }],
  },
}

/** The tables that conversations are kept in. */
export const conversationTables: readonly TableDeclaration[] = Object.entries(declarations).map(([name, value]) => {
  const { table } = readTable(name, treeFromValue(value, { file: `tables/${name}.yaml`, line: 1, column: 1 }))
  if (table === null) throw new TypeError(`The declaration of ${name} is wrong.`)
  return table
})

/**
 * The workspace's tables and those for conversations. A workspace may declare these itself, with further columns; what theirs lack becomes
 * an issue.
 */
export function withConversationTables(tables: readonly TableDeclaration[]): {
  tables: readonly TableDeclaration[]
  issues: readonly Issue[]
} {
  const issues: Issue[] = []
  const missing = conversationTables.filter((wanted) => {
    const own = tables.find(({ name }) => name === wanted.name)
    if (own !== undefined) issues.push(...lacks(own, wanted))
    return own === undefined
  })
  return { tables: [...tables, ...missing], issues }
}

function lacks(own: TableDeclaration, wanted: TableDeclaration): Issue[] {
  return wanted.columns.flatMap(({ name, type }) => {
    if (columnOf(own, name)?.type === type) return []
    const message = `Conversations are kept in this table and need its column "${name}" of type ${type}. Add it, or rename the table.`
    return [{ severity: 'error' as const, message, position: own.position }]
  })
}
