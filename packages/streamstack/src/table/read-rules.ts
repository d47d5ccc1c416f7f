import { StreamstackError } from '@streamstack/protocol'
import { placeInValue } from '../definition/place-in-value.ts'
import type { Position, TreeNode } from '../definition/types.ts'
import { ExpressionErrors } from '../expression/index.ts'
import { didYouMean, didYouMeanOr, suggest } from '../text/did-you-mean.ts'
import { type FilterTemplate, type WhereTemplate, templateColumns } from './filter.ts'
import { type RecordAct, type RecordRule, type RecordRules, compileRuleValue, RECORD_ACTS } from './record-rule.ts'
import { whereFromValue } from './where-value.ts'

type Report = (position: Position, message: string) => void

const KEYS: readonly string[] = [...RECORD_ACTS, 'write']

/**
 * Reads `allow` of a table: a filter for all acts, or an object with a rule for each. An act that the object does not
 * name is allowed to no caller. Rules with a fault allow nothing, and the fault is reported at its place.
 */
export function readRules(node: TreeNode, columns: readonly string[], report: Report): RecordRules {
  const { value, entries, position } = node
  if (typeof value === 'string' || typeof value === 'boolean') return forAll(readRule(node, columns, report))
  if (entries === undefined || entries.length === 0) {
    report(position, `\`allow\` must be a filter such as "owner == {{auth.sub}}", or an object of ${listed(KEYS)}.`)
    return forAll('none')
  }
  const rules: Record<RecordAct, RecordRule> = { ...forAll('none') }
  const named = new Set(entries.map(({ key }) => key))
  for (const { key, keyPosition, node: rule } of entries) {
    if (!KEYS.includes(key)) {
      const near = didYouMean(key, KEYS)
      const cure =
        near === null
          ? columns.includes(key)
            ? `It takes ${listed(KEYS)}; write a filter for all of them as text: allow: "${key} == …".`
            : `It takes ${listed(KEYS)}.`
          : suggest(near)
      report(keyPosition, `\`allow\` has no \`${key}\`. ${cure}`)
      continue
    }
    const read = readRule(rule, columns, report)
    const acts = RECORD_ACTS.filter((act) => act === key || (key === 'write' && act !== 'read' && !named.has(act)))
    for (const act of acts) rules[act] = read
  }
  return Object.freeze(rules)
}

function forAll(rule: RecordRule): RecordRules {
  return Object.freeze({ read: rule, add: rule, edit: rule, delete: rule })
}

function readRule(node: TreeNode, columns: readonly string[], report: Report): RecordRule {
  if (typeof node.value === 'boolean') return node.value ? 'all' : 'none'
  let where: WhereTemplate
  try {
    where = whereFromValue(node.value)
  } catch (error) {
    if (!(error instanceof StreamstackError)) throw error
    const offset = error.details?.['offset']
    report(placeInValue(node, [], typeof offset === 'number' ? offset : 0), error.message)
    return 'none'
  }
  if (where.template === null) {
    report(node.position, 'The rule says nothing. Write true for all records, false for none.')
    return 'none'
  }
  for (const column of new Set(templateColumns(where.template))) checkColumn(node, column, columns, report)
  if (hasOptional(where.template)) {
    const message =
      'A rule has no optional comparisons (`==?`, `ignore_null`): a claim that is missing would drop them, and allow every record.'
    report(node.position, message)
    return 'none'
  }
  return isCompiled(node, where, report) ? Object.freeze(where) : 'none'
}

function isCompiled(node: TreeNode, where: WhereTemplate, report: Report): boolean {
  for (const { source, path, offset } of where.holes) {
    if (/^\{\{(?:(?!\}\}).)*\}\}$/s.test(source)) continue
    report(
      placeInValue(node, path, offset),
      `A rule compares with one whole expression, not with text around it: {{'team-' + auth.team}}, not team-{{auth.team}}.`,
    )
    return false
  }
  for (const { source, path, offset } of where.holes) {
    try {
      compileRuleValue(source)
    } catch (error) {
      if (!(error instanceof ExpressionErrors)) throw error
      for (const fault of error.errors) report(placeInValue(node, path, offset + fault.offset), fault.message)
      return false
    }
  }
  return true
}

function checkColumn(node: TreeNode, column: string, columns: readonly string[], report: Report): void {
  if (columns.includes(column)) return
  const near = didYouMean(column, columns)
  report(
    node.position,
    `The rule names the unknown column "${column}". ${didYouMeanOr(near, `The table has ${listed(columns)}.`)}`,
  )
}

function hasOptional(template: FilterTemplate): boolean {
  if (template.kind === 'compare') return template.optional
  if (template.kind === 'not') return hasOptional(template.filter)
  return template.kind !== 'hole' && template.filters.some(hasOptional)
}

function listed(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ')
}
