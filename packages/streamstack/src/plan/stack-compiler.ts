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
import {
  type ChunkFilter,
  type Frame,
  type Op,
  type Program,
  type Region,
  type Slot,
  type StepInfo,
  leaveFinally,
} from '../run/index.ts'
import type { TableDeclaration } from '../table/index.ts'
import { assignedNames, createdNames, resultName } from './assigned-names.ts'
import { unsetNames } from './env.ts'
import { EstimatedTotals } from './estimated-totals.ts'
import { hiddenInputs } from './hidden-inputs.ts'
import type { PlanContext } from './plan-context.ts'
import { rawVariables } from './raw-variables.ts'
import { RESERVED_NAMES, StackNames } from './stack-names.ts'
import { wordsOf } from './steps.ts'

interface OpenLoop {
  targets: { onBreak: Label; onContinue: Label }
  /** Regions that are open outside the loop; null: the loop is outside the branch, out of reach. */
  regionDepth: number | null
}

/** What surrounds the place that is being compiled. */
type OpenRegion = RegionTarget | { kind: 'inside-finally'; completionSlot: number }

/** Compiles one stack into one program. */
export class StackCompiler implements Compiler {
  readonly functionResult: number
  readonly sources: StepSource[] = []
  readonly settableNames: ReadonlySet<string>
  readonly #context: PlanContext
  readonly #issues: Issue[]
  readonly #ops: Op[] = []
  readonly #stepOf: number[] = []
  readonly #steps: StepInfo[] = []
  readonly #regions: Region[] = []
  readonly #filters: ChunkFilter<unknown>[] = []
  readonly #names: StackNames
  readonly #stack: readonly StepNode[]
  readonly #raw: ReadonlySet<string>
  /** In a function file, but not in a branch of Parallel: the other branches would go on. */
  #mayReturn: boolean
  readonly #functionEnd: Label = { pc: -1 }
  readonly #estimates = new EstimatedTotals(this)
  #loops: OpenLoop[] = []
  #openRegions: OpenRegion[] = []
  #currentStep = -1
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
    this.#mayReturn = options.isFunctionFile
    const assigned = assignedNames(stack, context.definitions)
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
    this.place(this.#functionEnd)
    return Object.freeze({
      name,
      ops: Object.freeze(this.#ops),
      stepOf: this.#stepOf,
      steps: this.#steps,
      regions: this.#regions,
      filters: this.#filters,
      slots: this.#names.slots,
      inputSlots: this.#names.inputSlots,
      variableSlots: this.#names.variableSlots,
      ...this.#names.givenSlots,
      resultSlot: this.functionResult,
    })
  }

  emit(op: Op): number {
    this.#stepOf.push(this.#currentStep)
    return this.#ops.push(op) - 1
  }

  label(): Label {
    return { pc: -1 }
  }

  place(label: Label): void {
    label.pc = this.#ops.length
  }

  jump(label: Label): void {
    this.emit((frame) => {
      frame.pc = label.pc
    })
  }

  filter(filter: ChunkFilter<unknown>): number {
    return this.#filters.push(filter) - 1
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
    for (const part of compiled ?? []) if (typeof part !== 'string') this.#noteReferences(part.expression, node)
    return compiled ?? []
  }

  steps(stack: readonly StepNode[] | undefined): void {
    for (const step of stack ?? []) {
      const definition = this.#context.definitions.get(step.function)
      if (definition === undefined || step.disabled) continue
      const outer = this.#currentStep
      const from = this.#ops.length
      const info = {
        id: step.id,
        function: step.function,
        label: step.label,
        position: step.position,
        from,
        to: from,
        loopSlots: this.#names.loopSlots,
        itemSlot: this.#names.itemSlot,
      }
      this.#currentStep = this.#steps.push(info) - 1
      this.#estimates.resetBefore(step)
      definition.compile(step, this)
      info.to = this.#ops.length
      this.#currentStep = outer
    }
  }

  loop(step: StepNode, slots: LoopSlots, targets: OpenLoop['targets'], body: () => void): void {
    this.#loops.push({ targets, regionDepth: this.#openRegions.length })
    this.#names.insideLoop({ ...slots, step }, body)
    this.#loops.pop()
  }

  guarded(region: RegionTarget, body: () => void): void {
    const index = this.#regions.length
    const { at } = region
    this.#regions.push(
      region.kind === 'catch'
        ? {
            kind: 'catch',
            get pc() {
              return at.pc
            },
            errorSlot: region.errorSlot,
          }
        : {
            kind: 'finally',
            get pc() {
              return at.pc
            },
            completionSlot: region.completionSlot,
          },
    )
    this.emit((frame) => {
      frame.regions.push(index)
    })
    this.#openRegions.push(region)
    body()
    this.#openRegions.pop()
    this.emit((frame) => {
      frame.regions.pop()
    })
  }

  finallyBlock(completionSlot: number, body: () => void): void {
    this.#openRegions.push({ kind: 'inside-finally', completionSlot })
    body()
    this.#openRegions.pop()
  }

  withNames(names: ReadonlyMap<string, number>, body: () => void): void {
    this.#names.withNames(names, body)
  }

  branch(body: () => void): { from: Label; to: Label } {
    const [loops, regions, isInFunction] = [this.#loops, this.#openRegions, this.#mayReturn]
    // Names of outer loops stay readable; their targets are out of reach.
    this.#loops = loops.map((loop) => ({ ...loop, regionDepth: null }))
    this.#openRegions = []
    this.#mayReturn = false
    const from = this.label()
    const to = this.label()
    this.place(from)
    body()
    this.place(to)
    this.#loops = loops
    this.#openRegions = regions
    this.#mayReturn = isInFunction
    return { from, to }
  }

  leaveLoop(to: 'onBreak' | 'onContinue'): boolean {
    const loop = this.#loops.at(-1)
    if (loop === undefined || loop.regionDepth === null) return false
    this.#leaveRegions(loop.regionDepth)
    this.jump(loop.targets[to])
    return true
  }

  leaveFunction(): boolean {
    if (!this.#mayReturn) return false
    this.#leaveRegions(0)
    this.jump(this.#functionEnd)
    return true
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

  /** Ops that leave all regions but the outermost `depth`: a finally block on the way is run and comes back here. */
  #leaveRegions(depth: number): void {
    for (let i = this.#openRegions.length - 1; i >= depth; i--) {
      const region = this.#openRegions[i] as OpenRegion
      if (region.kind === 'inside-finally') {
        this.emit((frame) => leaveFinally(frame, region.completionSlot))
        continue
      }
      this.emit((frame) => {
        frame.regions.pop()
      })
      if (region.kind === 'catch') continue
      const back = this.label()
      this.emit((frame) => {
        frame.slots[region.completionSlot] = { kind: 'jump', pc: back.pc }
        frame.pc = region.at.pc
      })
      this.place(back)
    }
  }

  #compiled(node: TreeNode, compile: () => Expression<Frame>): Expression<Frame> {
    const expression = this.#compiling(node, compile)
    if (expression !== null) this.#noteReferences(expression, node)
    return expression ?? constant(null)
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
