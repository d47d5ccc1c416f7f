import type { DatabaseSync } from 'node:sqlite'
import { compileTextMatcher } from '../text-match.ts'
import type { TextMatcher, TextOperator } from '../text-match.ts'

/** Steps that one record costs beside its text. */
const STEPS_PER_RECORD = 100
/** Patterns that are kept compiled. */
const MATCHERS_MAX = 100

/** A statement looked through more text than it may. */
export class TextWorkExceeded extends Error {
  override readonly name = 'TextWorkExceeded'
}

/** How many steps statements of one connection may still take to look through text. */
export interface TextWork {
  steps: number
}

/** Defines the text operators on a connection. Each look takes its steps from what comes back, and throws `TextWorkExceeded` beyond. */
export function defineTextFunctions(database: DatabaseSync): TextWork {
  const work: TextWork = { steps: 0 }
  for (const operator of ['contains', 'like', 'ilike'] as const) {
    const matchers = new Matchers(operator)
    database.function(`text_${operator}`, { deterministic: true }, (text, pattern) => {
      if (typeof text !== 'string' || typeof pattern !== 'string') return null
      const matcher = matchers.get(pattern)
      work.steps -= STEPS_PER_RECORD + text.length * matcher.stepsPerCharacter
      if (work.steps < 0) throw new TextWorkExceeded('The statement looked through too much text.')
      return matcher.test(text) ? 1 : 0
    })
  }
  return work
}

class Matchers {
  readonly #operator: TextOperator
  readonly #known = new Map<string, TextMatcher>()
  #last: { readonly pattern: string; readonly matcher: TextMatcher } | null = null

  constructor(operator: TextOperator) {
    this.#operator = operator
  }

  get(pattern: string): TextMatcher {
    if (this.#last?.pattern === pattern) return this.#last.matcher
    let matcher = this.#known.get(pattern)
    if (matcher === undefined) {
      if (this.#known.size === MATCHERS_MAX) this.#known.clear()
      this.#known.set(pattern, (matcher = compileTextMatcher(this.#operator, pattern)))
    }
    this.#last = { pattern, matcher }
    return matcher
  }
}
