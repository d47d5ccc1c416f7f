import { didYouMean } from '../text/did-you-mean.ts'
import { parseDurationMs } from './duration.ts'
import type { IssueList } from './issue-list.ts'
import { isNoteKey } from './notes.ts'
import { kindOf, quote } from './tree.ts'
import type { RateLimitDeclaration, TreeNode } from './types.ts'

const KEYS: readonly string[] = ['calls', 'per', 'by', 'roles', 'mode']

/** Reads `rate_limit`: `{ calls: 60, per: 1m, by: caller }`, or a list of these. */
export function normalizeRateLimits(node: TreeNode | undefined, list: IssueList): readonly RateLimitDeclaration[] {
  if (node === undefined || node.value === null) return []
  return (node.items ?? [node]).flatMap((one) => {
    const limit = readLimit(one, list)
    return limit === null ? [] : [limit]
  })
}

function readLimit(node: TreeNode, list: IssueList): RateLimitDeclaration | null {
  if (node.entries === undefined) {
    list.error(
      node.position,
      `\`rate_limit\` must be an object such as { calls: 60, per: 1m, by: caller }; it is ${kindOf(node.value)}.`,
    )
    return null
  }
  const parts = new Map<string, TreeNode>()
  for (const { key, keyPosition, node: part } of node.entries) {
    if (KEYS.includes(key)) parts.set(key, part)
    else if (!isNoteKey(key)) {
      const near = didYouMean(key, KEYS)
      list.error(
        keyPosition,
        `\`rate_limit\` has no \`${key}\`. ${near === null ? `Known are ${KEYS.join(', ')}.` : `Did you mean \`${near}\`?`}`,
      )
    }
  }
  const calls = parts.get('calls')?.value
  const per = parts.get('per')
  const perMs = parseDurationMs(per?.value ?? null)
  const by = parts.get('by')?.value ?? 'caller'
  const mode = parts.get('mode')?.value ?? 'enforce'
  const roles = [parts.get('roles')?.value ?? []].flat()
  const fault = (name: string, must: string): null => {
    const part = parts.get(name)
    list.error(
      part?.position ?? node.position,
      `\`rate_limit.${name}\` must be ${must}${part === undefined ? '; it is missing' : `; it is ${quote(part.value)}`}.`,
    )
    return null
  }
  if (typeof calls !== 'number' || !Number.isSafeInteger(calls) || calls < 1)
    return fault('calls', 'a whole number of at least 1')
  if (perMs === null || perMs < 1) return fault('per', 'a duration such as 1m')
  if (typeof by !== 'string' || !/^(?:caller|address|input\.[A-Za-z_]\w*)$/.test(by))
    return fault('by', '`caller`, `address` or `input.<name>`')
  if (mode !== 'enforce' && mode !== 'report') return fault('mode', '`enforce` or `report`')
  if (!roles.every((role) => typeof role === 'string')) return fault('roles', 'a list of names')
  return Object.freeze({ calls, perMs, by, roles, mode })
}
