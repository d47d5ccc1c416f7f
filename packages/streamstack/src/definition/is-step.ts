import { entryOf } from './tree.ts'
import type { TreeNode } from './types.ts'

/** Keys that make an object a step: it names a function, or it is one of the two that need no name. */
const STEP_KEYS: readonly string[] = ['function', 'variables', 'updates']

/** Whether a node looks like a step. */
export function isStep(node: TreeNode): boolean {
  return STEP_KEYS.some((key) => entryOf(node, key) !== undefined)
}

/** Text, or a list of nothing but text, where steps are expected: a description that does not run. */
export function isProse(node: TreeNode): boolean {
  if (typeof node.value === 'string') return true
  return node.items !== undefined && node.items.length > 0 && node.items.every((item) => typeof item.value === 'string')
}
