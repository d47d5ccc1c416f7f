import type { StepNode, TreeNode } from '../../definition/types.ts'
import { type Matcher, wordListMatchers } from '../../content/index.ts'
import { didYouMean, didYouMeanOr } from '../../text/did-you-mean.ts'
import type { Compiler } from './compiler.ts'

/** The words and patterns of a step as matchers; faults become issues at their item. */
export function prepareMatchers(step: StepNode, compiler: Compiler, replacement: string): readonly Matcher[] {
  const words = textsOf(step, compiler, 'words')
  const patterns = textsOf(step, compiler, 'patterns')
  const ignoreCase = step.parameters['ignore_case']?.value !== false
  const { matchers, faults } = wordListMatchers({
    words: words.map(({ value }) => value),
    patterns: patterns.map(({ value }) => value),
    ignoreCase,
    replacement,
  })
  for (const fault of faults) {
    const item = (fault.in === 'words' ? words : patterns)[fault.index]
    const what = fault.in === 'words' ? 'The word' : 'The pattern'
    compiler.issue('error', `${what} ${JSON.stringify(item?.value)} ${fault.message}`, item?.position ?? step.position)
  }
  return faults.length > 0 ? [] : matchers
}

/** A parameter that is a list of texts, known at load. */
export function textsOf(step: StepNode, compiler: Compiler, parameter: string): (TreeNode & { value: string })[] {
  const items = step.parameters[parameter]?.items ?? []
  for (const { value, position } of items) {
    if (typeof value !== 'string')
      compiler.issue('error', `\`${parameter}\` of ${step.function} must be a list of texts.`, position)
  }
  return items.filter((item): item is TreeNode & { value: string } => typeof item.value === 'string')
}

/** A parameter that is a list of known names. */
export function namesOf(step: StepNode, compiler: Compiler, parameter: string, known: readonly string[]): string[] {
  return textsOf(step, compiler, parameter).flatMap(({ value, position }) => {
    if (known.includes(value)) return [value]
    const guess = didYouMean(value, known)
    const cure = didYouMeanOr(guess, `Known are ${known.join(', ')}.`)
    compiler.issue('error', `\`${parameter}\` of ${step.function} has the unknown name "${value}". ${cure}`, position)
    return []
  })
}
