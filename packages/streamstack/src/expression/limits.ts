/** What one expression may cost. All are far above honest use; each keeps one request from taking the process. */
export const limits = {
  /** Characters of one expression. */
  expressionLengthMax: 10_000,
  /** Brackets, operators and calls inside one another. */
  nestingMax: 64,
  /** Links of one chain such as `a + b + c` or `a.b.c`, which nest without looking nested. */
  chainLengthMax: 500,
  /** Lists and objects inside one another, in a definition's value or a result. */
  valueDepthMax: 500,
  /** UTF-16 units of a text that an expression makes. */
  textLengthMax: 16 * 1024 * 1024,
  /** Items of a list that an expression makes. */
  listItemsMax: 1_000_000,
  /** Work of one evaluation that uses arrow functions: one per call, plus a share of the sizes that built-ins touch. */
  stepsMax: 1_000_000,
} as const
