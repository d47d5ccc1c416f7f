import type { IssueList } from './issue-list.ts'
import { kindOf, listNode, objectNode, scalarNode } from './tree.ts'
import type { InputDeclaration, Position, TreeEntry, TreeNode } from './types.ts'

/** Settings of an endpoint that stand for a step of its stack, in the order of these steps. */
const steps: Readonly<Record<string, { function: string; shorthand: string | null }>> = {
  redact: { function: 'Redact', shorthand: 'kinds' },
  filter: { function: 'Filter Stream', shorthand: 'words' },
  conversation: { function: 'Load Conversation', shorthand: null },
}

export const stepSettings: readonly string[] = Object.keys(steps)

/**
 * The steps that settings stand for: `redact: true`, `redact: [email]` and `redact: { kinds: [email] }` are a Redact. A `conversation`
 * takes its message from the input `message` unless it says otherwise.
 */
export function settingSteps(
  settings: readonly TreeEntry[],
  inputs: readonly InputDeclaration[],
  list: IssueList,
): { filters: TreeNode; conversation: TreeNode | null } {
  const made: TreeNode[] = []
  let conversation: TreeNode | null = null
  for (const [key, { function: name, shorthand }] of Object.entries(steps)) {
    const entry = settings.find((one) => one.key === key)
    if (entry === undefined || entry.node.value === null || entry.node.value === false) continue
    const parameters = parametersOf(entry, shorthand, list)
    if (parameters === null) continue
    const position = entry.keyPosition
    const more = key === 'conversation' ? messageOf(parameters, inputs, position) : []
    const step = objectNode([textEntry('function', name, position), ...parameters, ...more], position)
    if (key === 'conversation') conversation = listNode([step], position)
    else made.push(step)
  }
  return { filters: listNode(made, made[0]?.position ?? NOWHERE), conversation }
}

const NOWHERE: Position = { file: '', line: 1, column: 1 }

/**
 * The first step of a stack that uses the conversation; 0: none does. Steps before it, which may refuse the call, run before anything of the
 * conversation is read or stored.
 */
export function firstUse(stack: TreeNode | null): number {
  const index = stack?.items?.findIndex((step) => JSON.stringify(step.value).includes('conversation_history')) ?? -1
  return Math.max(0, index)
}

function parametersOf(
  { key, node }: TreeEntry,
  shorthand: string | null,
  list: IssueList,
): readonly TreeEntry[] | null {
  if (node.entries !== undefined) return node.entries
  if (shorthand !== null && node.items !== undefined) return [{ key: shorthand, keyPosition: node.position, node }]
  if (node.value === true && key === 'redact') return []
  const forms = shorthand === null ? 'an object' : `an object, or a list of ${shorthand}`
  list.error(node.position, `\`${key}\` must be ${forms}; it is ${kindOf(node.value)}.`)
  return null
}

function messageOf(
  parameters: readonly TreeEntry[],
  inputs: readonly InputDeclaration[],
  position: Position,
): readonly TreeEntry[] {
  if (parameters.some(({ key }) => key === 'message') || !inputs.some(({ name }) => name === 'message')) return []
  return [textEntry('message', '{{input.message}}', position)]
}

function textEntry(key: string, value: string, position: Position): TreeEntry {
  return { key, keyPosition: position, node: scalarNode(value, position) }
}
