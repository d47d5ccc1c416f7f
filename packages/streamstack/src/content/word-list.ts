import type { Matcher } from './matcher.ts'
import { patternMatcher } from './pattern.ts'
import { WORDS_MAX, WORD_LENGTH_MAX, wordsMatcher } from './words.ts'

/** A list as definitions have it. */
export interface WordList {
  readonly words: readonly string[]
  /** Regular expressions without slashes. */
  readonly patterns: readonly string[]
  readonly ignoreCase: boolean
  readonly replacement: string
}

/** More patterns than this are refused: each is tried at every place. */
const PATTERNS_MAX = 20

/**
 * Matchers of a list. A problem comes back with the place of its item; `patterns[i]` follow the words.
 */
export function wordListMatchers(list: WordList): {
  matchers: readonly Matcher[]
  faults: readonly { in: 'words' | 'patterns'; index: number; message: string }[]
} {
  const { words, patterns, replacement, ignoreCase } = list
  const faults: { in: 'words' | 'patterns'; index: number; message: string }[] = []
  words.forEach((word, index) => {
    const message = wordProblem(word)
    if (message !== null) faults.push({ in: 'words', index, message })
  })
  if (words.length > WORDS_MAX)
    faults.push({ in: 'words', index: WORDS_MAX, message: `is one of more than ${WORDS_MAX}.` })
  if (patterns.length > PATTERNS_MAX)
    faults.push({
      in: 'patterns',
      index: PATTERNS_MAX,
      message: `is one of more than ${PATTERNS_MAX}; join them with |.`,
    })
  const matchers: Matcher[] = words.length === 0 ? [] : [wordsMatcher('words', replacement, words)]
  patterns.slice(0, PATTERNS_MAX).forEach((source, index) => {
    try {
      matchers.push(patternMatcher(`pattern ${index + 1}`, replacement, source, { ignoreCase }))
    } catch (error) {
      faults.push({ in: 'patterns', index, message: (error as Error).message })
    }
  })
  return { matchers, faults }
}

function wordProblem(word: string): string | null {
  if (word.trim() === '') return 'is empty.'
  return word.length > WORD_LENGTH_MAX ? `is longer than ${WORD_LENGTH_MAX} characters.` : null
}
