import { isAlphanumeric } from './characters.ts'
import { isPlain } from './in-plain-form.ts'
import { LOOKBEHIND, MORE, type Matcher, NO } from './matcher.ts'
import { BEYOND_ASCII } from './plain-forms.ts'

/** Matchers, indexed by the characters that their matches begin with. At one place the first of the list wins. */
export interface Scanner {
  readonly matchers: readonly Matcher[]
  /** The same for texts whose characters all stand for themselves; null: there is no difference. */
  readonly direct: { readonly matchers: readonly Matcher[]; readonly beyondAscii: number } | null
  /** Matchers for each ASCII character at the beginning of a word, as bits. */
  readonly atBorder: Uint32Array
  /** The same for characters that follow an ASCII letter or digit. */
  readonly insideWord: Uint32Array
  /** 1: a letter or digit with which nothing begins inside a word. */
  readonly plainInside: Uint8Array
  /** Matchers for characters beyond ASCII. */
  readonly beyondAscii: number
}

/** A stretch of text that a matcher has found; `by` is its place in the list. */
export interface Found {
  start: number
  end: number
  readonly by: number
}

/** How far a text is decided. */
export interface Scanned {
  /** Everything before this place is decided. */
  at: number
  /** The matcher whose match goes on at `at`, however long; -1 for none. */
  rest: number
}

/** One bit each. */
export const MATCHERS_MAX = 31

export function newScanner(matchers: readonly Matcher[]): Scanner {
  if (matchers.length > MATCHERS_MAX) throw new RangeError(`A scanner takes at most ${MATCHERS_MAX} matchers.`)
  const atBorder = new Uint32Array(128)
  const insideWord = new Uint32Array(128)
  matchers.forEach((matcher, index) => {
    const bit = 1 << index
    for (let code = 0; code < 128; code++) {
      if (!matcher.begins(code)) continue
      atBorder[code] = (atBorder[code] as number) | bit
      if (matcher.insideWords) insideWord[code] = (insideWord[code] as number) | bit
    }
  })
  const plainInside = Uint8Array.from(insideWord, (bits, code) => (bits === 0 && isAlphanumeric(code) ? 1 : 0))
  const direct = matchers.map((matcher) => matcher.direct ?? matcher)
  return Object.freeze({
    matchers,
    direct: matchers.some((matcher) => matcher.direct !== undefined)
      ? { matchers: direct, beyondAscii: bitsBeyondAscii(direct) }
      : null,
    atBorder,
    insideWord,
    plainInside,
    beyondAscii: bitsBeyondAscii(matchers),
  })
}

function bitsBeyondAscii(matchers: readonly Matcher[]): number {
  return matchers.reduce((bits, { beginsBeyondAscii }, index) => (beginsBeyondAscii ? bits | (1 << index) : bits), 0)
}

/**
 * Looks for matches from `from` on and adds them to `found`. Before `from`, the text holds up to `LOOKBEHIND` characters that are decided.
 * `isWhole`: nothing follows, so everything becomes decided.
 */
export function scan(
  scanner: Scanner,
  text: string,
  from: number,
  isWhole: boolean,
  rest: number,
  found: Found[],
): Scanned {
  const isLong = scanner.direct !== null && text.length - from > WINDOW && BEYOND_ASCII.test(text)
  const scanned = (isLong ? scanInWindows : scanText)(scanner, text, from, isWhole, rest, found)
  // What matchers remember of a text must not keep a large one in memory.
  if (text.length > REMEMBERED_MAX) for (const matcher of scanner.matchers) matcher.forget?.()
  return scanned
}

const REMEMBERED_MAX = 16_384

/** The plain form of a text takes ten times its bytes: a long one is looked at in windows of so many UTF-16 units. */
const WINDOW = 65_536

function scanInWindows(
  scanner: Scanner,
  text: string,
  from: number,
  isWhole: boolean,
  rest: number,
  found: Found[],
): Scanned {
  const first = found.length
  let scanned: Scanned = { at: from, rest }
  for (let size = WINDOW; ;) {
    const start = Math.max(0, scanned.at - LOOKBEHIND)
    const end = Math.min(text.length, scanned.at + size)
    const inWindow: Found[] = []
    const isLast = end === text.length
    const { at, rest: next } = scanText(
      scanner,
      text.slice(start, end),
      scanned.at - start,
      isWhole && isLast,
      scanned.rest,
      inWindow,
    )
    for (const one of inWindow) {
      const last = found.length > first ? found.at(-1) : undefined
      const goesOn = one.by === scanned.rest && one.start + start === scanned.at
      if (goesOn && last !== undefined) last.end = one.end + start
      else found.push({ start: one.start + start, end: one.end + start, by: one.by })
    }
    size = at + start === scanned.at ? size * 2 : WINDOW
    scanned = { at: at + start, rest: next }
    if (isLast) return scanned
  }
}

function scanText(
  scanner: Scanner,
  text: string,
  from: number,
  isWhole: boolean,
  rest: number,
  found: Found[],
): Scanned {
  const { atBorder, insideWord, plainInside, direct } = scanner
  const { matchers, beyondAscii } = direct !== null && isPlain(text) ? direct : scanner
  const { length } = text
  let at = from
  if (rest !== -1) {
    at = skipRest(scanner.matchers[rest] as Matcher, text, at)
    if (at > from) found.push({ start: from, end: at, by: rest })
    if (at === length) return { at, rest: isWhole ? -1 : rest }
  }
  let followsWord = at > 0 && isAlphanumeric(text.charCodeAt(at - 1))
  while (at < length) {
    const code = text.charCodeAt(at)
    if (followsWord && code < 128 && plainInside[code] === 1) {
      at++
      continue
    }
    const bits = code < 128 ? ((followsWord ? insideWord : atBorder)[code] as number) : beyondAscii
    if (bits !== 0) {
      const by = firstMatch(matchers, bits, text, at, isWhole)
      if (by === MORE) return { at, rest: -1 }
      if (by !== null) {
        // What goes on does so over the same characters in each piece, whatever else the piece holds.
        const matcher = scanner.matchers[by.index] as Matcher
        const start = at
        at += by.length
        const goesOn = matcher.rest !== null
        if (goesOn) at = skipRest(matcher, text, at)
        found.push({ start, end: at, by: by.index })
        if (goesOn && at === length && !isWhole) return { at, rest: by.index }
        followsWord = isAlphanumeric(text.charCodeAt(at - 1))
        continue
      }
    }
    followsWord = isAlphanumeric(code)
    at++
  }
  return { at, rest: -1 }
}

function firstMatch(
  matchers: readonly Matcher[],
  bits: number,
  text: string,
  at: number,
  isWhole: boolean,
): { index: number; length: number } | typeof MORE | null {
  for (let left = bits; left !== 0; left &= left - 1) {
    const index = 31 - Math.clz32(left & -left)
    const length = (matchers[index] as Matcher).match(text, at, isWhole)
    if (length === MORE) return MORE
    if (length !== NO) return { index, length }
  }
  return null
}

function skipRest({ rest }: Matcher, text: string, from: number): number {
  let at = from
  while (at < text.length && rest?.(text.charCodeAt(at)) === true) at++
  return at
}
