import { entryOf, type Position, type TreeNode } from '../definition/index.ts'

/** Returns the place of a setting, such as `server.tls.cert`, in its file, or of what is nearest above it. */
export function settingPlace(settings: TreeNode | null, key: string): Position {
  let node = settings
  for (const name of key.split('.')) {
    const next = node === null ? undefined : entryOf(node, name)?.node
    if (next === undefined) break
    node = next
  }
  return node?.position ?? { file: 'streamstack.yaml', line: 1, column: 1 }
}
