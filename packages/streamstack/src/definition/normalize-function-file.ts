import { createIssueList } from './issue-list.ts'
import { locateSections } from './locate-sections.ts'
import { definitionName, readStack } from './normalize-endpoint.ts'
import { normalizeInputs } from './normalize-inputs.ts'
import type { FunctionFile, FunctionShape, Issue, TreeNode } from './types.ts'

/** Turns a file of `functions/` (a stack that Run Function calls) into one shape; null when an issue is an error. */
export function normalizeFunctionFile(
  tree: TreeNode,
  file: string,
  catalog: readonly FunctionShape[],
): { function: FunctionFile | null; issues: Issue[] } {
  const list = createIssueList()
  const sections = locateSections(tree, list)
  for (const { key, keyPosition } of sections.settings) {
    list.error(
      keyPosition,
      `\`${key}\` is a setting of an endpoint; a function has inputs and a stack only. Remove it.`,
    )
  }
  const inputs = normalizeInputs(sections.inputs, list)
  const stack = readStack(sections, catalog, list)
  if (list.hasErrors()) return { function: null, issues: list.issues }
  const { description } = sections
  const definition: FunctionFile = {
    file,
    name: definitionName(file),
    description,
    inputs,
    stack,
    position: tree.position,
  }
  return { function: Object.freeze(definition), issues: list.issues }
}
