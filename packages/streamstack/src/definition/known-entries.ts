import { didYouMean, didYouMeanOr } from '../text/did-you-mean.ts'
import type { TreeEntry, TreeNode } from './types.ts'

/** Returns the entries of an object by key. `onUnknown` gets each of another key, with the cure that a message about it ends with. */
export function knownEntries(
  node: TreeNode,
  keys: readonly string[],
  onUnknown: (entry: TreeEntry, cure: string) => void,
): ReadonlyMap<string, TreeEntry> {
  const known = new Map<string, TreeEntry>()
  for (const entry of node.entries ?? []) {
    if (keys.includes(entry.key)) known.set(entry.key, entry)
    else {
      const listed = keys.filter((key) => key !== '$schema').join(', ')
      onUnknown(entry, didYouMeanOr(didYouMean(entry.key, keys), `Known are ${listed}.`))
    }
  }
  return known
}
