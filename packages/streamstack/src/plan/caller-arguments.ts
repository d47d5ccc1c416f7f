import { literalText } from '../definition/index.ts'
import type { InputDeclaration, StepNode, TreeNode } from '../definition/types.ts'
import { HOST_ARGUMENT, type Scope, compileCondition, compileParts, compileValue } from '../expression/index.ts'
import type { FunctionDefinition } from '../functions/index.ts'
import { assignedNames } from './assigned-names.ts'
import { stepTrees } from './steps.ts'

/** Names that stand for something else in loops and catch blocks. */
const SHADOWED: ReadonlySet<string> = new Set([
  'item',
  'loop_index',
  'array_length',
  'current_batch',
  'estimated_total',
  'error',
  'error_message',
  'is_recoverable',
  'suggested_retry_delay',
])

/** The inputs that their names stand for everywhere in a stack. `assigned`: names of variables that steps set. */
export function plainInputs(inputs: readonly InputDeclaration[], assigned: ReadonlyMap<string, unknown>): Set<string> {
  const names = inputs.map(({ name }) => name).filter((name) => !assigned.has(name) && !SHADOWED.has(name))
  return new Set(['input', ...names])
}

/** Steps that only give names to values. */
const NAMING: ReadonlySet<string> = new Set([
  'Create Variable',
  'Create Variables',
  'Update Variable',
  'Update Variables',
])

/** What the call says beside its inputs, and what is always as it must be. */
export const NEUTRAL: ReadonlySet<string> = new Set([
  'auth',
  'env',
  'now',
  'elapsed_time',
  'loop_index',
  'array_length',
  'current_batch',
])

interface CallerArgumentsOptions {
  readonly stack: readonly StepNode[]
  readonly inputs: readonly InputDeclaration[]
  readonly definitions: ReadonlyMap<string, FunctionDefinition>
}

/** Whether an argument of a step, as ArgumentError names it, has no other source than the inputs. */
export type IsFromCaller = (step: StepNode, argument: string | null) => boolean

/** Tells where the arguments of a stack come from. Nothing is worked out before it is asked for. */
export function argumentsOfCaller(options: CallerArgumentsOptions): IsFromCaller {
  let found: CallerArguments | null = null
  return (step, argument) => (found ??= new CallerArguments(options)).has(step, argument)
}

/**
 * Tells which arguments of steps have no other source than the inputs of the call, so that a step which cannot use one was given it by the caller: those
 * whose expressions read inputs, variables that are made of inputs alone, and items of loops over such. In doubt they have another source.
 */
class CallerArguments {
  readonly #options: CallerArgumentsOptions
  readonly #assigned: ReadonlyMap<string, readonly StepNode[]>
  readonly #scope: Scope<unknown>
  /** Names that stand for what the caller sent. */
  readonly #names: Set<string>
  /** Steps in loops over what the caller sent. */
  readonly #withItem = new Set<StepNode>()

  constructor(options: CallerArgumentsOptions) {
    this.#options = options
    const { inputs, stack, definitions } = options
    this.#assigned = assignedNames(stack, definitions)
    const known = new Set([...NEUTRAL, 'input', 'item', ...inputs.map(({ name }) => name), ...this.#assigned.keys()])
    this.#scope = {
      lookup: (name) => (known.has(name) ? { kind: 'read', read: () => null } : undefined),
      names: () => known,
    }
    this.#names = plainInputs(inputs, this.#assigned)
    this.#addVariables()
    this.#addItems(stack, false)
  }

  /** Whether an argument of a step is the caller's; `argument` as in ArgumentError. */
  has(step: StepNode, argument: string | null): boolean {
    const nodes = this.#nodesOf(step, argument)
    return nodes !== null && this.#areFromCaller(nodes, this.#withItem.has(step))
  }

  #nodesOf(step: StepNode, argument: string | null): readonly Named[] | null {
    const shapes = this.#options.definitions.get(step.function)?.parameters ?? {}
    const named = (parameter: string, node: TreeNode): Named => ({
      node,
      isCondition: parameter.endsWith('.when') || shapes[parameter]?.kind === 'condition',
    })
    if (argument === null) return [...stepTrees(step)].map(({ parameter, node }) => named(parameter, node))
    if (argument === HOST_ARGUMENT) {
      const url = step.parameters['url'] ?? step.parameters['base_url']
      return typeof url?.value === 'string' ? [{ node: url, isCondition: false, isHost: true }] : null
    }
    const [parameter = '', ...inner] = argument.split('.')
    const node = step.parameters[parameter]
    // Made from others, as a header from a key.
    if (node === undefined) return this.#nodesOf(step, null)
    const entry = node.entries?.find(({ key }) => key.toLowerCase() === inner.join('.').toLowerCase())
    return [entry === undefined ? named(parameter, node) : { node: entry.node, isCondition: false }]
  }

