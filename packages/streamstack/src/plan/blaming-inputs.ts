import { StreamstackError } from '@streamstack/protocol'
import { ArgumentError, type Expression, INPUTS_ALONE } from '../expression/index.ts'

/** The same expression, whose failures say that inputs alone are wrong. */
export function blamingInputs<C>(expression: Expression<C>): Expression<C> {
  const { json } = expression
  const blaming = <Result>(act: (context: C) => Result): ((context: C) => Result) => {
    return (context) => {
      try {
        return act(context)
      } catch (thrown) {
        throw blamed(thrown)
      }
    }
  }
  return {
    ...expression,
    evaluate: blaming((context) => expression.evaluate(context)),
    json: json === null ? null : blaming(json),
  }
}

function blamed(thrown: unknown): unknown {
  if (!(thrown instanceof StreamstackError) || thrown.row !== 'expression_failed') return thrown
  return new ArgumentError('expression_failed', thrown.message, { argument: INPUTS_ALONE, cause: thrown.cause })
}
