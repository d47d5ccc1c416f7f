import { StreamstackError, type Value } from '@streamstack/protocol'
import { placeInValue } from '../definition/place-in-value.ts'
import type { EndpointDefinition, Issue, TreeNode } from '../definition/types.ts'
import { type Expression, ExpressionErrors, type Scope, compileCondition } from '../expression/index.ts'
import { evaluateInTurn } from '../run/index.ts'

/** What the rule of an endpoint sees of a call. */
export interface RuledCall {
  /** The claims of the caller; null: the endpoint asks for no token. */
  readonly auth: Value
  /** The checked inputs. */
  readonly inputs: Readonly<Record<string, Value>>
}

/** Whether a call is allowed: `allow` of an endpoint. */
export type CallRule = Expression<RuledCall>

/** What the rule for readers of runs sees. */
interface RuledReader {
  readonly auth: Value
  /** Subject of the caller that started the run; null: its token had none. */
  readonly owner: string | null
}

/** Whether a caller may read a run of another: `allow_read` of an endpoint. */
export type ReadRule = Expression<RuledReader>

/** Compiles `allow_read` of an endpoint; null: it has none, or one with faults, which become issues. */
export function compileReadRule({ allowRead }: EndpointDefinition, issues: Issue[]): ReadRule | null {
  if (allowRead === null) return null
  const scope: Scope<RuledReader> = {
    names: () => ['auth', 'owner'],
    isFixed: true,
    lookup(name) {
      if (name === 'auth') return { kind: 'read', read: ({ auth }) => auth }
      return name === 'owner' ? { kind: 'read', read: ({ owner }) => owner } : undefined
    },
  }
  return compiled(allowRead, scope, issues)
}

/** Compiles the rule of an endpoint; null: it has none, or one with faults, which become issues. */
export function compileCallRule({ allow, access, inputs }: EndpointDefinition, issues: Issue[]): CallRule | null {
  if (allow === null) return null
  const names = inputs.map(({ name }) => name)
  const scope: Scope<RuledCall> = {
    names: () => ['auth', 'input', ...names],
    isFixed: true,
    lookup(name) {
      if (name === 'auth') return { kind: 'read', read: ({ auth }) => auth }
      if (name === 'input') return { kind: 'read', read: (call) => call.inputs }
      return names.includes(name) ? { kind: 'read', read: (call) => call.inputs[name] ?? null } : undefined
    },
  }
  const rule = compiled(allow, scope, issues)
  if (rule !== null && !access.authentication && rule.references.some(({ name }) => name === 'auth')) {
    const message =
      '`allow` reads `auth`, which is always null here: the endpoint says `authentication: false`. Remove that, since `allow` alone asks for a token.'
    issues.push({ severity: 'error', message, position: allow.position })
  }
  return rule
}

function compiled<C>(node: TreeNode, scope: Scope<C>, issues: Issue[]): Expression<C> | null {
  try {
    return compileCondition(node.value, scope)
  } catch (error) {
    if (!(error instanceof ExpressionErrors)) throw error
    for (const { message, path, offset } of error.errors) {
      issues.push({ severity: 'error', message, position: placeInValue(node, path, offset) })
    }
    return null
  }
}

/** As `checkCallRule`; a rule that inputs make heavy waits for its turn. `caller` names whose call it is. */
export function checkCallRuleInTurn(
  rule: CallRule | null,
  call: RuledCall,
  caller: () => string,
  onFailure: (error: unknown) => void,
): void | Promise<void> {
  if (rule === null) return
  return evaluateInTurn(rule, caller, () => checkCallRule(rule, call, onFailure))
}

/**
 * Lets a call pass that the rule of its endpoint allows. One whose expression fails refuses, and `onFailure` hears why.
 *
 * @throws StreamstackError `forbidden`. The answer says nothing about the rule.
 */
export function checkCallRule(rule: CallRule | null, call: RuledCall, onFailure: (error: unknown) => void): void {
  if (rule === null) return
  try {
    if (rule.evaluate(call) === true) return
  } catch (error) {
    onFailure(error)
  }
  const message = 'This caller may not call this endpoint with these inputs.'
  throw new StreamstackError('forbidden', message)
}
