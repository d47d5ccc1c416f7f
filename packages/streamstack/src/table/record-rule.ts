import type { Value } from '@streamstack/protocol'
import { type Expression, type Scope, compileValue } from '../expression/index.ts'
import type { WhereTemplate } from './filter.ts'

/** Acts on records that the rules of a table allow or refuse. */
export const RECORD_ACTS = ['read', 'add', 'edit', 'delete'] as const

export type RecordAct = (typeof RECORD_ACTS)[number]

/** The records that an act is allowed on: all, none, or those of a filter whose values depend on the caller. */
export type RecordRule = 'all' | 'none' | WhereTemplate

/** `allow` of a table. */
export type RecordRules = Readonly<Record<RecordAct, RecordRule>>

/** What the expressions of a rule see. */
export interface RuleContext {
  /** The claims of the caller; null: it has no token. */
  readonly auth: Value
}

const scope: Scope<RuleContext> = {
  names: () => ['auth'],
  isFixed: true,
  lookup: (name) => (name === 'auth' ? { kind: 'read', read: ({ auth }) => auth } : undefined),
}

const compiled = new WeakMap<WhereTemplate, readonly Expression<RuleContext>[]>()

/** Compiles what a rule compares with. Throws ExpressionErrors. */
export function compileRuleValue(source: string): Expression<RuleContext> {
  return compileValue(source, scope)
}

/** The expressions of a rule, compiled once. */
export function ruleExpressions(rule: WhereTemplate): readonly Expression<RuleContext>[] {
  let expressions = compiled.get(rule)
  if (expressions === undefined) {
    expressions = rule.holes.map(({ source }) => compileRuleValue(source))
    compiled.set(rule, expressions)
  }
  return expressions
}
