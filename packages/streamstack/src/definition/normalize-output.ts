import { didYouMean, didYouMeanOr } from '../text/did-you-mean.ts'
import type { IssueList } from './issue-list.ts'
import { normalizeInputs } from './normalize-inputs.ts'
import { isNoteKey } from './notes.ts'
import { quote } from './tree.ts'
import type { OutputDeclaration, TreeNode } from './types.ts'

const MEMBERS = ['content', 'metadata'] as const

/** Reads `output`: declarations of `content` and `metadata`, written as those of inputs. Null: there is none. */
export function normalizeOutput(node: TreeNode | null, list: IssueList): OutputDeclaration | null {
  if (node === null) return null
  if (node.entries === undefined) {
    list.error(
      node.position,
      `\`output\` must be such as { content: text, metadata: { type: object } }; it is ${quote(node.value)}.`,
    )
    return null
  }
  const known = node.entries.filter(({ key, keyPosition }) => {
    if (MEMBERS.some((name) => name === key)) return true
    const guess = didYouMean(key, MEMBERS)
    if (!isNoteKey(key)) {
      const cure = didYouMeanOr(guess, 'It has `content` and `metadata`.')
      list.error(keyPosition, `\`output\` has no ${quote(key)}. ${cure}`)
    }
    return false
  })
  const declared = normalizeInputs({ ...node, entries: known }, list)
  const [content = null, metadata = null] = MEMBERS.map((name) => declared.find((one) => one.name === name) ?? null)
  if (metadata !== null && metadata.type !== 'object') {
    list.error(metadata.position, `\`output.metadata\` must be an object; write { type: object, properties: { … } }.`)
  }
  return Object.freeze({ content, metadata })
}
