import type { Value } from '@streamstack/protocol'
import type { InputDeclaration, Issue, Position, StepNode, TreeNode } from '../definition/types.ts'
import {
  type Binding,
  type Expression,
  ExpressionErrors,
  type Scope,
  compileCondition,
  compileValue,
} from '../expression/index.ts'
import {
  type Compiler,
  type FunctionDefinition,
  type Label,
  type LoopSlots,
  type RegionTarget,
  prepareEstimate,
} from '../functions/index.ts'
import type { Frame, Op, Program, Region, Slot, StepInfo } from '../run/index.ts'
import type { TableDeclaration } from '../table/index.ts'
import { didYouMean } from '../text/did-you-mean.ts'
import { assignedNames, resultName } from './assigned-names.ts'
import { placeInValue } from './place-in-value.ts'
import { rawVariables } from './raw-variables.ts'
import { stepTrees, stepsInside, textsOf } from './steps.ts'

/** What a workspace offers to the stacks in it. */
export interface PlanContext {
  definitions: ReadonlyMap<string, FunctionDefinition>
  functionFiles: ReadonlyMap<string, { inputs: readonly InputDeclaration[] }>
  tables: ReadonlyMap<string, TableDeclaration>
  /** Constants of the settings. */
  variables: Readonly<Record<string, Value>>
  /** Values of the environment names that the settings list; null: listed but not set. */
  env: Readonly<Record<string, string | null>>
}

/** Names that every stack has; slots hold them, so that a frame is complete. */
const INPUT = 'input'
const AUTH = 'auth'
const STARTED = ' started_at_ms'
const RESERVED_NAMES: ReadonlySet<string> = new Set([INPUT, AUTH, 'env'])

interface OpenLoop extends LoopSlots {
  step: StepNode
  targets: { onBreak: Label; onContinue: Label }
  regionDepth: number
  /** `estimated_total`: its slot, and the op that counts when the slot is empty; made when first used. */
  estimate: { slot: number; ensure: Op } | null
}

/** Compiles one stack into one program. */
export class StackCompiler implements Compiler {
  readonly functionResult: number
  readonly #context: PlanContext
  readonly #issues: Issue[]
  readonly #ops: Op[] = []
  readonly #stepOf: number[] = []
  readonly #steps: StepInfo[] = []
  readonly #regions: Region[] = []
  readonly #slots: Slot[] = []
  readonly #variables = new Map<string, number>()
  readonly #inputs: readonly InputDeclaration[]
  readonly #assigned: ReadonlySet<string>
  readonly #raw: ReadonlySet<string>
  readonly #names: Map<string, number>[] = []
  readonly #scope: Scope<Frame>
  readonly #isFunctionFile: boolean
  readonly #functionEnd: Label = { pc: -1 }
  readonly #estimateSlots = new Map<string, number>()
  #loops: OpenLoop[] = []
  #openRegions: RegionTarget[] = []
  #currentStep = -1

