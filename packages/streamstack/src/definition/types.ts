import type { FormatName, Value } from '@streamstack/protocol'

/** A place in a file; line and column count from 1, columns in UTF-16 units as editors do. */
export interface Position {
  file: string
  line: number
  column: number
}

/** A problem of a definition. Errors keep the endpoint from loading, warnings do not. */
export interface Issue {
  severity: 'error' | 'warning'
  /** What is wrong and what to do about it, in one or two sentences. */
  message: string
  position: Position
}

/** A JSON or YAML value that remembers where it stands. */
export interface TreeNode {
  /** The plain value, deep; null-prototype objects are not used here, keys such as `__proto__` are refused at parse. */
  value: Value
  position: Position
  /** For objects: the entries in file order. */
  entries?: readonly TreeEntry[]
  /** For arrays: the items. */
  items?: readonly TreeNode[]
  /** Of a step that stands in no file: its id, where steps of the file have their numbers. */
  stepId?: string
}

export interface TreeEntry {
  key: string
  keyPosition: Position
  node: TreeNode
}

/**
 * How a step's parameter is read:
 * - `value`: JSON whose strings may hold `{{ }}`; a string that is one whole `{{ }}` keeps its type;
 * - `condition`: an expression with `{{ }}` around parts or nothing, as `{{has_more}} === true`; or a boolean;
 * - `assignments`: an object of variable name → value;
 * - `variable`: a variable's name, no expression;
 * - `literal`: plain JSON, known when the definition loads;
 * - `where`: a filter of records: an object of column → value or operators, or text like `delay > {{input.min}} && origin === 'JFK'`.
 */
export type ParameterKind = 'value' | 'condition' | 'assignments' | 'variable' | 'literal' | 'where'

/** What may stand as a step's parameter. */
export interface ParameterShape {
  kind: ParameterKind
  summary: string
  /** For editors, the reference page and load-time checks of values without expressions. */
  type?: 'text' | 'integer' | 'number' | 'duration' | 'boolean' | 'list' | 'object' | 'any'
  required?: boolean
  /** Other spellings of the key. */
  aliases?: readonly string[]
  /** Shown in the reference; the function itself applies it. */
  default?: Value
  /** The only values allowed. */
  values?: readonly string[]
}

/** What may stand as an inner stack of a step. */
export interface StackShape {
  summary: string
  required?: boolean
  aliases?: readonly string[]
  /** `steps`: a list of steps. `cases`: a list of objects, each with `when` (kind `value` or `condition`) and a stack `steps`. `branches`: a list of lists of steps. */
  form?: 'steps' | 'cases' | 'branches'
  /** Whether lines of text may stand in place of steps, as a description of what the step does by itself. */
  takesWords?: boolean
  /** For `cases`: how `when` is read. */
  when?: 'value' | 'condition'
}

/** The outside of a function, all that definitions, schema and reference need to know. */
export interface FunctionShape {
  /** As it is written in definitions: `For Each`. */
  name: string
  aliases?: readonly string[]
  /** One sentence. */
  summary: string
  parameters: Readonly<Record<string, ParameterShape>>
  stacks?: Readonly<Record<string, StackShape>>
  /** Name of the variable that takes the result when the step has no `as`; absent when there is no result or it is dropped without `as`. */
  resultDefault?: string
  /** Whether the step may have `as`. */
  hasResult?: boolean
}

/** A step after normalisation: canonical names only. */
export interface StepNode {
  /** Path in the endpoint: `3`, `3.inner.1`, `2.else_if[1].2`. Stable for one version of a definition. */
  id: string
  /** Canonical function name. */
  function: string
  /** The step's own words, when it has any: `Initialize Variables`. */
  label: string | null
  position: Position
  /** By canonical parameter name. */
  parameters: Readonly<Record<string, TreeNode>>
  /** By canonical stack name, for stacks of form `steps`. */
  stacks: Readonly<Record<string, readonly StepNode[]>>
  /** By canonical stack name, for stacks that are described in words in place of steps: the lines. */
  words: Readonly<Record<string, readonly string[]>>
  /** By canonical stack name, for stacks of form `cases` and `branches`. */
  cases: Readonly<Record<string, readonly CaseNode[]>>
  /** Variable that takes the result. */
  as: string | null
  /** A step with `disabled: true` is checked but not run. */
  disabled: boolean
}

export interface CaseNode {
  /** Absent for branches. */
  when: TreeNode | null
  steps: readonly StepNode[]
  position: Position
}

