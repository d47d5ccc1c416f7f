import type { Value } from '@streamstack/protocol'
import type { InputDeclaration, Issue, Position, StepNode, TreeNode } from '../../definition/types.ts'
import type { Expression, TextPart } from '../../expression/index.ts'
import type { ChunkFilter, Frame, Op, Slot } from '../../run/index.ts'
import type { TableDeclaration } from '../../table/index.ts'

/** A place in a program that is not known yet when ops that jump there are made. */
export interface Label {
  pc: number
}

/** The slots of a loop, which its body reads as `loop_index`, `item` … */
export interface LoopSlots {
  /** Index of the round, from 0: `loop_index`, and `current_batch` from 1. */
  index: number
  /** `item`, and the name that the step gives it. */
  item: number | null
  /** Length of the list, null while unknown: `array_length`. */
  length: number | null
}

/** A streamed answer that a step opens. */
export interface StepSource {
  /** The slot that holds its handle. */
  readonly slot: number
  /** Whether it is the answer of a model. */
  readonly isModel: boolean
}

/** What a step must know of a function file to call it. */
export interface FunctionOutline {
  readonly inputs: readonly InputDeclaration[]
  readonly description: string | null
}

/** What functions compile themselves with. One compiler makes one program. */
export interface Compiler {
  /** Adds an op; gives its index. */
  emit(op: Op): number
  label(): Label
  /** Lets a label stand for the next op. */
  place(label: Label): void
  /** Adds an op that jumps to a label. */
  jump(label: Label): void

  /** Adds a filter to the program; gives its index, by which a step attaches it to the outlet of a run. */
  filter(filter: ChunkFilter<unknown>): number

  /** A slot of the step's own, for what it must remember. */
  slot(initial?: Slot): number
  /** The slot of a variable. */
  variable(name: string): number
  /** The slot of the step's result; -1 if the result is unused. */
  resultSlot(step: StepNode): number

  /** The streamed answers that steps before this place open, in order. Steps that open one add it. */
  readonly sources: StepSource[]

  /** The slot of the length of the innermost loop over items; it holds null while the loop goes over a streamed answer. Null: there is none. */
  readonly streamLengthSlot: number | null

  /** Compiles a parameter; problems become issues at its place. An absent parameter is `absent`. */
  value(node: TreeNode | undefined, absent?: Value): Expression<Frame>
  condition(node: TreeNode | undefined): Expression<Frame>
  /** Compiles each `{{ }}` of a text on its own, for a step that puts the text together by its own rules. */
  parts(node: TreeNode & { value: string }): readonly TextPart<Frame>[]

  /** Compiles an inner stack here. */
  steps(stack: readonly StepNode[] | undefined): void
  /** Compiles the body of a loop: its built-in names, and where Break and Continue go. `step` is the step that loops. */
  loop(step: StepNode, slots: LoopSlots, targets: { onBreak: Label; onContinue: Label }, body: () => void): void
  /** Compiles a part that a region guards; entering and leaving it are emitted around. */
  guarded(region: RegionTarget, body: () => void): void
  /** Compiles a finally block: leaving it early must not undo the end of a run. */
  finallyBlock(completionSlot: number, body: () => void): void
  /** Compiles a part in which names stand for these slots. */
  withNames(names: ReadonlyMap<string, number>, body: () => void): void
  /** Compiles one branch of Parallel: Break and Continue cannot leave it. */
  branch(body: () => void): { from: Label; to: Label }
  /** Leaves the innermost loop for a target, through the finally blocks on the way. False: there is no loop to leave. */
  leaveLoop(to: 'onBreak' | 'onContinue'): boolean
  /** Where Return leaves to: the end of a function file, through finally blocks. False: this is no function file, or a branch of one. */
  leaveFunction(): boolean
  /** Slot of the value that a function file gives back. */
  readonly functionResult: number

  /**
   * Whether all uses of a variable can take records as JSON text: the content of a chunk, or `.length`. The slot then holds
   * `{ json, length }`, and the database writes the JSON.
   */
  holdsRawRecords(variable: string): boolean
  /** Names that Update Variable may set: inputs, and variables that a step creates, by hand, as a result or as a loop's item. */
  readonly settableNames: ReadonlySet<string>
  /** Every variable that steps set, inner stacks included, with the steps that do. */
  assignedNames(stack: readonly StepNode[]): ReadonlyMap<string, readonly StepNode[]>
  /** Whether a name stands anywhere in the texts of the stack: a value that no text mentions need not be made. */
  mentions(name: string): boolean
  /** A function file by name. Null: there is none. */
  functionFile(name: string): FunctionOutline | null
  functionNames(): Iterable<string>
  table(name: string): TableDeclaration | null
  tableNames(): Iterable<string>
  /** Whether the workspace has a secret to sign tokens with. */
  readonly signsTokens: boolean
  /** Whether a channel of that name is declared. */
  hasChannel(name: string): boolean
  /** As they are declared, parameters in braces. */
  channelNames(): Iterable<string>

  issue(severity: Issue['severity'], message: string, position: Position): void
}

/** Where a guarded part goes on when something is thrown in it. */
export type RegionTarget =
  | { kind: 'catch'; at: Label; errorSlot: number }
  | { kind: 'finally'; at: Label; completionSlot: number }