  constructor(options: {
    context: PlanContext
    issues: Issue[]
    inputs: readonly InputDeclaration[]
    stack: readonly StepNode[]
    isFunctionFile: boolean
  }) {
    this.#context = options.context
    this.#issues = options.issues
    this.#inputs = options.inputs
    this.#isFunctionFile = options.isFunctionFile
    this.#assigned = new Set(assignedNames(options.stack, options.context.definitions).keys())
    this.#raw = rawVariables(
      options.stack,
      options.context.definitions,
      new Set(options.inputs.map(({ name }) => name)),
    )
    this.#scope = { lookup: (name) => this.#lookup(name), names: () => this.#knownNames() }
    for (const name of [INPUT, AUTH, STARTED]) this.variable(name)
    this.#refuseReservedNames(options.stack)
    for (const { name } of options.inputs) this.variable(name)
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
      slots: this.#slots,
      inputSlots: new Map(this.#inputs.map((input) => [input.name, this.variable(input.name)])),
      allInputsSlot: this.variable(INPUT),
      authSlot: this.variable(AUTH),
      startedSlot: this.variable(STARTED),
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

  slot(initial?: Slot): number {
    return this.#slots.push(initial) - 1
  }

  variable(name: string): number {
    let slot = this.#variables.get(name)
    if (slot === undefined) {
      slot = this.slot()
      this.#variables.set(name, slot)
    }
    return slot
  }

  resultSlot(step: StepNode): number {
    const definition = this.#context.definitions.get(step.function)
    const name = definition === undefined ? null : resultName(step, definition)
    return name === null ? -1 : this.variable(name)
  }

  value(node: TreeNode | undefined, absent: Value = null): Expression<Frame> {
    if (node === undefined) return constant(absent)
    this.#checkEnv(node)
    return this.#compiled(node, () => compileValue(node.value, this.#scope))
  }

  condition(node: TreeNode | undefined): Expression<Frame> {
    if (node === undefined) return constant(false)
    this.#checkEnv(node)
    return this.#compiled(node, () => compileCondition(node.value, this.#scope))
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
        loopSlots: this.#loops.map(({ index }) => index),
      }
      this.#currentStep = this.#steps.push(info) - 1
      this.#emitEstimateReset(step)
      definition.compile(step, this)
      info.to = this.#ops.length
      this.#currentStep = outer
    }
  }

  loop(step: StepNode, slots: LoopSlots, targets: { onBreak: Label; onContinue: Label }, body: () => void): void {
    const loop: OpenLoop = { ...slots, step, targets, regionDepth: this.#openRegions.length, estimate: null }
    this.#loops.push(loop)
    body()
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

  withNames(names: ReadonlyMap<string, number>, body: () => void): void {
    this.#names.push(new Map(names))
    body()
    this.#names.pop()
  }

  branch(body: () => void): { from: Label; to: Label } {
    const [loops, regions] = [this.#loops, this.#openRegions]
    // Names of outer loops stay readable; their targets are out of reach.
    this.#loops = loops.map((loop) => ({ ...loop, regionDepth: -1 }))
    this.#openRegions = []
    const from = this.label()
    const to = this.label()
    this.place(from)
    body()
    this.place(to)
    this.#loops = loops
    this.#openRegions = regions
    return { from, to }
  }

  leaveLoop(to: 'onBreak' | 'onContinue'): boolean {
    const loop = this.#loops.at(-1)
    if (loop === undefined || loop.regionDepth === -1) return false
    this.#leaveRegions(loop.regionDepth)
    this.jump(loop.targets[to])
    return true
  }

  leaveFunction(): boolean {
    if (!this.#isFunctionFile) return false
    this.#leaveRegions(0)
    this.jump(this.#functionEnd)
    return true
  }

  holdsRawRecords(variable: string): boolean {
    return this.#raw.has(variable)
  }

  functionFile(name: string): { inputs: readonly InputDeclaration[] } | null {
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

  issue(severity: Issue['severity'], message: string, position: Position): void {
    this.#issues.push({ severity, message, position })
  }

  /** Ops that leave all regions but the outermost `depth`: a finally block on the way is run and comes back here. */
  #leaveRegions(depth: number): void {
    for (let i = this.#openRegions.length - 1; i >= depth; i--) {
      const region = this.#openRegions[i] as RegionTarget
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
    try {
      const expression = compile()
      const usesEstimate = expression.references.some(({ name }) => name === 'estimated_total')
      if (usesEstimate) this.#emitEstimate()
      return expression
    } catch (error) {
      if (!(error instanceof ExpressionErrors)) throw error
      for (const { message, path, offset } of error.errors)
        this.issue('error', message, placeInValue(node, path, offset))
      return constant(null)
    }
  }

  /** A loop that is entered anew counts anew. */
  #emitEstimateReset(step: StepNode): void {
    const asksForTotal = [...stepsInside(step)].some((inner) =>
      [...stepTrees(inner)].some(({ node }) =>
        [...textsOf(node)].some(({ value }) => value.includes('estimated_total')),
      ),
    )
    if (!asksForTotal) return
    const slot = this.slot()
    this.#estimateSlots.set(step.id, slot)
    this.emit((frame) => {
      frame.slots[slot] = undefined
    })
  }

  #emitEstimate(): void {
    const estimate = this.#loops.findLast((loop) => loop.estimate !== null)?.estimate
    if (estimate !== undefined && estimate !== null) this.emit(estimate.ensure)
  }

  /** These say who calls with what: a stack that could write them could not be trusted to read them. */
  #refuseReservedNames(stack: readonly StepNode[]): void {
    const refuse = (name: string, what: string, position: Position): void => {
      if (RESERVED_NAMES.has(name))
        this.issue(
          'error',
          `${what} cannot be named '${name}': the name has a meaning of its own. Choose another.`,
          position,
        )
    }
    for (const { name, position } of this.#inputs) refuse(name, 'An input', position)
    for (const [name, steps] of assignedNames(stack, this.#context.definitions)) {
      for (const { position } of steps) refuse(name, 'A variable', position)
    }
  }

  #lookup(name: string): Binding<Frame> | undefined {
    for (const names of this.#names.toReversed()) {
      const slot = names.get(name)
      if (slot !== undefined) return read(slot)
    }
    const own = this.#assigned.has(name) ? read(this.variable(name)) : undefined
    return this.#loopName(name) ?? own ?? this.#inputName(name) ?? this.#builtin(name) ?? this.#workspaceName(name)
  }

  #loopName(name: string): Binding<Frame> | undefined {
    const loop = this.#loops.at(-1)
    if (loop === undefined) return undefined
    switch (name) {
      case 'loop_index':
        return read(loop.index)
      case 'current_batch': {
        const slot = loop.index
        return { kind: 'read', read: (frame) => (frame.slots[slot] as number) + 1 }
      }
      case 'item': {
        const found = this.#loops.findLast(({ item }) => item !== null)?.item
        return found === undefined || found === null ? undefined : read(found)
      }
      case 'array_length': {
        const found = this.#loops.findLast(({ length }) => length !== null)?.length
        return found === undefined || found === null ? undefined : read(found)
      }
      case 'estimated_total':
        return this.#estimate()
      default:
        return undefined
    }
  }

  /** Rows that the query of the enclosing loop matches, counted once per entry of the loop, when first asked for. */
  #estimate(): Binding<Frame> | undefined {
    for (const loop of this.#loops.toReversed()) {
      if (loop.estimate !== null) return read(loop.estimate.slot)
      const query = [...stepsInside(loop.step)].find((step) => step.function === 'Get Records')
      if (query === undefined) continue
      const slot = this.#estimateSlots.get(loop.step.id) ?? this.slot()
      loop.estimate = { slot, ensure: () => undefined }
      const count = prepareEstimate(query, this)
      loop.estimate.ensure = (frame, strand) => {
        if (frame.slots[slot] !== undefined) return undefined
        const total = count(frame, strand)
        if (!(total instanceof Promise)) {
          frame.slots[slot] = total
          return undefined
        }
        return strand.untilEnded(total).then((late) => {
          frame.slots[slot] = late
        })
      }
      return read(slot)
    }
    return undefined
  }

  #inputName(name: string): Binding<Frame> | undefined {
    return this.#inputs.some((input) => input.name === name) ? read(this.variable(name)) : undefined
  }

  #builtin(name: string): Binding<Frame> | undefined {
    switch (name) {
      case 'now':
        return { kind: 'read', read: () => new Date().toISOString() }
      case 'elapsed_time': {
        const slot = this.variable(STARTED)
        return { kind: 'read', read: (frame) => Date.now() - (frame.slots[slot] as number) }
      }
      case INPUT:
      case AUTH:
        return read(this.variable(name))
      case 'env':
        return { kind: 'constant', value: this.#context.env }
      default:
        return undefined
    }
  }

  #workspaceName(name: string): Binding<Frame> | undefined {
    const { variables } = this.#context
    return Object.hasOwn(variables, name) ? { kind: 'constant', value: variables[name] as Value } : undefined
  }

  *#knownNames(): Generator<string> {
    yield* ['now', 'elapsed_time', INPUT, AUTH, 'env']
    if (this.#loops.length > 0) yield* ['item', 'loop_index', 'array_length', 'current_batch', 'estimated_total']
    for (const names of this.#names) yield* names.keys()
    yield* this.#assigned
    for (const { name } of this.#inputs) yield name
    yield* Object.keys(this.#context.variables)
  }

  /** `env.NAME` must be listed in the settings; `env` as a whole would show every value at once. */
  #checkEnv(tree: TreeNode): void {
    for (const node of textsOf(tree)) {
      if (!/(?<![\w$.])env(?![\w$])/.test(node.value) || !node.value.includes('{{')) continue
      for (const [, , name] of node.value.matchAll(/(?<![\w$.])env(\??\.\s*([A-Za-z_$][\w$]*))?(?![\w$])/g)) {
        if (name === undefined) {
          this.issue(
            'error',
            'Read single values of the environment, as {{env.NAME}}; `env` as a whole is not to be had.',
            node.position,
          )
        } else if (!Object.hasOwn(this.#context.env, name)) {
          const guess = didYouMean(name, Object.keys(this.#context.env))
          const cure = guess === null ? `Add it to the list 'env' in streamstack.yaml.` : `Did you mean '${guess}'?`
          this.issue('error', `The environment name '${name}' is not listed in the settings. ${cure}`, node.position)
        } else if (this.#context.env[name] === null) {
          this.issue(
            'warning',
            `The environment name '${name}' is listed, but not set: put it into .env.`,
            node.position,
          )
        }
      }
    }
  }
}

function read(slot: number): Binding<Frame> {
  return { kind: 'read', read: (frame) => frame.slots[slot] }
}

function constant(value: Value): Expression<Frame> {
  return { evaluate: () => value, constant: true, references: [] }
}
