import type { StepNode, TreeNode } from '../definition/types.ts'

/** Every step of a stack and of the stacks inside it, in file order. */
export function* allSteps(stack: readonly StepNode[]): Generator<StepNode> {
  for (const step of stack) {
    yield step
    yield* stepsInside(step)
  }
}

/** Every step of a step's inner stacks, however deep. */
export function* stepsInside(step: StepNode): Generator<StepNode> {
  for (const inner of Object.values(step.stacks)) yield* allSteps(inner)
  for (const cases of Object.values(step.cases)) for (const { steps } of cases) yield* allSteps(steps)
}

/** Every value of a step that may hold expressions, with the parameter that it stands in. */
export function* stepTrees(step: StepNode): Generator<{ parameter: string; node: TreeNode }> {
  for (const [parameter, node] of Object.entries(step.parameters)) yield { parameter, node }
  for (const [stack, cases] of Object.entries(step.cases)) {
    for (const { when } of cases) if (when !== null) yield { parameter: `${stack}.when`, node: when }
  }
}

/** Every text inside a tree. */
export function* textsOf(node: TreeNode): Generator<TreeNode & { value: string }> {
  if (typeof node.value === 'string') yield node as TreeNode & { value: string }
  for (const { node: inner } of node.entries ?? []) yield* textsOf(inner)
  for (const inner of node.items ?? []) yield* textsOf(inner)
}

/** Every word of every text of a stack that could be a name. */
export function wordsOf(stack: readonly StepNode[]): ReadonlySet<string> {
  const words = new Set<string>()
  for (const step of allSteps(stack)) {
    for (const { node } of stepTrees(step)) {
      for (const { value } of textsOf(node)) for (const word of value.match(/[A-Za-z_$][\w$]*/g) ?? []) words.add(word)
    }
  }
  return words
}
