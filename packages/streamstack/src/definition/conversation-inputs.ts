import type { Value } from '@streamstack/protocol'
import { entryOf, listNode, treeFromValue } from './tree.ts'
import type { Position, TreeNode } from './types.ts'

const NAME = 'conversation_history'

/** Bounds of what a caller may send: a long conversation, and no more. */
const MESSAGES_MAX = 1_000

const INPUTS: Value = {
  message: { type: 'text', required: true, trim: true, non_empty: true, description: 'What the user says.' },
  conversation_id: { type: 'text', max_length: 200, description: 'Names a conversation.' },
  regenerate: { type: 'boolean', description: 'Whether the last message is answered anew.' },
  replace_from: {
    type: 'any',
    description: 'Id or number of a stored message; this turn replaces it and all later messages.',
  },
  conversation_history: {
    type: 'list',
    max_items: MESSAGES_MAX,
    description: 'Earlier messages of the user and the assistant.',
    items: {
      type: 'object',
      properties: { role: { type: 'text', required: true }, content: { type: 'text', required: true } },
    },
  },
}

const LOAD: Value = {
  function: 'Load Conversation',
  id: '{{input.conversation_id}}',
  message: '{{message}}',
  history: `{{input.${NAME}}}`,
  regenerate: '{{input.regenerate}}',
  replace_from: '{{input.replace_from}}',
  as: NAME,
}

/**
 * A stack that uses `conversation_history` and declares no inputs takes the conversation from its caller: `message`, and if sent
 * `conversation_id` and `conversation_history`. Before the first step that uses it stands a Load Conversation, which makes the messages.
 * This is the one place where such an endpoint gets its conversation. Null: the stack is none of these.
 */
export function conversationOf(stack: TreeNode, position: Position): { inputs: TreeNode; stack: TreeNode } | null {
  const { items } = stack
  const first = items?.findIndex((step) => mentions(step.value)) ?? -1
  if (items === undefined || first === -1 || items.some(setsIt)) return null
  const load = treeFromValue(LOAD, items[first]?.position ?? position)
  return {
    inputs: treeFromValue(INPUTS, position),
    // The steps of the file keep their numbers.
    stack: listNode(items.toSpliced(first, 0, { ...load, stepId: 'conversation' }), stack.position),
  }
}

function mentions(value: Value): boolean {
  if (typeof value === 'string') return /\{\{[^{}]*\bconversation_history\b/.test(value)
  if (typeof value !== 'object' || value === null) return false
  return Object.values(value).some(mentions)
}

/** Whether a step gives the name a value itself, however deep in it. */
function setsIt(step: TreeNode): boolean {
  const [as, name] = ['as', 'name'].map((key) => entryOf(step, key)?.node.value)
  const variables = entryOf(step, 'variables')?.node
  if (as === NAME || name === NAME || (variables !== undefined && entryOf(variables, NAME) !== undefined)) return true
  if (entryOf(step, 'function')?.node.value === 'Load Conversation' && as === undefined) return true
  const inner = [...(step.entries ?? []).map(({ node }) => node), ...(step.items ?? [])]
  return inner.some((node) => (node.entries !== undefined || node.items !== undefined) && setsIt(node))
}
