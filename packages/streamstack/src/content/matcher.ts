/** The text does not match at this place, whatever follows. */
export const NO = 0
/** The answer depends on characters that have not arrived yet. */
export const MORE = -1

/**
 * Recognises one kind of text at a given place. The answer depends only on the `LOOKBEHIND` characters before the place and on a bounded
 * number after it, so text that arrives in pieces gives the same answers as the whole.
 */
export interface Matcher {
  /** `email`, `card` …: what messages and counts call it. */
  readonly name: string
  /** What stands in the place of a match. */
  readonly replacement: string
  /** Whether a match can begin with this ASCII character. */
  begins(code: number): boolean
  /** Whether a match can begin with a character beyond ASCII. */
  readonly beginsBeyondAscii: boolean
  /** Whether a match can begin right after an ASCII letter or digit. */
  readonly insideWords: boolean
  /** Length of the match at `at` in UTF-16 units, `NO`, or `MORE` while `isWhole` is false and the text ends too early. */
  match(text: string, at: number, isWhole: boolean): number
  /** A match goes on, without a bound, over the characters that this accepts. */
  readonly rest: ((code: number) => boolean) | null
  /** Finds the same, and is asked instead, in a text whose characters all stand for themselves (`in-plain-form.ts`). */
  readonly direct?: Matcher
  /** Lets go of the text that it was asked about last, where it remembers one. */
  forget?(): void
}

/**
 * How many UTF-16 units before a place a matcher may look at: two characters, each of which may take two units and be followed by some that
 * are passed over.
 */
export const LOOKBEHIND = 16
