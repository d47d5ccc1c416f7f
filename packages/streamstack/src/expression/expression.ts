import type { Value } from '@streamstack/protocol'

/**
 * What a name stands for where an expression stands. C is the run's context. A `read` gives undefined for a variable that
 * has no value yet, which is an error when the expression runs. Of `members` an expression can read only single members, by
 * names that it spells out; `problem` is the message for one that does not exist, and for any other use if `member` is null.
 */
export type Binding<C> =
  | { kind: 'constant'; value: Value }
  | { kind: 'read'; read: (context: C) => Value | undefined }
  | { kind: 'members'; values: Readonly<Record<string, Value>>; problem: (member: string | null) => string }

/** The names that an expression may use. */
export interface Scope<C> {
  lookup(name: string): Binding<C> | undefined
  /** All names, for "did you mean". */
  names(): Iterable<string>
  /** Whether `names` are all that there can be, so that an unknown one is answered with them. Default: steps create more. */
  isFixed?: boolean
}

/** A name of the scope that an expression uses. */
export interface Reference {
  name: string
  /** `whole`: the entire value is `{{name}}`; `length`: only `name.length`; else `other`. */
  use: 'whole' | 'length' | 'other'
  /** The member that is read of a name that stands for `members`. */
  member?: string
}

/** A compiled value or condition. Frozen; shared by all runs. */
export interface Expression<C> {
  /** Throws StreamstackError `expression_failed`, its message naming the part that failed. */
  evaluate(context: C): Value
  /** The value as `jsonText` writes it, without the object being made first. Null where the value is no object with fixed names. Throws as `evaluate` and `jsonText` do. */
  json: ((this: void, context: C) => string) | null
  /** Whether the value was known at load; then `evaluate` never reads the context. */
  constant: boolean
  /** Each name and use once. */
  references: readonly Reference[]
}
