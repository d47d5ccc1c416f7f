import type { Position, TreeNode } from './types.ts'

/** Where a part of a value stands in its file: down the path of keys and indices, then `offset` characters into the text. */
export function placeInValue(node: TreeNode, path: readonly (string | number)[], offset: number): Position {
  let found = node
  for (const part of path) {
    const inner = typeof part === 'number' ? found.items?.[part] : found.entries?.find(({ key }) => key === part)?.node
    if (inner === undefined) break
    found = inner
  }
  const { position } = found
  // Texts over several lines, or with escapes, stand elsewhere in the file than in their value: their start is near enough.
  const isPlain = typeof found.value === 'string' && !/[\n"\\]/.test(found.value.slice(0, offset))
  return isPlain ? { ...position, column: position.column + offset + 1 } : position
}
