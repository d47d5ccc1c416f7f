import type { StepNode } from '../definition/types.ts'
import { type FunctionDefinition, wholeVariable } from '../functions/index.ts'
import { assignedNames } from './assigned-names.ts'
import { allSteps, stepTrees, textsOf } from './steps.ts'

/**
 * Variables whose records nobody looks into: set by Get Records alone, and used only as the whole content of a chunk or as `.length`. For
 * these the database writes the JSON. Told from the texts, on the safe side: a use that is not surely one of the two counts against it.
 */
export function rawVariables(
  stack: readonly StepNode[],
  definitions: ReadonlyMap<string, FunctionDefinition>,
  taken: ReadonlySet<string>,
): ReadonlySet<string> {
  const candidates = new Set<string>()
  for (const [name, steps] of assignedNames(stack, definitions)) {
    if (!taken.has(name) && steps.every((step) => step.function === 'Get Records')) candidates.add(name)
  }
  if (candidates.size === 0) return candidates
  for (const step of allSteps(stack)) {
    for (const { parameter, node } of stepTrees(step)) {
      const isContent = step.function === 'Streaming API Response' && parameter === 'content'
      for (const { value } of textsOf(node)) {
        if (isContent && value === node.value && step.parameters['chunk_by'] === undefined) {
          const whole = wholeVariable(value)
          if (whole !== null) continue
        }
        for (const name of candidates) if (isLookedInto(name, value)) candidates.delete(name)
      }
    }
  }
  return candidates
}

function isLookedInto(name: string, text: string): boolean {
  const escaped = name.replaceAll('$', String.raw`\$`)
  const uses = text.match(new RegExp(String.raw`(?<![\w$])${escaped}(?![\w$])`, 'g'))?.length ?? 0
  if (uses === 0) return false
  // Text outside braces is no use; conditions are expressions throughout.
  const first = text.indexOf('{{')
  const last = text.lastIndexOf('}}')
  const inside = first === -1 || last === -1 ? text : text.slice(first, last)
  const isPlainText = first === -1 && !/[=<>!&|.(]/.test(text)
  if (isPlainText) return false
  const whole = inside.match(new RegExp(String.raw`(?<![\w$])${escaped}(?![\w$])`, 'g'))?.length ?? 0
  const lengths = inside.match(new RegExp(String.raw`(?<![\w$.])${escaped}\.length(?![\w$])`, 'g'))?.length ?? 0
  // Two expressions in one text: what stands between them may be either, so all of it counts.
  return whole !== lengths
}
