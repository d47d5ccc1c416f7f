import { StreamstackError } from '@streamstack/protocol'
import type { Value } from '@streamstack/protocol'
import { wholeDigits } from '../text/whole-number.ts'

/** A part of a filter's text; `offset` is where it starts. Words are in lower case. */
export type WhereToken =
  | { readonly kind: 'sign' | 'word' | 'column' | 'hole' | 'end'; readonly text: string; readonly offset: number }
  | { readonly kind: 'value'; readonly text: string; readonly value: Value; readonly offset: number }

const words = new Set(
  'and or not in is null undefined true false like ilike between contains starts_with ends_with'.split(' '),
)

/** Words that compare, behind which a `?` may stand. */
const OPTIONAL_WORDS = new Set(['in', 'like', 'ilike', 'contains', 'starts_with', 'ends_with'])
const OPTIONAL_WORD = /\p{L}[\p{L}_]*\?/uy

const SIGN = /(?:===|!==|==|!=|<>|>=|<=|>|<|=)\??|&&|\|\||[!()[\],]/y
const NUMBER = /[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y
const NAME = /[\p{L}_$][\p{L}\p{N}_$]*/uy
const BLANK = /\s+/y

/** Splits a filter's text; throws `query_invalid` at a character that nothing starts with. */
export function whereTokens(text: string): readonly WhereToken[] {
  const tokens: WhereToken[] = []
  let at = 0
  const match = (pattern: RegExp): string | null => {
    pattern.lastIndex = at
    return pattern.exec(text)?.[0] ?? null
  }
  while (at < text.length) {
    const space = match(BLANK)
    if (space !== null) {
      at += space.length
      continue
    }
    const token = quotedToken(text, at) ?? plainToken(match, at)
    if (token === null) fail(`Nothing can start with "${text[at]}"${cureFor(text, at)}`, at)
    tokens.push(token.token)
    at = token.end
  }
  tokens.push({ kind: 'end', text: '', offset: text.length })
  return tokens
}

/** What to write instead, where a character is often written. */
function cureFor(text: string, at: number): string {
  const character = text[at]
  if (character === '?') return '; a "?" stands directly behind a comparison, as in `origin ==? {{origin}}`'
  if (character === '~') return '; use `like`, `ilike` or `contains`'
  // Between two parts of a name: release-date, user.name.
  if (character === '-' || character === '.') {
    const before = /[\p{L}\p{N}_$]*$/u.exec(text.slice(0, at))?.[0] ?? ''
    const behind = /^[\p{L}\p{N}_$.-]*/u.exec(text.slice(at))?.[0] ?? ''
    return `; put a column whose name has more than letters, digits and _ in backticks: \`${before}${behind}\``
  }
  if (character !== undefined && '+*/%^'.includes(character))
    return '; filters compare and do not calculate: calculate in {{ }}, beside the comparison'
  return ''
}

interface Found {
  readonly token: WhereToken
  readonly end: number
}

function plainToken(match: (pattern: RegExp) => string | null, offset: number): Found | null {
  const digits = match(NUMBER)
  if (digits !== null) {
    // Digits that a JavaScript number cannot hold stay text; columns of whole numbers read it exactly.
    const exact = wholeDigits(digits) ?? Number(digits)
    return { token: { kind: 'value', text: digits, value: exact, offset }, end: offset + digits.length }
  }
  const found = match(NAME)
  if (found !== null) {
    const lower = found.toLowerCase()
    const end = offset + found.length
    // `ilike?`, as `==?`: the comparison falls away without a value.
    const optional = OPTIONAL_WORDS.has(lower) ? match(OPTIONAL_WORD) : null
    if (optional !== null)
      return { token: { kind: 'word', text: optional.toLowerCase(), offset }, end: offset + optional.length }
    if (words.has(lower)) return { token: { kind: 'word', text: lower, offset }, end }
    return { token: { kind: 'column', text: found, offset }, end }
  }
  const signs = match(SIGN)
  return signs === null ? null : { token: { kind: 'sign', text: signs, offset }, end: offset + signs.length }
}

function quotedToken(text: string, offset: number): Found | null {
  const open = text[offset]
  if (open === '{' && text[offset + 1] === '{') {
    const end = holeEnd(text, offset)
    return { token: { kind: 'hole', text: text.slice(offset, end), offset }, end }
  }
  if (open === '`') {
    const end = text.indexOf('`', offset + 1)
    if (end === -1) fail('A column in backticks has no end', offset)
    return { token: { kind: 'column', text: text.slice(offset + 1, end), offset }, end: end + 1 }
  }
  if (open !== "'" && open !== '"') return null
  const end = stringEnd(text, offset)
  const raw = text.slice(offset + 1, end - 1)
  const value = raw.replaceAll(/\\(.)/gs, (_, character: string) => escapes.get(character) ?? character)
  // Text with braces is a template, like text anywhere else in a definition.
  if (raw.includes('{{')) return { token: { kind: 'hole', text: raw, offset: offset + 1 }, end }
  return { token: { kind: 'value', text: text.slice(offset, end), value, offset }, end }
}

const escapes: ReadonlyMap<string, string> = new Map([
  ['n', '\n'],
  ['t', '\t'],
  ['r', '\r'],
])

/** Where a quoted text ends, behind its quote. Braces inside may hold quotes of their own: `'{{a ? 'x' : 'y'}}'`. */
function stringEnd(text: string, offset: number): number {
  const quote = text[offset]
  for (let at = offset + 1; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1
    else if (text[at] === quote) return at + 1
    else if (text.startsWith('{{', at)) at = holeEnd(text, at) - 1
  }
  return fail('A text in quotes has no end', offset)
}

/** Where a hole ends, behind its `}}`: braces of objects and of text inside do not count. */
function holeEnd(text: string, offset: number): number {
  let depth = 0
  for (let at = offset + 2; at < text.length; at += 1) {
    const character = text[at]!
    if (character === '{') depth += 1
    else if (character === '}' && depth > 0) depth -= 1
    else if (character === '}' && text[at + 1] === '}') return at + 2
    else if (character === '"' || character === "'" || character === '`') {
      do at += text[at] === '\\' ? 2 : 1
      while (at < text.length && text[at] !== character)
    }
  }
  return fail('"{{" has no "}}"', offset)
}

function fail(problem: string, offset: number): never {
  throw new StreamstackError('query_invalid', `The filter is wrong at character ${offset + 1}: ${problem}.`, {
    details: { offset },
  })
}
