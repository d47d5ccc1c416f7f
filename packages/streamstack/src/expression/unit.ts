import type { Value } from '@streamstack/protocol'
import { type Activation, withoutSlots } from './activation.ts'
import { beginWork } from './work.ts'
import type { Reference, Scope } from './expression.ts'
import { quoted } from './failure.ts'
import type { Place, Tree } from './tree.ts'

/** What a tree becomes. */
export type Code<C> = (context: C, activation: Activation) => Value

/** Code, and its value where that is known at load. */
export interface Compiled<C> {
  run: Code<C>
  /** undefined: known only at run time. */
  constant: Value | undefined
  /** Present where the code is a variable and nothing more: the shortest way to its value. */
  read?: (context: C) => Value
  /** Present where the value is an object with fixed names: the shortest way to its JSON. */
  json?: (context: C, activation: Activation) => string
}

/** What the compilation of one value shares between its parts. */
export class Unit<C> {
  readonly scope: Scope<C>
  /** Compiles a part; here because calls, arrows and members hold one another. */
  readonly compile: (tree: Tree, unit: Unit<C>) => Compiled<C>
  /** The text that is being compiled; places count in it. */
  text = ''
  /** Slots that the parameters of all arrow functions take. */
  slotCount = 0
  readonly #references = new Map<string, Reference>()
  readonly #locals: Map<string, number>[] = []

  constructor(scope: Scope<C>, compile: (tree: Tree, unit: Unit<C>) => Compiled<C>) {
    this.scope = scope
    this.compile = compile
  }

  get references(): readonly Reference[] {
    return Array.from(this.#references.values())
  }

  /** Notes that a name of the scope is used. */
  refer(name: string, use: Reference['use'], member?: string): void {
    this.#references.set(`${use} ${name} ${member ?? ''}`, member === undefined ? { name, use } : { name, use, member })
  }

  /** The text of a part, for messages. */
  source(place: Place): string {
    return quoted(this.text.slice(place.start, place.end))
  }

  /** The slot of a parameter of an arrow function that is open here. */
  localSlot(name: string): number | undefined {
    return this.#locals.findLast((names) => names.has(name))?.get(name)
  }

  /** Names of parameters that are open here. */
  localNames(): string[] {
    return this.#locals.flatMap((names) => Array.from(names.keys()))
  }

  /** Opens the parameters of an arrow function while `inside` compiles what may read them. */
  withLocals<T>(inside: () => T): T {
    this.#locals.push(new Map())
    try {
      return inside()
    } finally {
      this.#locals.pop()
    }
  }

  /** Declares a parameter of the innermost arrow function; null when it has that name already. */
  declareLocal(name: string): number | null {
    const names = this.#locals.at(-1)
    if (names === undefined || names.has(name)) return null
    const slot = this.slotCount
    this.slotCount += 1
    names.set(name, slot)
    return slot
  }
}

/** A part whose value is known. */
export function constantOf<C>(value: Value): Compiled<C> {
  return { run: () => value, constant: value }
}

/** A part that reads; when all it is made of is constant, its value is worked out now. */
export function folded<C>(parts: readonly Compiled<C>[], run: Code<C>): Compiled<C> {
  if (parts.some((part) => part.constant === undefined)) return { run, constant: undefined }
  try {
    beginWork()
    // Constant parts never look at the context.
    return constantOf(run(undefined as C, withoutSlots))
  } catch {
    // It may stand in a branch that is never taken, so the failure belongs to the run that takes it.
    return { run, constant: undefined }
  }
}
