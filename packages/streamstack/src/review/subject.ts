import type { EndpointDefinition, FunctionFile, StepNode } from '../definition/types.ts'
import type { CompiledWorkspace } from '../engine/index.ts'
import { functions } from '../functions/index.ts'
import type { WorkspaceFiles } from '../workspace/index.ts'

/** What rules look at. */
export interface ReviewSubject {
  readonly files: WorkspaceFiles
  readonly workspace: CompiledWorkspace
}

/** An endpoint with every step that its calls may run, those of function files included. */
export interface ReviewedEndpoint {
  readonly endpoint: EndpointDefinition
  /** Whether anyone may call it. */
  readonly isOpen: boolean
  /** `GET /api/notes`. */
  readonly route: string
  readonly steps: readonly StepNode[]
}

const definitions = new Map(functions.map((definition) => [definition.name, definition]))

export function reviewedEndpoints({ workspace }: ReviewSubject): readonly ReviewedEndpoint[] {
  return [...workspace.plans.values()].map(({ endpoint }) => {
    const { authentication, roles, scopes } = endpoint.access
    return {
      endpoint,
      isOpen: !authentication && roles.length === 0 && scopes.length === 0,
      route: `${endpoint.method} ${endpoint.path}`,
      steps: [...stepsOf(endpoint.stack, workspace.functionFiles, new Set())],
    }
  })
}

/** Every step of a stack, of its inner stacks, and of the function files that it runs, each file once. */
function* stepsOf(
  stack: readonly StepNode[],
  files: ReadonlyMap<string, FunctionFile>,
  entered: Set<string>,
): Generator<StepNode> {
  for (const step of stack) {
    if (step.disabled) continue
    yield step
    for (const inner of Object.values(step.stacks)) yield* stepsOf(inner, files, entered)
    for (const inner of Object.values(step.cases)) {
      for (const { steps } of inner) yield* stepsOf(steps, files, entered)
    }
    for (const name of definitions.get(step.function)?.calls?.(step) ?? []) {
      const file = files.get(name)
      if (file === undefined || entered.has(name)) continue
      entered.add(name)
      yield* stepsOf(file.stack, files, entered)
    }
  }
}

/** The place of a step, for messages. */
export function stepPlace({ function: name, position: { file, line } }: StepNode): string {
  return `${name}, ${file}:${line}`
}
