import { literalText } from '../definition/index.ts'
import type { StepNode } from '../definition/types.ts'
import type { FunctionDefinition } from '../functions/index.ts'
import { allSteps } from './steps.ts'

/** Returns the variable for a step's result; null if the result is unused. */
export function resultName(step: StepNode, definition: FunctionDefinition): string | null {
  return step.as ?? definition.resultDefault ?? null
}

/** The variables among these that some step creates; the others are only updated. */
export function createdNames(
  assigned: ReadonlyMap<string, readonly StepNode[]>,
  definitions: ReadonlyMap<string, FunctionDefinition>,
): string[] {
  const creates = (step: StepNode): boolean => definitions.get(step.function)?.updatesOnly !== true
  return [...assigned].filter(([, steps]) => steps.some(creates)).map(([name]) => name)
}

/** Names of all variables that some step of a stack sets, with the steps that do. */
export function assignedNames(
  stack: readonly StepNode[],
  definitions: ReadonlyMap<string, FunctionDefinition>,
): ReadonlyMap<string, readonly StepNode[]> {
  const found = new Map<string, StepNode[]>()
  const add = (name: string, step: StepNode): void => {
    const steps = found.get(name)
    if (steps === undefined) found.set(name, [step])
    else steps.push(step)
  }
  for (const step of allSteps(stack)) {
    const definition = definitions.get(step.function)
    if (definition === undefined) continue
    for (const [parameter, shape] of Object.entries(definition.parameters)) {
      const node = step.parameters[parameter]
      if (node === undefined) continue
      if (shape.kind === 'variable') add(literalText(node), step)
      if (shape.kind === 'assignments') for (const { key } of node.entries ?? []) add(key, step)
    }
    const result = resultName(step, definition)
    if (result === null) continue
    add(result, step)
    for (const suffix of definition.resultSuffixes ?? []) add(result + suffix, step)
  }
  return found
}
