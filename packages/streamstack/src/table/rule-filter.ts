import { StreamstackError, type Value } from '@streamstack/protocol'
import { type TableDeclaration, columnOf } from './declaration.ts'
import { type Filter, type FilterTemplate, type Operand, checkOperand } from './filter.ts'
import { type RecordAct, type RecordRule, ruleExpressions } from './record-rule.ts'
import { operandOf } from './sql/compile-filter.ts'

const everyRecord: Filter = Object.freeze({ kind: 'all', filters: [] })
const noRecord: Filter = Object.freeze({ kind: 'any', filters: [] })

/** A value that is missing, or whose expression failed. */
const UNKNOWN = Symbol('unknown')
type Known = Value | typeof UNKNOWN

/**
 * Returns the filter of a rule for one caller; null: every record. A comparison whose value is missing, fails, or does not
 * fit its column lets no record pass, also below `not`: a fault never grants anything. `onFailure` hears why an
 * expression failed, unless there is no caller whom it could read.
 */
export function ruleFilter(
  table: TableDeclaration,
  rule: RecordRule,
  auth: Value,
  onFailure: (error: unknown) => void,
): Filter | null {
  if (rule === 'all') return null
  if (rule === 'none' || rule.template === null) return noRecord
  const values = ruleExpressions(rule).map((expression): Known => {
    try {
      return expression.evaluate({ auth })
    } catch (error) {
      if (auth !== null) onFailure(error)
      return UNKNOWN
    }
  })
  return filterOf({ table, values }, rule.template, false)
}

/** Whether the rules of a table allow an act on no record to callers without a token. */
export function allowsNothing(table: TableDeclaration, act: RecordAct): boolean {
  return table.rules !== null && isNothing(ruleFilter(table, table.rules[act], null, () => undefined))
}

function isNothing(filter: Filter | null): boolean {
  if (filter === null || filter.kind === 'compare' || filter.kind === 'not') return false
  return filter.kind === 'any' ? filter.filters.every(isNothing) : filter.filters.some(isNothing)
}

interface Filling {
  readonly table: TableDeclaration
  readonly values: readonly Known[]
}

/** `isNegated`: an odd number of `not` is around it, so that what is unknown must hold to let nothing pass. */
function filterOf(filling: Filling, template: FilterTemplate, isNegated: boolean): Filter {
  const unknown = isNegated ? everyRecord : noRecord
  switch (template.kind) {
    case 'hole': {
      const value = filling.values[template.hole]
      return value === true ? everyRecord : value === false ? noRecord : unknown
    }
    case 'not':
      return { kind: 'not', filter: filterOf(filling, template.filter, !isNegated) }
    case 'compare':
      return comparisonOf(filling, template) ?? unknown
    default:
      return { kind: template.kind, filters: template.filters.map((inner) => filterOf(filling, inner, isNegated)) }
  }
}

/** Null: what it compares with is unknown. */
function comparisonOf(
  { table, values }: Filling,
  { column: name, operator, operand }: FilterTemplate & { kind: 'compare' },
): Filter | null {
  const value = valueOf(operand, values)
  const column = columnOf(table, name)
  if (value === UNKNOWN || column === undefined) return null
  try {
    checkOperand(name, operator, value)
    if (operator !== 'is_null') for (const one of Array.isArray(value) ? value : [value]) operandOf(table, column, one)
    return { kind: 'compare', column: name, operator, value }
  } catch (error) {
    if (error instanceof StreamstackError) return null
    throw error
  }
}

/** A null that stands in the rule is meant; one that an expression gives is a claim that is missing. */
function valueOf(operand: Operand, values: readonly Known[]): Known {
  if (operand.kind === 'constant') return operand.value
  if (operand.kind === 'hole') return values[operand.hole] ?? UNKNOWN
  const items = operand.items.map((item) => valueOf(item, values))
  return items.every((item) => item !== UNKNOWN) ? items : UNKNOWN
}
