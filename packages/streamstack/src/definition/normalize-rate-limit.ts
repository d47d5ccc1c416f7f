import { parseByteSize } from './byte-size.ts'
import { parseDurationMs } from './duration.ts'
import type { IssueList } from './issue-list.ts'
import { knownEntries } from './known-entries.ts'
import { isNoteKey } from './notes.ts'
import { kindOf, quote } from './tree.ts'
import type { LimitUnit, RateLimitDeclaration, TreeNode } from './types.ts'

const UNITS: readonly LimitUnit[] = ['calls', 'tokens', 'bytes']
const KEYS: readonly string[] = [...UNITS, 'per', 'by', 'roles', 'keys', 'mode']

/** Reads `rate_limit`: `{ calls: 60, per: 1m, by: caller }`, with `tokens` or `bytes` instead of `calls`, or a list of these. */
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
  const known = knownEntries(node, KEYS, ({ key, keyPosition }, cure) => {
    if (!isNoteKey(key)) list.error(keyPosition, `\`rate_limit\` has no \`${key}\`. ${cure}`)
  })
  const parts = new Map([...known].map(([key, entry]) => [key, entry.node]))
  const [unit = 'calls', second] = UNITS.filter((one) => parts.has(one))
  const counted = parts.get(unit)?.value ?? null
  const amount = unit === 'bytes' ? parseByteSize(counted) : counted
  const per = parts.get('per')
  const perMs = parseDurationMs(per?.value ?? null)
  const by = parts.get('by')?.value ?? 'caller'
  const mode = parts.get('mode')?.value ?? 'enforce'
  const roles = [parts.get('roles')?.value ?? []].flat()
  const keys = [parts.get('keys')?.value ?? []].flat()
  const fault = (name: string, must: string): null => {
    const part = parts.get(name)
    list.error(
      part?.position ?? node.position,
      `\`rate_limit.${name}\` must be ${must}${part === undefined ? '; it is missing' : `; it is ${quote(part.value)}`}.`,
    )
    return null
  }
  if (second !== undefined) {
    const position = parts.get(second)?.position ?? node.position
    list.error(position, `\`rate_limit\` counts ${unit} or ${second}; write a list of two limits for both.`)
    return null
  }
  if (typeof amount !== 'number' || !Number.isSafeInteger(amount) || amount < 1)
    return fault(unit, unit === 'bytes' ? 'a size such as 10mb' : 'a whole number of at least 1')
  if (perMs === null || perMs < 1) return fault('per', 'a duration such as 1m')
  if (typeof by !== 'string' || !/^(?:caller|address|input\.[A-Za-z_]\w*)$/.test(by))
    return fault('by', '`caller`, `address` or `input.<name>`')
  if (mode !== 'enforce' && mode !== 'report') return fault('mode', '`enforce` or `report`')
  if (!roles.every((role) => typeof role === 'string')) return fault('roles', 'a list of names')
  if (!keys.every((key) => typeof key === 'string')) return fault('keys', 'a list of names of API keys')
  return Object.freeze({ unit, amount, perMs, by, roles, keys, mode })
}
