import type { StepNode } from '../definition/types.ts'
import { type FunctionDefinition, wholeVariable } from '../functions/index.ts'
import { assignedNames } from './assigned-names.ts'
import { allSteps, stepTrees, textsOf } from './steps.ts'

/**
 * Variables whose records no step looks into: set by Get Records alone, and used only as the whole content of a chunk or as `.length`. For
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
  if (!text.includes(name)) return false
  const { use, length } = usesOf(name)
  if (!use.test(text)) return false
  // Text outside braces is no use; conditions are expressions throughout.
  const first = text.indexOf('{{')
  const last = text.lastIndexOf('}}')
  if (first === -1 && !/[=<>!&|.(]/.test(text)) return false
  // Two expressions in one text: what stands between them may be either, so all of it counts.
  const inside = first === -1 || last === -1 ? text : text.slice(first, last)
  return inside.split(use).length !== inside.split(length).length
}

const patterns = new Map<string, { use: RegExp; length: RegExp }>()

/** Where a name is used at all, and where for its length. */
function usesOf(name: string): { use: RegExp; length: RegExp } {
  let found = patterns.get(name)
  if (found === undefined) {
    const escaped = RegExp.escape(name)
    found = {
      use: new RegExp(String.raw`(?<![\w$])${escaped}(?![\w$])`),
      length: new RegExp(String.raw`(?<![\w$.])${escaped}\.length(?![\w$])`),
    }
    // Names come from files: a long life with many edits must not make this grow for ever.
    if (patterns.size >= 1_000) patterns.clear()
    patterns.set(name, found)
  }
  return found
}
