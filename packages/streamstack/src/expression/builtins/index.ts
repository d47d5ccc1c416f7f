import type { Builtin } from './builtin.ts'
import { dateBuiltins } from './date.ts'
import { listFunctions } from './list-functions.ts'
import { listIteration } from './list-iteration.ts'
import { listMethods } from './list-methods.ts'
import { numberBuiltins } from './number.ts'
import { objectBuiltins } from './object.ts'
import { textFunctions } from './text-functions.ts'
import { textMethods } from './text-methods.ts'

/** Every function and method of the language, in the order of the reference. */
export const builtins: readonly Builtin[] = [
  ...textMethods,
  ...textFunctions,
  ...listMethods,
  ...listIteration,
  ...listFunctions,
  ...numberBuiltins,
  ...dateBuiltins,
  ...objectBuiltins,
]
