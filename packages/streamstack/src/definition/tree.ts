import type { Value } from '@streamstack/protocol'
import { shortened } from '../text/cut-text.ts'
import type { Position, TreeEntry, TreeNode } from './types.ts'

/** Deepest nesting of lists and objects that a file may have. */
export const TREE_DEPTH_MAX = 100

const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

/** Keys that would reach into JavaScript's own machinery and are refused in every file. */
export function isForbiddenKey(key: string): boolean {
  return FORBIDDEN_KEYS.has(key)
}

/** A node for a text, number, boolean or null. */
export function scalarNode(value: null | boolean | number | string, position: Position): TreeNode {
  return { value, position }
}

/** A node for a list. */
export function listNode(items: readonly TreeNode[], position: Position): TreeNode {
  return { value: Object.freeze(items.map((item) => item.value)), position, items }
}

/** A node for an object; the caller has refused forbidden and repeated keys. */
export function objectNode(entries: readonly TreeEntry[], position: Position): TreeNode {
  const value: Record<string, Value> = {}
  for (const entry of entries) value[entry.key] = entry.node.value
  return { value: Object.freeze(value), position, entries }
}

/** The entry of an object node, or undefined when the key is absent or the node is no object. */
export function entryOf(node: TreeNode, key: string): TreeEntry | undefined {
  return node.entries?.find((entry) => entry.key === key)
}

/** A tree for plain data, every node at the same position: for definitions that do not come from a file. */
export function treeFromValue(value: Value, position: Position): TreeNode {
  if (value === null || typeof value !== 'object') return scalarNode(value, position)
  if (Array.isArray(value)) {
    return listNode(
      value.map((item: Value) => treeFromValue(item, position)),
      position,
    )
  }
  const entries = Object.entries(value).map(([key, item]) => ({
    key,
    keyPosition: position,
    node: treeFromValue(item, position),
  }))
  return objectNode(entries, position)
}

/** What a value is, in the words of definitions, for messages. */
export function kindOf(value: Value): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'string') return 'text'
  if (typeof value === 'number') return 'a number'
  if (typeof value === 'boolean') return String(value)
  return 'an object'
}

const QUOTE_LENGTH_MAX = 61

/** A value shortened for a message: `"abc"`, `12`, `{"a":1}`. */
export function quote(value: Value): string {
  return shortened(JSON.stringify(value), QUOTE_LENGTH_MAX)
}

/** The text of a parameter that was checked to be text when the definition was read; '' when there is none. */
export function literalText(node: TreeNode | undefined): string {
  return typeof node?.value === 'string' ? node.value : ''
}
