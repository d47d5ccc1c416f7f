import type { Value } from '@streamstack/protocol'
import type { InputDeclaration, StepNode } from '../definition/types.ts'
import type { Binding, Scope } from '../expression/index.ts'
import type { LoopSlots } from '../functions/index.ts'
import type { Frame, Slot } from '../run/index.ts'
import { envBinding } from './env.ts'
import type { PlanContext } from './plan-context.ts'
import { steadyNowMs } from './steady-now.ts'

const INPUT = 'input'
const AUTH = 'auth'
/** A name that no expression can spell. */
const STARTED = ' started_at_ms'

/** These say who calls with what: a stack that could write them could not be trusted to read them. */
export const RESERVED_NAMES: ReadonlySet<string> = new Set([INPUT, AUTH, 'env'])

/** Slots that a run fills in and no step sets. */
const GIVEN_NAMES: ReadonlySet<string> = new Set([INPUT, AUTH, STARTED])

/** A loop whose body is being compiled, as names see it. */
export interface NamedLoop extends LoopSlots {
  step: StepNode
}

interface StackNamesOptions {
  inputs: readonly InputDeclaration[]
  /** Variables that some step sets. */
  assigned: ReadonlySet<string>
  context: PlanContext
  /** The slot of `estimated_total` in the loops that are open, innermost last; undefined: none of them reads records. */
  estimate: (loops: readonly NamedLoop[]) => number | undefined
}

/**
 * What the names of a stack mean, and the slots that hold them. Looked for from the inside out: names of a catch block, of the innermost
 * loop, variables, inputs, built-ins, constants of the workspace.
 */
export class StackNames implements Scope<Frame> {
  /** What the slots hold at the start. */
  readonly slots: Slot[] = []
  readonly #variables = new Map<string, number>()
  readonly #options: StackNamesOptions
  readonly #local: ReadonlyMap<string, number>[] = []
  readonly #loops: NamedLoop[] = []

  constructor(options: StackNamesOptions) {
    this.#options = options
    for (const name of [INPUT, AUTH, STARTED]) this.variable(name)
    for (const { name } of options.inputs) this.variable(name)
  }

  /** A slot without a name. */
  slot(initial?: Slot): number {
    return this.slots.push(initial) - 1
  }

  variable(name: string): number {
    let slot = this.#variables.get(name)
    if (slot === undefined) {
      slot = this.slot()
      this.#variables.set(name, slot)
    }
    return slot
  }

  get inputSlots(): ReadonlyMap<string, number> {
    return new Map(this.#options.inputs.map(({ name }) => [name, this.variable(name)]))
  }

  /** Variables that steps set, and inputs. */
  get variableSlots(): ReadonlyMap<string, number> {
    return new Map([...this.#variables].filter(([name]) => !GIVEN_NAMES.has(name)))
  }

  /** Slots that a run fills in before it begins. */
  get givenSlots(): { allInputsSlot: number; authSlot: number; startedSlot: number } {
    return {
      allInputsSlot: this.variable(INPUT),
      authSlot: this.variable(AUTH),
      startedSlot: this.variable(STARTED),
    }
  }

  /** Slots of the indices of the loops that are open, outermost first. */
  get loopSlots(): readonly number[] {
    return this.#loops.map(({ index }) => index)
  }

  /** Slot of `item` in the innermost loop that has items. */
  get itemSlot(): number | null {
    return this.#loops.findLast(({ item }) => item !== null)?.item ?? null
  }

  /** Slot of the length of the innermost loop that has items. */
  get streamLengthSlot(): number | null {
    return this.#loops.findLast(({ length }) => length !== null)?.length ?? null
  }

  insideLoop(loop: NamedLoop, body: () => void): void {
    this.#loops.push(loop)
    body()
    this.#loops.pop()
  }

  withNames(names: ReadonlyMap<string, number>, body: () => void): void {
    this.#local.push(names)
    body()
    this.#local.pop()
  }

  lookup(name: string): Binding<Frame> | undefined {
    for (const names of this.#local.toReversed()) {
      const slot = names.get(name)
      if (slot !== undefined) return read(slot)
    }
    return this.#loopName(name) ?? this.#variable(name) ?? this.#builtin(name) ?? this.#constant(name)
  }

  *names(): Generator<string> {
    yield* ['now', 'elapsed_time', INPUT, AUTH, 'env']
    if (this.#loops.length > 0) {
      yield* ['item', 'loop_index', 'array_length', 'current_batch', 'estimated_total']
    }
    for (const names of this.#local) yield* names.keys()
    yield* this.#options.assigned
    for (const { name } of this.#options.inputs) yield name
    yield* Object.keys(this.#options.context.variables)
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
      // A While Loop inside a For Each has no items of its own.
      case 'item':
        return readMaybe(this.#loops.findLast(({ item }) => item !== null)?.item)
      case 'array_length':
        return readMaybe(this.#loops.findLast(({ length }) => length !== null)?.length)
      case 'estimated_total':
        return readMaybe(this.#options.estimate(this.#loops))
      default:
        return undefined
    }
  }

  #variable(name: string): Binding<Frame> | undefined {
    const { assigned, inputs } = this.#options
    return assigned.has(name) || inputs.some((input) => input.name === name) ? read(this.variable(name)) : undefined
  }

  #builtin(name: string): Binding<Frame> | undefined {
    switch (name) {
      case 'now':
        return { kind: 'read', read: () => new Date().toISOString() }
      case 'elapsed_time': {
        const slot = this.variable(STARTED)
        return { kind: 'read', read: (frame) => steadyNowMs() - (frame.slots[slot] as number) }
      }
      case INPUT:
      case AUTH:
        return read(this.variable(name))
      case 'env':
        return envBinding(this.#options.context.env)
      default:
        return undefined
    }
  }

  #constant(name: string): Binding<Frame> | undefined {
    const { variables } = this.#options.context
    return Object.hasOwn(variables, name) ? { kind: 'constant', value: variables[name] as Value } : undefined
  }
}

function read(slot: number): Binding<Frame> {
  return { kind: 'read', read: (frame) => frame.slots[slot] }
}

function readMaybe(slot: number | null | undefined): Binding<Frame> | undefined {
  return slot === null || slot === undefined ? undefined : read(slot)
}
