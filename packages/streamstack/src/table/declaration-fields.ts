import { type Issue, type Position, type TreeEntry, type TreeNode, knownEntries } from '../definition/index.ts'

/** Reads members of a table's declaration, and notes each fault with its place and its cure. */
export class DeclarationFields {
  readonly issues: Issue[] = []

  /** The entries by key, with an error for each that is not known. Null: it is no object. */
  object(node: TreeNode, must: string, keys: readonly string[]): ReadonlyMap<string, TreeEntry> | null {
    if (node.entries === undefined) return this.error(node.position, `${must}.`)
    return knownEntries(node, keys, ({ key, keyPosition }, cure) =>
      this.error(keyPosition, `There is no key \`${key}\` here. ${cure}`),
    )
  }

  flag(node: TreeNode | undefined): boolean {
    if (node === undefined || node.value === null) return false
    if (typeof node.value === 'boolean') return node.value
    this.error(node.position, 'This must be true or false.')
    return false
  }

  text(node: TreeNode | undefined): string | null {
    if (node === undefined || node.value === null) return null
    if (typeof node.value === 'string') return node.value
    return this.error(node.position, 'This must be text.')
  }

  error(position: Position, message: string): null {
    this.issues.push({ severity: 'error', message, position })
    return null
  }
}
