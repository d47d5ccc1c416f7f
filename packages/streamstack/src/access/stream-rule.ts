import type { Value } from '@streamstack/protocol'
import { type Expression, type Scope, compileCondition } from '../expression/index.ts'

/** What is done with a stream by name. */
export type StreamAct = 'read' | 'write'

/** What the rule of streams by name sees. */
export interface StreamRuleContext {
  /** The claims of the caller; null: it has no token. */
  readonly auth: Value
  /** The name of the stream. */
  readonly stream: string
  readonly act: StreamAct
}

/** Whether a caller may do something with a stream by name: `streams.allow`. */
export type StreamRule = Expression<StreamRuleContext>

const scope: Scope<StreamRuleContext> = {
  names: () => ['auth', 'stream', 'act'],
  isFixed: true,
  lookup(name) {
    switch (name) {
      case 'auth':
        return { kind: 'read', read: ({ auth }) => auth }
      case 'stream':
        return { kind: 'read', read: ({ stream }) => stream }
      case 'act':
        return { kind: 'read', read: ({ act }) => act }
      default:
        return undefined
    }
  },
}

/** Compiles `streams.allow`. Throws ExpressionErrors. */
export function compileStreamRule(text: string): StreamRule {
  return compileCondition(text, scope)
}
