/** One fault in an expression, found when its definition loads. The message says what is wrong and what to do. */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError'
  /** Index in the text where the fault stands, in UTF-16 units from 0. */
  readonly offset: number
  /** Where the text stands in a deep value, as `['metadata', 'progress']`; empty for the value itself. */
  readonly path: readonly (string | number)[]

  constructor(message: string, offset: number, path: readonly (string | number)[] = []) {
    super(message)
    this.offset = offset
    this.path = path
  }
}

/** All faults of one value: the first of each text in it. Never empty. */
export class ExpressionErrors extends Error {
  override readonly name = 'ExpressionErrors'
  readonly errors: readonly ExpressionError[]

  constructor(errors: readonly ExpressionError[]) {
    super(errors.map((error) => error.message).join('\n'))
    this.errors = errors
  }
}
