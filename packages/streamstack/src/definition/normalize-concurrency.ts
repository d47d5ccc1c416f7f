import { parseDurationMs } from './duration.ts'
import type { IssueList } from './issue-list.ts'
import { knownEntries } from './known-entries.ts'
import { isNoteKey } from './notes.ts'
import { kindOf, quote } from './tree.ts'
import type { ConcurrencyDeclaration, TreeNode } from './types.ts'

const KEYS: readonly string[] = ['runs', 'queue', 'wait']

const QUEUE_DEFAULT = 100
const WAIT_MS_DEFAULT = 10_000

/** Reads `concurrency`: `{ runs: 4, queue: 100, wait: 10s }`, or the number of runs alone. */
export function normalizeConcurrency(node: TreeNode | undefined, list: IssueList): ConcurrencyDeclaration | null {
  if (node === undefined || node.value === null) return null
  const parts = new Map<string, TreeNode>()
  if (typeof node.value === 'number') parts.set('runs', node)
  else if (node.entries === undefined) {
    list.error(
      node.position,
      `\`concurrency\` must be a number of runs, or an object such as { runs: 4, queue: 100, wait: 10s }; it is ${kindOf(node.value)}.`,
    )
    return null
  }
  const known = knownEntries(node, KEYS, ({ key, keyPosition }, cure) => {
    if (!isNoteKey(key)) list.error(keyPosition, `\`concurrency\` has no \`${key}\`. ${cure}`)
  })
  for (const [key, entry] of known) parts.set(key, entry.node)
  const fault = (name: string, must: string): null => {
    const part = parts.get(name)
    const is = part === undefined ? '; it is missing' : `; it is ${quote(part.value)}`
    list.error(part?.position ?? node.position, `\`concurrency.${name}\` must be ${must}${is}.`)
    return null
  }
  const runs = parts.get('runs')?.value
  const queue = parts.get('queue')?.value ?? QUEUE_DEFAULT
  const waitMs = parts.has('wait') ? parseDurationMs(parts.get('wait')?.value ?? null) : WAIT_MS_DEFAULT
  if (!isCount(runs, 1)) return fault('runs', 'a whole number of at least 1')
  if (!isCount(queue, 0)) return fault('queue', 'a whole number of at least 0')
  if (waitMs === null || waitMs < 1) return fault('wait', 'a duration such as 10s')
  return Object.freeze({ runs, queue, waitMs })
}

function isCount(value: unknown, least: number): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= 1_000_000
}