export type InputType =
  | 'text'
  | 'integer'
  | 'number'
  | 'boolean'
  | 'object'
  | 'list'
  | 'timestamp'
  | 'email'
  | 'uuid'
  | 'any'

/** One declared input. */
export interface InputDeclaration {
  name: string
  type: InputType
  description: string | null
  required: boolean
  nullable: boolean
  /** undefined: no default. */
  default: Value | undefined
  values: readonly Value[] | null
  min: number | null
  max: number | null
  minLength: number | null
  maxLength: number | null
  /** Whether white space at both ends is removed before anything is checked. For texts. */
  trim: boolean
  /** `clean`: NFC, no control, bidirectional or invisible characters; the other two also do something about markup. For texts. */
  sanitize: 'none' | 'clean' | 'strip_html' | 'escape_html'
  /** Whether an empty text or list is refused. */
  nonEmpty: boolean
  /** A regular expression; matched by a linear-time engine or refused when it can backtrack. */
  pattern: string | null
  /** For `list`. */
  items: InputDeclaration | null
  /** For `object`; properties whose declaration is only a description accept any value. */
  properties: readonly InputDeclaration[] | null
  position: Position
}

/** What an endpoint says that its chunks hold, for programs that call it; null: it does not say. */
export interface OutputDeclaration {
  readonly content: InputDeclaration | null
  readonly metadata: InputDeclaration | null
}

/** Who may call. */
export interface AccessDeclaration {
  authentication: boolean
  /** Any one of these suffices; empty: any valid token. */
  roles: readonly string[]
  scopes: readonly string[]
}

/** What a rate limit counts: calls as they come, the others when a run ends. */
export type LimitUnit = 'calls' | 'tokens' | 'bytes'

/** How often an endpoint may be called, or how much its runs may use. */
export interface RateLimitDeclaration {
  readonly unit: LimitUnit
  readonly amount: number
  readonly perMs: number
  /** `caller`: the subject of the token, without one the address; `address`; `input.<name>`. */
  readonly by: string
  /** Only callers with one of these roles; empty: all. */
  readonly roles: readonly string[]
  /** Only callers with one of these API keys, by name; empty: all. */
  readonly keys: readonly string[]
  /** `report` counts and refuses nothing. */
  readonly mode: 'enforce' | 'report'
}

/** How many runs of an endpoint may go on at once, and how many calls wait for one to end, each for so long. */
export interface ConcurrencyDeclaration {
  readonly runs: number
  readonly queue: number
  readonly waitMs: number
}

/** Bounds of one run; null: the workspace's own. */
export interface LimitDeclaration {
  maxDurationMs: number | null
  maxChunks: number | null
  maxBytes: number | null
  maxIterations: number | null
}

/** An endpoint after normalisation. */
export interface EndpointDefinition {
  file: string
  /** The file's name without its ending. */
  name: string
  /** Upper case. */
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** `/api/users/:id`; `{id}` is normalised to `:id`. */
  path: string
  description: string | null
  /** Declared response headers, names as written; those that HTTP or we govern (Connection, Transfer-Encoding …) already left out with a warning where that matters. */
  headers: Readonly<Record<string, string>>
  /** The format of callers who name none; null: the declared Content-Type decides. */
  format: FormatName | null
  /** `standard`: callers who ask for no format that streams get one plain answer. */
  responseType: 'streaming' | 'standard'
  inputs: readonly InputDeclaration[]
  /** Null: the stack alone tells. */
  output: OutputDeclaration | null
  access: AccessDeclaration
  /** A condition over `auth` and the inputs that a call must meet; null: none. */
  allow: TreeNode | null
  /** A condition over `auth` and `owner` for callers who may read runs of others; null: no caller may. */
  allowRead: TreeNode | null
  limits: LimitDeclaration
  rateLimits: readonly RateLimitDeclaration[]
  /** Null: no bound of its own. */
  concurrency: ConcurrencyDeclaration | null
  /** Where the chunks of a run are kept: in memory, or on disk before a reader receives them. */
  delivery: 'memory' | 'durable'
  onDisconnect: 'continue' | 'cancel'
  /** How long a run without readers goes on under `cancel`. */
  disconnectGraceMs: number | null
  stack: readonly StepNode[]
  position: Position
}

/** A reusable stack in `functions/`. */
export interface FunctionFile {
  file: string
  name: string
  /** What it does: a model that may call it chooses by this. */
  description: string | null
  inputs: readonly InputDeclaration[]
  stack: readonly StepNode[]
  position: Position
}
