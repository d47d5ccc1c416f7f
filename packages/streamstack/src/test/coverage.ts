import type { Engine } from '../engine/index.ts'
import type { Plan } from '../plan/index.ts'

/** Which steps of an endpoint, and of the functions that it runs, have run. */
export interface EndpointCoverage {
  readonly endpoint: string
  /** `file:line function` of each step, and whether it has run. */
  readonly steps: readonly { readonly place: string; readonly hasRun: boolean }[]
  /** The same of inner stacks: `true_branch of Conditional`. */
  readonly branches: readonly { readonly place: string; readonly hasRun: boolean }[]
}

/** Watches every run that the engine starts from now on. */
export function coverageOf(engine: Engine): { report(): EndpointCoverage[] } {
  const ran = new Map<string, Set<string>>()
  engine.runs.traceEach = ({ endpoint }: Plan) => {
    const steps = ran.get(endpoint.name) ?? new Set()
    ran.set(endpoint.name, steps)
    return ({ event, program, step }) => {
      if (event === 'start') steps.add(`${program}\n${step}`)
    }
  }
  return {
    report: () =>
      [...engine.workspace.plans.values()].map((plan) => reportOf(plan, ran.get(plan.endpoint.name) ?? new Set())),
  }
}

function reportOf({ endpoint, programs }: Plan, ran: ReadonlySet<string>): EndpointCoverage {
  const steps: EndpointCoverage['steps'][number][] = []
  const branches = new Map<string, { place: string; hasRun: boolean }>()
  for (const [name, program] of programs) {
    for (const { id, function: called, position } of program.steps) {
      const hasRun = ran.has(`${name}\n${id}`)
      steps.push({ place: `${position.file}:${position.line} ${called}`, hasRun })
      // `1.true.2` stands in the stack `true` of step 1.
      const parts = id.split('.')
      if (parts.length < 3) continue
      const stack = parts.slice(0, -1).join('.')
      const parent = program.steps.find((step) => step.id === parts.slice(0, -2).join('.'))
      const key = `${name}\n${stack}`
      const branch = branches.get(key)
      if (branch !== undefined) branch.hasRun ||= hasRun
      else
        branches.set(key, {
          place: `${position.file}:${position.line} ${parts.at(-2)} of ${parent?.function ?? 'a step'}`,
          hasRun,
        })
    }
  }
  return { endpoint: `${endpoint.method} ${endpoint.path}`, steps, branches: [...branches.values()] }
}
