import {
  type EndpointDefinition,
  type FunctionFile,
  type StepNode,
  type TreeNode,
  entryOf,
  literalText,
} from '../definition/index.ts'
import { allSteps } from '../plan/index.ts'

const SETTINGS_SECTIONS = ['endpoint_settings', 'settings'] as const

/**
 * The endpoint with `response_type: standard` where a function file that it runs, at any depth, has a Response step: otherwise the status and
 * headers of that step would be ignored. An endpoint whose file `tree` declares a type keeps it.
 */
export function withFunctionResponses(
  endpoint: EndpointDefinition,
  tree: TreeNode,
  functionFiles: ReadonlyMap<string, FunctionFile>,
): EndpointDefinition {
  const isStandard =
    endpoint.responseType === 'streaming' &&
    !declaresType(tree) &&
    respondingFunction(endpoint.stack, functionFiles, new Set())
  return isStandard ? Object.freeze({ ...endpoint, responseType: 'standard' as const }) : endpoint
}

function declaresType(tree: TreeNode): boolean {
  const sections = SETTINGS_SECTIONS.map((name) => entryOf(tree, name)?.node)
  return [tree, ...sections].some((node) => node !== undefined && entryOf(node, 'response_type') !== undefined)
}

/** Whether a function that the stack runs has a Response step. `visited`: names of functions. */
function respondingFunction(
  stack: readonly StepNode[],
  functionFiles: ReadonlyMap<string, FunctionFile>,
  visited: Set<string>,
): boolean {
  for (const step of allSteps(stack)) {
    if (step.function !== 'Run Function' || step.disabled) continue
    const name = literalText(step.parameters['name'])
    const file = functionFiles.get(name)
    if (file === undefined || visited.has(name)) continue
    visited.add(name)
    const responds = [...allSteps(file.stack)].some((inner) => inner.function === 'Response' && !inner.disabled)
    if (responds || respondingFunction(file.stack, functionFiles, visited)) return true
  }
  return false
}
