import { compileSearch } from '../text/pattern-search.ts'
import type { Matcher } from './matcher.ts'

/** What a pattern may match at most when nothing else is said; also what it may hold back. UTF-16 units. */
export const PATTERN_LENGTH_MAX = 256

/** Texts that a regular expression matches, found in linear time. Throws PatternFault. */
export function patternMatcher(
  name: string,
  replacement: string,
  source: string,
  { ignoreCase = false, lengthMax = PATTERN_LENGTH_MAX }: { ignoreCase?: boolean; lengthMax?: number } = {},
): Matcher {
  const search = compileSearch(source, { ignoreCase, lengthMax })
  return Object.freeze({
    name,
    replacement,
    begins: (code: number) => search.begins(code),
    beginsBeyondAscii: true,
    insideWords: true,
    rest: null,
    forget: () => search.forget(),
    match: (text: string, at: number, isWhole: boolean) => search.longestAt(text, at, isWhole),
  })
}
