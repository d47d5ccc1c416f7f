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
  /** Values that one walk through a value reaches; a value that holds another twice is walked twice. */
  nodesMax: 1_000_000,
  /** Combining marks in a row of a text that is compared or brought to a normal form. */
  combiningMarksMax: 100,
  /** UTF-16 units of a text that is compared by the rules of a language or made a slug. */
  comparedLengthMax: 10_000,
  /** UTF-16 units of a text that is brought to the normal form NFC or NFD. */
  normalizedLengthMax: 1024 * 1024,
  /** As `normalizedLengthMax`, for NFKC and NFKD, where one character may become eighteen. */
  compatibilityLengthMax: 50_000,
  /** Characters of a language tag or the name of a time zone. */
  localeNameLengthMax: 100,
  /** Items of a list that is sorted in one call. */
  sortedItemsMax: 50_000,
  /** Places between characters that one replaceAll fills. */
  gapsMax: 200_000,
  /** Items of a list that an expression makes. */
  listItemsMax: 1_000_000,
  /**
   * Work of one evaluation: one step per call of an arrow function or built-in, more for slow ones, and a share of the
   * sizes of all texts, lists and objects that operators, spreads and built-ins touch.
   */
  stepsMax: 1_000_000,
} as const
