import { BuiltinFailure } from './failure.ts'
import { limits } from './limits.ts'

/**
 * The first combining mark after so many others. The letters besides \p{M} are not marks, but become ones in the
 * compatibility forms. The look-behind makes only the start of a run a candidate, so that the search is linear.
 */
const longRunPattern = new RegExp(
  `(?<![\\p{M}\\u0E33\\u0EB3\\uFF9E\\uFF9F])[\\p{M}\\u0E33\\u0EB3\\uFF9E\\uFF9F]{${limits.combiningMarksMax + 1}}`,
  'u',
)

/**
 * Checks a text before a Unicode algorithm reads it. Marks are put in order by insertion, which is quadratic in the
 * length of a run of them.
 */
export function checkUnicodeText(text: string, lengthMax: number): void {
  if (text.length > lengthMax) {
    throw new BuiltinFailure(
      `the text has more than ${lengthMax.toLocaleString('en')} characters, too many for this; take a part of it with slice.`,
    )
  }
  if (longRunPattern.test(text)) {
    throw new BuiltinFailure(`the text has more than ${limits.combiningMarksMax} combining marks in a row.`)
  }
}

/** Checks the length of a language tag or the name of a time zone, which the engine parses at every call. */
export function checkLocaleName(name: string | undefined): void {
  if (name !== undefined && name.length > limits.localeNameLengthMax) {
    throw new BuiltinFailure(
      `the name of a language or time zone has at most ${limits.localeNameLengthMax} characters, as en-GB or Europe/Berlin.`,
    )
  }
}
