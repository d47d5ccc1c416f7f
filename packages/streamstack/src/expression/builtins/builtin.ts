import type { Value } from '@streamstack/protocol'
import type { List, Properties } from '../value.ts'

/**
 * What an argument must be. Texts and numbers convert as in JavaScript, lists and objects never do.
 * A `selector` is an arrow function of an item, or the name of a property of it.
 */
export type ParameterType = 'text' | 'number' | 'boolean' | 'list' | 'object' | 'any' | 'callback' | 'selector'

/** Called with an item, its position and the list; for reduce with the result so far before these. */
export type Callback = (first: Value, second: Value, third: Value, fourth: Value) => Value

export interface Parameter {
  name: string
  type: ParameterType
  /** May be left out; null counts as left out. */
  optional?: boolean
  /** Takes all arguments from here on, as a list. Stands last. */
  rest?: boolean
}

/** What a method is a method of. */
export type Receiver = 'text' | 'list' | 'number' | 'boolean'

export type Group = 'text' | 'list' | 'number' | 'date' | 'object'

/** A function or method that expressions may call. The reference page is made from these. */
export interface Builtin {
  /** As it is called: `trim`, `Math.max`, `sum`. */
  name: string
  /** For methods, what stands before the dot; null for functions. */
  receiver: Receiver | null
  /** Section of the reference. */
  group: Group
  /** `text.slice(start, end?)`. */
  signature: string
  /** One sentence. */
  summary: string
  parameters: readonly Parameter[]
  /** An expression and its result; runs as a test. */
  example: readonly [expression: string, result: Value]
  /** Steps of work that a call takes beside what the sizes of its arguments and result make. */
  cost: number
  /** Whether it looks at all items of its lists, so that their number counts as work. All characters of texts always do. */
  readsAll: boolean
  /** Whether equal arguments always give equal results, so that a constant call is made once, at load. */
  pure: boolean
  /** The receiver of a method comes first; then one value for each parameter. Throws BuiltinFailure. */
  run: Run
}

/** A built-in's code as calls see it. */
export type Run = (...values: readonly unknown[]) => Value

interface TypeOf {
  text: string
  number: number
  boolean: boolean
  list: List
  object: Properties
  any: Value
  callback: Callback
  selector: Callback
}

type ArgumentOf<P extends Parameter> = P extends { rest: true }
  ? readonly TypeOf[P['type']][]
  : P extends { optional: true }
    ? TypeOf[P['type']] | undefined
    : TypeOf[P['type']]

type ArgumentsOf<P extends readonly Parameter[]> = { [Index in keyof P]: ArgumentOf<P[Index]> }

interface Declaration<P extends readonly Parameter[]> {
  name: string
  summary: string
  parameters: P
  example: readonly [expression: string, result: Value]
  pure?: boolean
  /** Default: 1. Give about the nanoseconds of a call divided by 50. */
  cost?: number
  /** Default: true. */
  readsAll?: boolean
}

interface FunctionDeclaration<P extends readonly Parameter[]> extends Declaration<P> {
  run: (...values: ArgumentsOf<P>) => Value
}

interface MethodDeclaration<R extends Receiver, P extends readonly Parameter[]> extends Declaration<P> {
  run: (receiver: TypeOf[R], ...values: ArgumentsOf<P>) => Value
}

const groupOf: Readonly<Record<Receiver, Group>> = { text: 'text', list: 'list', number: 'number', boolean: 'number' }

/** Declares a function of a group. */
export function defineFunction<const P extends readonly Parameter[]>(
  group: Group,
  declaration: FunctionDeclaration<P>,
): Builtin {
  return {
    pure: true,
    cost: 1,
    readsAll: true,
    ...declaration,
    receiver: null,
    group,
    signature: signatureOf(declaration, ''),
    run: erased(declaration.run),
  }
}

/** Declares a method of texts, lists, numbers or booleans. */
export function defineMethod<const R extends Receiver, const P extends readonly Parameter[]>(
  receiver: R,
  declaration: MethodDeclaration<R, P>,
): Builtin {
  return {
    pure: true,
    cost: 1,
    readsAll: true,
    ...declaration,
    receiver,
    group: groupOf[receiver],
    signature: signatureOf(declaration, `${receiver}.`),
    run: erased(declaration.run),
  }
}

/** Calls convert every argument to the type of its parameter before a built-in sees it, so the types may be forgotten. */
function erased(run: unknown): Run {
  return run as Run
}

function signatureOf(declaration: Declaration<readonly Parameter[]>, before: string): string {
  const parameters = declaration.parameters.map((parameter) => {
    return `${parameter.rest === true ? '...' : ''}${parameter.name}${parameter.optional === true ? '?' : ''}`
  })
  return `${before}${declaration.name}(${parameters.join(', ')})`
}

/** Short spellings of parameters, for the declarations. */
export const text = <const N extends string>(name: N) => ({ name, type: 'text' }) as const
export const number = <const N extends string>(name: N) => ({ name, type: 'number' }) as const
export const list = <const N extends string>(name: N) => ({ name, type: 'list' }) as const
export const object = <const N extends string>(name: N) => ({ name, type: 'object' }) as const
export const any = <const N extends string>(name: N) => ({ name, type: 'any' }) as const
export const callback = <const N extends string>(name: N) => ({ name, type: 'callback' }) as const
export const selector = <const N extends string>(name: N) => ({ name, type: 'selector' }) as const
/** The parameter may be left out. */
export const optional = <const P extends Parameter>(parameter: P) => ({ ...parameter, optional: true as const })
/** The parameter takes all further arguments. */
export const rest = <const P extends Parameter>(parameter: P) => ({ ...parameter, rest: true as const })
