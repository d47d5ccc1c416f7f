import type { Value } from '@streamstack/protocol'

/** Where a part stands in its text, in UTF-16 units. */
export interface Place {
  start: number
  end: number
}

export type UnaryOperator = '!' | '-' | '+' | 'typeof'
export type BinaryOperator =
  | '+'
  | '-'
  | '*'
  | '/'
  | '%'
  | '**'
  | '==='
  | '!=='
  | '=='
  | '!='
  | '<'
  | '<='
  | '>'
  | '>='
  | 'in'
export type LogicalOperator = '&&' | '||' | '??'

/** The whole language: what is not a kind here cannot be said. */
export type Tree = Place &
  (
    | { kind: 'constant'; value: Value }
    | { kind: 'name'; name: string }
    | { kind: 'template'; texts: readonly string[]; parts: readonly Tree[] }
    | { kind: 'list'; items: readonly (Tree | Spread)[] }
    | { kind: 'object'; entries: readonly (ObjectEntry | Spread)[] }
    | MemberTree
    | { kind: 'chain'; link: Tree }
    | { kind: 'unary'; operator: UnaryOperator; operand: Tree }
    | { kind: 'binary'; operator: BinaryOperator; left: Tree; right: Tree }
    | { kind: 'logical'; operator: LogicalOperator; left: Tree; right: Tree }
    | { kind: 'conditional'; test: Tree; whenTrue: Tree; whenFalse: Tree }
    | CallTree
    | MethodTree
  )

/** `object.key`, `object[key]`, `object?.key`. */
export interface MemberTree extends Place {
  kind: 'member'
  object: Tree
  key: string | Tree
  optional: boolean
}

/** `name(…)`. */
export interface CallTree extends Place {
  kind: 'call'
  name: string
  arguments: readonly Argument[]
}

/** `object.name(…)`; also `Math.max(…)`, which only the scope can tell apart. */
export interface MethodTree extends Place {
  kind: 'method'
  object: Tree
  name: string
  namePlace: Place
  optional: boolean
  arguments: readonly Argument[]
}

export interface Spread extends Place {
  kind: 'spread'
  value: Tree
}

export interface ObjectEntry extends Place {
  kind: 'entry'
  key: string | Tree
  value: Tree
}

/** `(parameters) => body`; stands only as an argument. */
export interface Arrow extends Place {
  kind: 'arrow'
  parameters: readonly Pattern[]
  body: Tree
}

export type Argument = Tree | Spread | Arrow

/** What a parameter of an arrow function may be. `fallback` stands in for what is missing. */
export type Pattern = Place & { fallback: Tree | null } & (
    | { kind: 'name'; name: string }
    | { kind: 'object'; entries: readonly { key: string; pattern: Pattern }[]; rest: string | null }
    | { kind: 'list'; items: readonly (Pattern | null)[]; rest: string | null }
  )
