import { StreamstackError, type Value } from '@streamstack/protocol'
import { type AuthClaims, authorize } from '../access/index.ts'
import type { AccessDeclaration } from '../definition/types.ts'
import type { Expression, Scope } from '../expression/index.ts'
import type { NameParameters } from './name-pattern.ts'

/** What conditions of a channel are about. */
export interface RuleContext {
  readonly auth: AuthClaims | null
  readonly channel: string
  readonly parameters: NameParameters
  /** For `deliver`: the content of the message. */
  readonly message: Value
  readonly metadata: Value
}

/** A rule for callers of a channel. Every part of it must hold. */
export interface ChannelRule {
  readonly access: AccessDeclaration
  readonly when: Expression<RuleContext> | null
}

/** Acts on a channel that a rule can allow to callers. */
export type ChannelAct = 'publish' | 'subscribe' | 'presence'

const WORDS: Readonly<Record<ChannelAct, string>> = {
  publish: 'publish to this channel',
  subscribe: 'read this channel',
  presence: 'see who is in this channel',
}

/** The names that conditions may use; `deliver` sees the message, too. */
export function ruleScope(parameters: readonly string[], seesMessage: boolean): Scope<RuleContext> {
  const fixed: readonly (keyof RuleContext)[] = seesMessage
    ? ['auth', 'channel', 'message', 'metadata']
    : ['auth', 'channel']
  const names = [...fixed, ...parameters]
  return {
    names: () => names,
    isFixed: true,
    lookup(name) {
      if (parameters.includes(name)) return { kind: 'read', read: (context) => context.parameters[name] ?? null }
      switch (fixed.find((one) => one === name)) {
        case 'auth':
          return { kind: 'read', read: ({ auth }) => auth }
        case 'channel':
          return { kind: 'read', read: ({ channel }) => channel }
        case 'message':
          return { kind: 'read', read: ({ message }) => message }
        case 'metadata':
          return { kind: 'read', read: ({ metadata }) => metadata }
        default:
          return undefined
      }
    },
  }
}

/** Whether a condition holds. One that fails says no, and `onFailure` hears why. */
export function holds(
  condition: Expression<RuleContext>,
  context: RuleContext,
  onFailure: (error: unknown) => void,
): boolean {
  try {
    return condition.evaluate(context) === true
  } catch (error) {
    onFailure(error)
    return false
  }
}

/**
 * Throws unless a caller fulfils a rule. `rule` is null when no caller may.
 *
 * @throws StreamstackError `unauthenticated` when a token could help, `forbidden` when the one that was sent, or any, does not.
 */
export function allow(
  act: ChannelAct,
  rule: ChannelRule | null,
  context: RuleContext,
  onFailure: (error: unknown) => void,
): void {
  if (rule === null) throw new StreamstackError('forbidden', `No caller may ${WORDS[act]}.`)
  authorize(rule.access, context.auth, 'this channel')
  if (rule.when === null || holds(rule.when, context, onFailure)) return
  if (context.auth === null) authorize(TOKEN_ACCESS, null)
  throw new StreamstackError('forbidden', `The token does not allow you to ${WORDS[act]}.`)
}

/** Allows every caller with a valid token. */
export const TOKEN_ACCESS: AccessDeclaration = Object.freeze({ authentication: true, roles: [], scopes: [] })

/** Allows every caller. */
export const OPEN_ACCESS: AccessDeclaration = Object.freeze({ authentication: false, roles: [], scopes: [] })

/** Whether a rule needs a token, so that a server that verifies none refuses every caller. */
export function needsToken({ access }: ChannelRule): boolean {
  return access.authentication || access.roles.length > 0 || access.scopes.length > 0
}

/** Whether a rule lets every caller pass, without a token and without a condition. */
export function isForAnybody(rule: ChannelRule | null): boolean {
  return rule !== null && rule.when === null && !rule.access.authentication
}
