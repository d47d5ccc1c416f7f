import type { Position } from '../../definition/types.ts'
import { didYouMean, suggest } from '../../text/did-you-mean.ts'
import type { Compiler } from './compiler.ts'

/** Reports an update of a variable that nothing creates: a slip of the pen would otherwise make a variable of its own. */
export function checkUpdated(compiler: Compiler, name: string, position: Position): void {
  if (compiler.settableNames.has(name)) return
  const guess = didYouMean(name, compiler.settableNames)
  const meant = guess === null ? '' : ` ${suggest(guess)}`
  compiler.issue(
    'error',
    `There is no variable '${name}' to update.${meant}${guess === null ? ' Create' : ' If not, create'} it first with Create Variable.`,
    position,
  )
}
