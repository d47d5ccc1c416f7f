import { didYouMean, didYouMeanOr } from '../text/did-you-mean.ts'
import { checkParameter } from './check-parameter.ts'
import { isStep } from './is-step.ts'
import type { IssueList } from './issue-list.ts'
import { isNoteKey } from './notes.ts'
import { kindOf, scalarNode } from './tree.ts'
import type { CaseNode, StepNode, TreeEntry, TreeNode } from './types.ts'

/** Reads a list of steps; handed in, because steps hold cases and cases hold steps. */
export type StackReader = (node: TreeNode, idPrefix: string, place: string) => readonly StepNode[]

/** Keys of a case for what it is chosen by. */
const WHEN_KEYS: readonly string[] = ['when', 'condition', 'value', 'case', 'if', 'equals', 'is']

/** Keys of a case or branch for its steps. */
const STEPS_KEYS: readonly string[] = [
  'steps',
  'then',
  'do',
  'true_branch',
  'function_stack',
  'inner_functions',
  'inner_logic',
  'processing',
]

/**
 * Normalises a stack of form `cases`: a list of `{ when, steps }`, one such object, or (when chosen by value) an object of
 * value → steps.
 */
export function normalizeCases(
  node: TreeNode,
  id: string,
  place: string,
  when: 'value' | 'condition',
  list: IssueList,
  read: StackReader,
): readonly CaseNode[] {
  if (node.value === null) return []
  if (node.entries !== undefined && !node.entries.some((entry) => WHEN_KEYS.includes(entry.key))) {
    // `cases: { users: […], system: […] }`
    if (when === 'value') {
      return node.entries.map((entry, index) => ({
        when: scalarNode(entry.key, entry.keyPosition),
        steps: read(entry.node, `${id}[${index + 1}].`, `the case \`${entry.key}\``),
        position: entry.keyPosition,
      }))
    }
  }
  const items = node.entries === undefined ? node.items : [node]
  if (items === undefined) {
    list.error(node.position, `${place} must be a list of { "when": …, "steps": […] }; it is ${kindOf(node.value)}.`)
    return []
  }
  const cases: CaseNode[] = []
  items.forEach((item, index) => {
    const one = normalizeCase(item, `${id}[${index + 1}].`, `case ${index + 1} of ${place}`, when, list, read)
    if (one !== null) cases.push(one)
  })
  return Object.freeze(cases)
}

function normalizeCase(
  node: TreeNode,
  idPrefix: string,
  place: string,
  kind: 'value' | 'condition',
  list: IssueList,
  read: StackReader,
): CaseNode | null {
  if (node.entries === undefined) {
    list.error(node.position, `${place} must be { "when": …, "steps": […] }; it is ${kindOf(node.value)}.`)
    return null
  }
  let when: TreeEntry | null = null
  let steps: TreeEntry | null = null
  for (const entry of node.entries) {
    if (WHEN_KEYS.includes(entry.key)) {
      if (when !== null) list.error(entry.keyPosition, `\`${entry.key}\` says the same as \`${when.key}\`; remove one.`)
      when = entry
    } else if (STEPS_KEYS.includes(entry.key)) {
      if (steps !== null)
        list.error(entry.keyPosition, `\`${entry.key}\` says the same as \`${steps.key}\`; remove one.`)
      steps = entry
    } else if (!isNoteKey(entry.key) && entry.key !== 'step' && entry.key !== 'label') {
      const suggestion = didYouMean(entry.key, [...WHEN_KEYS, ...STEPS_KEYS])
      const cure = didYouMeanOr(suggestion, 'It takes `when` and `steps`.')
      list.error(entry.keyPosition, `A case has no \`${entry.key}\`. ${cure}`)
    }
  }
  if (when === null) list.error(node.position, `${place} needs \`when\`: what it is chosen by.`)
  if (steps === null) list.error(node.position, `${place} needs \`steps\`: what runs then.`)
  if (when === null || steps === null) return null
  const checked = checkParameter(
    `\`${when.key}\` of ${place}`,
    { kind, summary: '', type: 'any', required: true },
    when.node,
    list,
  )
  if (checked === null) return null
  return Object.freeze({
    when: checked,
    steps: read(steps.node, idPrefix, `\`${steps.key}\` of ${place}`),
    position: node.position,
  })
}

/** Normalises a stack of form `branches`: a list of lists of steps, of `{ steps }`, or an object of name → steps. */
export function normalizeBranches(
  node: TreeNode,
  id: string,
  place: string,
  list: IssueList,
  read: StackReader,
): readonly CaseNode[] {
  const parts = node.items ?? node.entries?.map((entry) => entry.node)
  if (parts === undefined) {
    list.error(node.position, `${place} must be a list of branches, each a list of steps; it is ${kindOf(node.value)}.`)
    return []
  }
  const branches = parts.map((part, index) =>
    Object.freeze({
      when: null,
      steps: read(stepsOfBranch(part), `${id}[${index + 1}].`, `branch ${index + 1} of ${place}`),
      position: part.position,
    }),
  )
  return Object.freeze(branches)
}

function stepsOfBranch(part: TreeNode): TreeNode {
  if (part.entries === undefined || isStep(part)) return part
  const steps = part.entries.filter((entry) => STEPS_KEYS.includes(entry.key))
  const others = part.entries.filter((entry) => !STEPS_KEYS.includes(entry.key))
  const onlyWords = others.every((entry) => isNoteKey(entry.key) || ['name', 'label', 'step'].includes(entry.key))
  return steps.length === 1 && onlyWords ? (steps[0]?.node ?? part) : part
}
