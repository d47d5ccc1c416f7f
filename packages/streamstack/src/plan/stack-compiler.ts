import type { Value } from '@streamstack/protocol'
import { placeInValue } from '../definition/place-in-value.ts'
import type { InputDeclaration, Issue, Position, StepNode, TreeNode } from '../definition/types.ts'
import {
  type Expression,
  ExpressionErrors,
  type TextPart,
  compileCondition,
  compileParts,
  compileValue,
} from '../expression/index.ts'
import type { Compiler, FunctionOutline, Label, LoopSlots, RegionTarget, StepSource } from '../functions/index.ts'
import type { ChunkFilter, Frame, Op, Program, Slot } from '../run/index.ts'
import type { TableDeclaration } from '../table/index.ts'
import { type IsFromCaller, NEUTRAL, argumentsOfCaller, plainInputs } from './caller-arguments.ts'
import { blamingInputs } from './blaming-inputs.ts'
import { assignedNames, createdNames, resultName } from './assigned-names.ts'
import { ControlFlow, type LoopTargets } from './control-flow.ts'
import { unsetNames } from './env.ts'
import { EstimatedTotals } from './estimated-totals.ts'
import { hiddenInputs } from './hidden-inputs.ts'
import type { PlanContext } from './plan-context.ts'
import { ProgramCode } from './program-code.ts'
import { rawVariables } from './raw-variables.ts'
import { RESERVED_NAMES, StackNames } from './stack-names.ts'
import { wordsOf } from './steps.ts'

/** Compiles one stack into one program. */
export class StackCompiler implements Compiler {
  readonly functionResult: number
  readonly sources: StepSource[] = []
  readonly settableNames: ReadonlySet<string>
  readonly #context: PlanContext
  readonly #issues: Issue[]
  readonly #code = new ProgramCode()
  readonly #flow: ControlFlow
  readonly #names: StackNames
  readonly #stack: readonly StepNode[]
  readonly #raw: ReadonlySet<string>
  readonly #estimates = new EstimatedTotals(this)
  readonly #isFromCaller: IsFromCaller
  readonly #plainInputs: ReadonlySet<string>
  #words: ReadonlySet<string> | null = null

