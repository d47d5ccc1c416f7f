import type { Value } from '@streamstack/protocol'
import { plainInput } from '../definition/index.ts'
import type { EndpointDefinition, FunctionFile, Issue } from '../definition/types.ts'
import { type InputChecker, compileInputs, inspectInputs } from '../input/index.ts'
import type { Frame, Program } from '../run/index.ts'
import { newFrame } from '../run/index.ts'
import { type CallRule, type ReadRule, compileCallRule, compileReadRule } from './call-rule.ts'
import type { PlanContext } from './plan-context.ts'
import { StackCompiler } from './stack-compiler.ts'
import { functionCycles } from './function-cycles.ts'
import { planHash } from './plan-hash.ts'
import { silentFormat } from './silent-format.ts'
import { steadyNowMs } from './steady-now.ts'
import { allSteps } from './steps.ts'

/** A compiled endpoint: frozen, shared by all its runs. */
export interface Plan {
  readonly endpoint: EndpointDefinition
  /** The endpoint's stack as '', and each function file that it may reach. */
  readonly programs: ReadonlyMap<string, Program>
  /** Changes with everything that decides its ops and slots: the state of a run continues in a plan with the same hash only. */
  readonly hash: string
  readonly inputs: InputChecker
  /** The condition for callers who may read runs of others; null: no caller may. */
  readonly readRule: ReadRule | null
  /** Which calls are allowed; null: all that the access of the endpoint allows. */
  readonly rule: CallRule | null
  /** Whether its runs read streamed answers of other services, which may cost money for as long as they are read. */
  readonly readsUpstream: boolean
  /** Whether callers shape the answer with the input `options`. */
  readonly hasOptions: boolean
  /** Reads `options` where the endpoint does not declare them; null: it does. */
  readonly undeclaredOptions: InputChecker | null
}

/** A workspace's function files, compiled once for all endpoints. */
export interface FunctionLibrary {
  readonly programs: ReadonlyMap<string, Program>
  readonly files: ReadonlyMap<string, FunctionFile>
  /** Which functions each one calls itself. */
  readonly calls: ReadonlyMap<string, ReadonlySet<string>>
  /** Functions that cannot run: theirs, or one that they call, has an error. */
  readonly broken: ReadonlySet<string>
  readonly issues: readonly Issue[]
}

export function compileFunctions(files: readonly FunctionFile[], context: PlanContext): FunctionLibrary {
  const issues: Issue[] = []
  const programs = new Map<string, Program>()
  const calls = new Map<string, ReadonlySet<string>>()
  for (const { name, inputs, stack } of files) {
    issues.push(...inspectInputs(inputs))
    const compiler = new StackCompiler({ context, issues, inputs, stack, isFunctionFile: true })
    programs.set(name, compiler.program(name, stack))
    calls.set(name, calledFunctions(stack, context))
  }
  issues.push(...functionCycles(files, calls))
  const faulty = new Set(issues.filter(({ severity }) => severity === 'error').map(({ position }) => position.file))
  const broken = new Set<string>()
  for (const { name } of files) {
    const reached = files.filter((file) => reachable([name], calls).has(file.name))
    if (reached.some(({ file }) => faulty.has(file))) broken.add(name)
  }
  return { programs, files: new Map(files.map((file) => [file.name, file])), calls, broken, issues }
}

/** All functions that these call, themselves included. */
function reachable(names: Iterable<string>, calls: FunctionLibrary['calls']): Set<string> {
  const found = new Set<string>(names)
  // A set grows while it is walked.
  for (const name of found) for (const next of calls.get(name) ?? []) found.add(next)
  return found
}

/** Compiles an endpoint. With an error among the issues there is no plan. */
export function compilePlan(
  endpoint: EndpointDefinition,
  library: FunctionLibrary,
  context: PlanContext,
): { plan: Plan | null; issues: readonly Issue[] } {
  const issues: Issue[] = []
  const { inputs, stack } = endpoint
  const compiler = new StackCompiler({ context, issues, inputs, stack, isFunctionFile: false })
  const program = compiler.program('', stack)
  const rule = compileCallRule(endpoint, issues)
  const readRule = compileReadRule(endpoint, issues)
  const called = calledFunctions(stack, context)
  for (const name of called) {
    if (!library.broken.has(name)) continue
    issues.push({
      severity: 'error',
      message: `The function '${name}', which this endpoint calls, has errors; mend them first.`,
      position: endpoint.position,
    })
  }
  if (issues.some(({ severity }) => severity === 'error')) return { plan: null, issues }
  const programs = new Map([['', program]])
  const reached = [...reachable(called, library.calls)].sort()
  const stacks = [stack, ...reached.map((name) => library.files.get(name)?.stack ?? [])]
  issues.push(...silentFormat(endpoint, stacks, context))
  for (const name of reached) programs.set(name, library.programs.get(name) as Program)
  const options = inputs.find(({ name }) => name === 'options')
  const plan: Plan = Object.freeze({
    endpoint,
    programs,
    hash: planHash(
      endpoint,
      reached.map((name) => library.files.get(name)),
      context,
    ),
    inputs: compileInputs(inputs),
    rule,
    readRule,
    readsUpstream: stacks.some((steps) => readsUpstream(steps, context)),
    hasOptions: options !== undefined && (options.type === 'object' || options.type === 'any'),
    undeclaredOptions:
      options === undefined ? compileInputs([plainInput('options', 'object', null, endpoint.position)]) : null,
  })
  return { plan, issues }
}

function readsUpstream(stack: FunctionFile['stack'], { definitions }: PlanContext): boolean {
  return allSteps(stack).some((step) => definitions.get(step.function)?.readsUpstream === true)
}

/** The frame in which a run of the plan begins. */
export function firstFrame(plan: Plan, inputs: Readonly<Record<string, Value>>, auth: Value): Frame {
  const program = plan.programs.get('') as Program
  const slots = program.slots.slice()
  for (const [name, slot] of program.inputSlots) slots[slot] = inputs[name] ?? null
  slots[program.allInputsSlot] = inputs
  slots[program.authSlot] = auth
  slots[program.startedSlot] = steadyNowMs()
  return newFrame('', slots, { from: 0, to: program.ops.length, depth: 0 })
}

function calledFunctions(stack: FunctionFile['stack'], { definitions }: PlanContext): ReadonlySet<string> {
  const called = new Set<string>()
  for (const step of allSteps(stack)) {
    for (const name of definitions.get(step.function)?.calls?.(step) ?? []) called.add(name)
  }
  return called
}
