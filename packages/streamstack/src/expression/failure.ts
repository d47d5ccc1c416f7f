import { StreamstackError } from '@streamstack/protocol'
import { shortened } from '../text/cut-text.ts'

/** How much of an expression's text a message repeats. */
const QUOTED_LENGTH_MAX = 80

/** What a built-in throws: it knows what is wrong but not where it was called. The call turns it into a StreamstackError. */
export class BuiltinFailure extends Error {
  override readonly name = 'BuiltinFailure'
}

/** The error of a sub-expression at run time; `source` is its text. */
export function failed(source: string, message: string): StreamstackError {
  return new StreamstackError('expression_failed', `In \`${quoted(source)}\`: ${message}`)
}

/** Gives an error of a built-in the place of its call. What is not a built-in's own passes unchanged. */
export function located(thrown: unknown, source: string): unknown {
  if (thrown instanceof BuiltinFailure) return failed(source, thrown.message)
  // The engine's own bounds: digits of toFixed, unknown normal forms, a stack that is too deep.
  if (thrown instanceof RangeError) return failed(source, `${thrown.message}.`)
  return thrown
}

export function quoted(source: string): string {
  return shortened(source, QUOTED_LENGTH_MAX)
}