  #areFromCaller(nodes: readonly Named[], hasItem: boolean): boolean {
    let isAnyInput = false
    for (const node of nodes) {
      for (const name of this.#namesIn(node) ?? [UNKNOWN]) {
        if (this.#names.has(name) || (name === 'item' && hasItem)) isAnyInput = true
        else if (!NEUTRAL.has(name) || this.#assigned.has(name)) return false
      }
    }
    return isAnyInput
  }

  /** The names that expressions read; null: they cannot be told. */
  #namesIn({ node, isCondition, isHost = false }: Named): ReadonlySet<string> | null {
    try {
      if (isHost) return new Set(this.#hostParts(node.value as string))
      const { references } = isCondition
        ? compileCondition(node.value, this.#scope)
        : compileValue(node.value, this.#scope)
      return new Set(references.map(({ name }) => name))
    } catch {
      return null
    }
  }

  /** Names in front of the path of a URL. */
  *#hostParts(url: string): Generator<string> {
    let before = ''
    for (const part of compileParts(url, this.#scope)) {
      if (typeof part === 'string') before += part
      else {
        if (/^[^/]*\/(?!\/)|:\/\/[^/?#]*[/?#]|[?#]/.test(before)) return
        for (const { name } of part.expression.references) yield name
        before += 'x'
      }
    }
  }

  /** Variables of which every value is a constant or the caller's, and one at least the caller's. */
  #addVariables(): void {
    for (let isGrowing = true; isGrowing;) {
      isGrowing = false
      for (const [name, steps] of this.#assigned) {
        if (this.#names.has(name) || SHADOWED.has(name) || !steps.every((step) => NAMING.has(step.function))) continue
        const nodes = steps.flatMap((step) => valuesFor(step, name))
        const dynamic = nodes.filter((node) => this.#namesIn(node)?.size !== 0)
        if (dynamic.length === 0 || !dynamic.every((node) => this.#areFromCaller([node], false))) continue
        this.#names.add(name)
        isGrowing = true
      }
    }
  }

  #addItems(stack: readonly StepNode[], hasItem: boolean): void {
    for (const step of stack) {
      if (hasItem) this.#withItem.add(step)
      const isLoop = step.function === 'For Each'
      const inner = isLoop ? this.has(step, 'input') : hasItem
      for (const steps of Object.values(step.stacks)) this.#addItems(steps, inner)
      for (const cases of Object.values(step.cases)) for (const { steps } of cases) this.#addItems(steps, inner)
    }
  }
}

/** Stands for a name that cannot be told. */
const UNKNOWN = ''

interface Named {
  readonly node: Pick<TreeNode, 'value'>
  readonly isCondition: boolean
  /** Only the part in front of the path counts. */
  readonly isHost?: boolean
}

/** What a naming step sets a variable to. */
function valuesFor(step: StepNode, name: string): readonly Named[] {
  const found: Named[] = []
  for (const node of Object.values(step.parameters)) {
    for (const entry of node.entries ?? []) if (entry.key === name) found.push({ node: entry.node, isCondition: false })
  }
  const { name: own, value } = step.parameters
  if (literalText(own) === name) found.push({ node: value ?? { value: null }, isCondition: false })
  return found
}
