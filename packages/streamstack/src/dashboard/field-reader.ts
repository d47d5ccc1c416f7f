import { type Issue, type Position, type TreeEntry, type TreeNode, knownEntries, quote } from '../definition/index.ts'

/** Reads members of objects, and notes each fault with its place and its cure. */
export class FieldReader {
  readonly issues: Issue[] = []

  /** The entries by key; an issue for each key that is not known. Null: it is no object. */
  entries(node: TreeNode, what: string, keys: readonly string[]): ReadonlyMap<string, TreeEntry> | null {
    if (node.entries === undefined) {
      this.error(node.position, `${what} must be an object; it is ${quote(node.value)}.`)
      return null
    }
    return knownEntries(node, keys, ({ key, keyPosition }, cure) =>
      this.error(keyPosition, `There is no key \`${key}\` here. ${cure}`),
    )
  }

  /** Returns the items of a list that must not be empty. An error at `position` if the list is missing. */
  items(node: TreeNode | undefined, position: Position, message: string): readonly TreeNode[] {
    if (node?.items !== undefined && node.items.length > 0) return node.items
    this.error(node?.position ?? position, message)
    return []
  }

  width(node: TreeNode | undefined, otherwise: 1 | 2 | 3): 1 | 2 | 3 | 4 {
    if (node === undefined) return otherwise
    if (node.value === 1 || node.value === 2 || node.value === 3 || node.value === 4) return node.value
    this.error(node.position, `\`width\` must be 1, 2, 3 or 4 columns; it is ${quote(node.value)}.`)
    return otherwise
  }

  numbers(entries: ReadonlyMap<string, TreeEntry>, keys: readonly string[]): Record<string, number> {
    const found: Record<string, number> = {}
    for (const key of keys) {
      const node = entries.get(key)?.node
      if (node === undefined) continue
      if (typeof node.value === 'number' && Number.isFinite(node.value)) found[key] = node.value
      else this.error(node.position, `\`${key}\` must be a number; it is ${quote(node.value)}.`)
    }
    return found
  }

  texts(entries: ReadonlyMap<string, TreeEntry>, keys: readonly string[]): Record<string, string> {
    const found: Record<string, string> = {}
    for (const key of keys) {
      const text = this.text(entries.get(key)?.node)
      if (text !== null) found[key] = text
    }
    return found
  }

  names(node: TreeNode | undefined): readonly string[] {
    if (node === undefined) return []
    const names = (node.items ?? []).map((item) => this.text(item)).filter((name) => name !== null)
    if (names.length === 0)
      this.error(node.position, `\`columns\` must be a list of names; it is ${quote(node.value)}.`)
    return names
  }

  text(node: TreeNode | undefined): string | null {
    if (node === undefined) return null
    if (typeof node.value === 'string' && node.value.trim() !== '') return node.value.trim()
    this.error(node.position, `This must be text; it is ${quote(node.value)}.`)
    return null
  }

  error(position: Position, message: string): void {
    this.issues.push({ severity: 'error', message, position })
  }

  warning(position: Position, message: string): void {
    this.issues.push({ severity: 'warning', message, position })
  }
}