  constructor(options: {
    context: PlanContext
    issues: Issue[]
    inputs: readonly InputDeclaration[]
    stack: readonly StepNode[]
    isFunctionFile: boolean
  }) {
    const { context, inputs, stack } = options
    this.#context = context
    this.#stack = stack
    this.#issues = options.issues
    this.#isFromCaller = argumentsOfCaller({ stack, inputs, definitions: context.definitions })
    this.#flow = new ControlFlow(this.#code, options.isFunctionFile)
    const assigned = assignedNames(stack, context.definitions)
    this.#plainInputs = plainInputs(inputs, assigned)
    this.settableNames = new Set([...createdNames(assigned, context.definitions), ...inputs.map(({ name }) => name)])
    this.#refuseReservedNames(inputs, assigned)
    this.#issues.push(...hiddenInputs(inputs))
    this.#raw = rawVariables(stack, context.definitions, new Set(inputs.map(({ name }) => name)))
    this.#names = new StackNames({
      inputs,
      context,
      assigned: new Set(assigned.keys()),
      estimate: (loops) => this.#estimates.slotIn(loops),
    })
    this.functionResult = this.slot(null)
  }

  /** The finished program. */
  program(name: string, stack: readonly StepNode[]): Program {
    this.steps(stack)
    this.#flow.placeEnd()
    const { ops, stepOf, steps, regions, filters } = this.#code
    return Object.freeze({
      name,
      ops: Object.freeze(ops),
      stepOf,
      steps,
      regions,
      filters,
      slots: this.#names.slots,
      inputSlots: this.#names.inputSlots,
      variableSlots: this.#names.variableSlots,
      ...this.#names.givenSlots,
      resultSlot: this.functionResult,
    })
  }

  emit(op: Op): number {
    return this.#code.emit(op)
  }

  label(): Label {
    return this.#code.label()
  }

  place(label: Label): void {
    this.#code.place(label)
  }

  jump(label: Label): void {
    this.#code.jump(label)
  }

  filter(filter: ChunkFilter<unknown>): number {
    return this.#code.filters.push(filter) - 1
  }

  slot(initial?: Slot): number {
    return this.#names.slot(initial)
  }

  variable(name: string): number {
    return this.#names.variable(name)
  }

  resultSlot(step: StepNode): number {
    const definition = this.#context.definitions.get(step.function)
    const name = definition === undefined ? null : resultName(step, definition)
    return name === null ? -1 : this.variable(name)
  }

  get streamLengthSlot(): number | null {
    return this.#names.streamLengthSlot
  }

  value(node: TreeNode | undefined, absent: Value = null): Expression<Frame> {
    if (node === undefined) return constant(absent)
    return this.#compiled(node, () => compileValue(node.value, this.#names))
  }

  condition(node: TreeNode | undefined): Expression<Frame> {
    if (node === undefined) return constant(false)
    return this.#compiled(node, () => compileCondition(node.value, this.#names))
  }

  parts(node: TreeNode & { value: string }): readonly TextPart<Frame>[] {
    const compiled = this.#compiling(node, () => compileParts(node.value, this.#names))
    return (compiled ?? []).map((part) => {
      if (typeof part === 'string') return part
      this.#noteReferences(part.expression, node)
      return { ...part, expression: this.#blaming(part.expression) }
    })
  }

  steps(stack: readonly StepNode[] | undefined): void {
    const isFromCaller = this.#isFromCaller
    for (const step of stack ?? []) {
      const definition = this.#context.definitions.get(step.function)
      if (definition === undefined || step.disabled) continue
      const info = {
        id: step.id,
        function: step.function,
        label: step.label,
        position: step.position,
        loopSlots: this.#names.loopSlots,
        itemSlot: this.#names.itemSlot,
        isFromCaller: (argument: string | null) => isFromCaller(step, argument),
      }
      this.#code.step(info, () => {
        this.#estimates.resetBefore(step)
        definition.compile(step, this)
      })
    }
  }

  loop(step: StepNode, slots: LoopSlots, targets: LoopTargets, body: () => void): void {
    this.#flow.loop(targets, () => this.#names.insideLoop({ ...slots, step }, body))
  }

  guarded(region: RegionTarget, body: () => void): void {
    this.#flow.guarded(region, body)
  }

  finallyBlock(completionSlot: number, body: () => void): void {
    this.#flow.finallyBlock(completionSlot, body)
  }

  withNames(names: ReadonlyMap<string, number>, body: () => void): void {
    this.#names.withNames(names, body)
  }

  branch(body: () => void): { from: Label; to: Label } {
    return this.#flow.branch(body)
  }

  leaveLoop(to: keyof LoopTargets): boolean {
    return this.#flow.leaveLoop(to)
  }

  leaveFunction(): boolean {
    return this.#flow.leaveFunction()
  }

  holdsRawRecords(variable: string): boolean {
    return this.#raw.has(variable)
  }

  assignedNames(stack: readonly StepNode[]): ReadonlyMap<string, readonly StepNode[]> {
    return assignedNames(stack, this.#context.definitions)
  }

  mentions(name: string): boolean {
    this.#words ??= wordsOf(this.#stack)
    return this.#words.has(name)
  }

  functionFile(name: string): FunctionOutline | null {
    return this.#context.functionFiles.get(name) ?? null
  }

  functionNames(): Iterable<string> {
    return this.#context.functionFiles.keys()
  }

  table(name: string): TableDeclaration | null {
    return this.#context.tables.get(name) ?? null
  }

  tableNames(): Iterable<string> {
    return this.#context.tables.keys()
  }

  get signsTokens(): boolean {
    return this.#context.signsTokens
  }

  hasChannel(name: string): boolean {
    return this.#context.channels.has(name)
  }

  channelNames(): Iterable<string> {
    return this.#context.channels.names
  }

  issue(severity: Issue['severity'], message: string, position: Position): void {
    this.#issues.push({ severity, message, position })
  }

  #compiled(node: TreeNode, compile: () => Expression<Frame>): Expression<Frame> {
    const expression = this.#compiling(node, compile)
    if (expression === null) return constant(null)
    this.#noteReferences(expression, node)
    return this.#blaming(expression)
  }

  /** An expression that reads inputs alone says so when it fails. One that is a name cannot. */
  #blaming(expression: Expression<Frame>): Expression<Frame> {
    const { references } = expression
    const isOfInputs = references.every(({ name }) => this.#plainInputs.has(name) || NEUTRAL.has(name))
    const readsInput = references.some(({ name, use }) => this.#plainInputs.has(name) && use !== 'whole')
    return isOfInputs && readsInput ? blamingInputs(expression) : expression
  }

  /** What `compile` makes; null when it finds faults, which become issues at their places. */
  #compiling<T>(node: TreeNode, compile: () => T): T | null {
    try {
      return compile()
    } catch (error) {
      if (!(error instanceof ExpressionErrors)) throw error
      for (const { message, path, offset } of error.errors) {
        this.issue('error', message, placeInValue(node, path, offset))
      }
      return null
    }
  }

  #noteReferences({ references }: Expression<Frame>, { position }: TreeNode): void {
    for (const name of unsetNames(references, this.#context.env)) {
      this.issue('warning', `The environment name '${name}' is not set: put it into .env.`, position)
    }
    if (references.some(({ name }) => name === 'estimated_total')) this.#estimates.emitCount()
  }

  #refuseReservedNames(inputs: readonly InputDeclaration[], assigned: ReadonlyMap<string, readonly StepNode[]>): void {
    const refuse = (name: string, what: string, position: Position): void => {
      if (!RESERVED_NAMES.has(name)) return
      this.issue(
        'error',
        `${what} cannot be named '${name}': the name has a meaning of its own. Choose another.`,
        position,
      )
    }
    for (const { name, position } of inputs) refuse(name, 'An input', position)
    for (const [name, steps] of assigned) for (const { position } of steps) refuse(name, 'A variable', position)
  }
}

function constant(value: Value): Expression<Frame> {
  return { evaluate: () => value, constant: true, json: null, references: [] }
}
