import { parseExpressionAt, type Expression } from 'acorn'
import { shortened } from '../text/cut-text.ts'
import { ExpressionError } from './expression-error.ts'
import { limits } from './limits.ts'

/** A parsed JavaScript expression; node positions count from the place where it was parsed. */
export interface Syntax {
  node: Expression
  /** Index in the text after the expression and the white space and comments that follow it. */
  end: number
}

const BLANK = /(?:\s|\/\*[^]*?\*\/|\/\/[^\n\r\u2028\u2029]*)*/y

/** Words and signs of other languages, with what to write instead. */
const FOREIGN: readonly (readonly [RegExp, string])[] = [
  [/^and\b/i, 'Write && for "and".'],
  [/^or\b/i, 'Write || for "or".'],
  [/^not\b/i, 'Write ! for "not".'],
  [/^(?:is|eq)\b/i, 'Write === to compare.'],
  [/^<?>/, 'Write !== for "not equal".'],
  [/^\|/, 'Filters with | are not available; call a function instead, as in {{truncate(name, 20)}}.'],
]

/**
 * Parses the longest JavaScript expression that begins at `start`; what follows it is left for the caller.
 * Only a window of the text is looked at, so that a text with many expressions costs no more than its length.
 */
export function parseSyntax(text: string, start: number): Syntax {
  const window = text.slice(start, start + limits.expressionLengthMax + 1)
  let node: Expression
  try {
    // Parentheses are kept as nodes: otherwise the end of `(a)` would be unknown.
    node = parseExpressionAt(window, 0, { ecmaVersion: 2024, sourceType: 'script', preserveParens: true })
  } catch (error) {
    throw syntaxError(error, window, start)
  }
  BLANK.lastIndex = node.end
  BLANK.test(window)
  const end = BLANK.lastIndex
  if (end > limits.expressionLengthMax) throw tooLong(start)
  return { node, end: start + end }
}

/** The error for what follows an expression that should have ended. */
export function unexpected(text: string, offset: number): ExpressionError {
  const rest = text.slice(offset)
  const cure = cureFor(rest) ?? 'Is an operator or a quote missing?'
  return new ExpressionError(`The expression cannot go on with "${snippet(rest)}". ${cure}`, offset)
}

function cureFor(rest: string): string | null {
  return FOREIGN.find(([pattern]) => pattern.test(rest))?.[1] ?? null
}

function tooLong(start: number): ExpressionError {
  const bound = limits.expressionLengthMax.toLocaleString('en')
  return new ExpressionError(
    `The expression is longer than ${bound} characters. Split it over several variables, or close it with }}.`,
    start,
  )
}

function syntaxError(error: unknown, window: string, start: number): ExpressionError {
  // acorn reports its own overflow so; text that nests to that depth is far over the bound.
  if (error instanceof RangeError || (error instanceof SyntaxError && error.message.startsWith('Not enough stack'))) {
    return tooDeep(start)
  }
  if (!(error instanceof SyntaxError) || !('pos' in error) || typeof error.pos !== 'number') throw error
  if (
    error.pos >= limits.expressionLengthMax ||
    ('raisedAt' in error && error.raisedAt === limits.expressionLengthMax + 1)
  ) {
    return tooLong(start)
  }
  const rest = window.slice(error.pos)
  const what = error.message.replace(/ \(\d+:\d+\)$/, '')
  const where = rest.trim() === '' ? 'its end' : `"${snippet(rest)}"`
  const cure = cureFor(rest)
  return new ExpressionError(
    `The expression cannot be read at ${where}: ${what}.${cure === null ? '' : ` ${cure}`}`,
    start + error.pos,
  )
}

/** The error for an expression that nests further than the bound. */
export function tooDeep(offset: number): ExpressionError {
  return new ExpressionError(
    `The expression nests deeper than ${limits.nestingMax} levels. Split it over several variables.`,
    offset,
  )
}

function snippet(text: string): string {
  const line = (text.split('\n', 1)[0] ?? '').trim()
  return shortened(line, 24)
}
