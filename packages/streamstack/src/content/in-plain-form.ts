import { isAlphanumeric } from './characters.ts'
import { LOOKBEHIND, MORE, type Matcher, NO } from './matcher.ts'
import { type PlainText, SECOND_HALF, hasPlainForm, isInvisible, plainText, plainUnit } from './plain-forms.ts'

/** How many characters before a place the matchers for ASCII look at. */
const ASCII_LOOKBEHIND = 2
/** More UTF-16 units than this are not looked at, however many of them are passed over. */
const WINDOW_MAX = 65_536
/** No matcher for ASCII looks at more characters than this. */
const ASCII_WINDOW_MAX = 20_000

/**
 * A matcher for ASCII that also finds what it looks for in other characters that look the same: digits of any script, full-width and
 * mathematical letters, spaces and dashes of all kinds, with characters between that no one sees.
 */
export function inPlainForm(matcher: Matcher): Matcher {
  const { beginsBeyondAscii, rest } = matcher
  return Object.freeze({
    ...matcher,
    direct: matcher,
    beginsBeyondAscii: true,
    rest: rest === null ? null : (code: number) => rest(plainUnit(code)) || isInvisible(code),
    forget() {
      forgetPlain()
      matcher.forget?.()
    },
    match(text: string, at: number, isWhole: boolean): number {
      const code = text.charCodeAt(at)
      if (code > 127 && !beginsBeyondAscii && !hasPlainForm(code)) return NO
      const plain = plainOf(text)
      if (plain === null) return matcher.match(text, at, isWhole)
      const place = plain.places[at] as number
      if (place < 0) return NO
      if (plain.isOpen && at + 1 === text.length && !isWhole) return MORE
      const first = plain.text.charCodeAt(place)
      if (first < 128 ? !matcher.begins(first) : !beginsBeyondAscii) return NO
      return matchPlain(matcher, plain, { at, place, rawLength: text.length, isWhole })
    },
  })
}

interface Place {
  readonly at: number
  /** `at` in the plain text. */
  readonly place: number
  /** Of the given text. */
  readonly rawLength: number
  readonly isWhole: boolean
}

function matchPlain(matcher: Matcher, plain: PlainText, { at, place, rawLength, isWhole }: Place): number {
  const before = charactersBefore(plain, at, place)
  if (before > 0 && !matcher.insideWords && isAlphanumeric(plain.text.charCodeAt(place - 1))) return NO
  // A half of a character, which the next piece completes, is not known yet.
  const known = plain.isOpen && !isWhole ? plain.text.slice(0, -1) : plain.text
  const window = rawLength - at > WINDOW_MAX ? windowEnd(plain, at, place) : null
  const start = before < ASCII_LOOKBEHIND ? place - before : 0
  const seen = start === 0 && window === null ? known : known.slice(start, window ?? known.length)
  const length = matcher.match(seen, place - start, isWhole || window !== null)
  return length > 0 ? endOf(plain, place + length - 1) - at : length
}

/** Characters right before a place that are near enough for text in pieces to hold them. */
function charactersBefore({ starts }: PlainText, at: number, place: number): number {
  let count = 0
  while (count < ASCII_LOOKBEHIND && place > count && (starts[place - count - 1] as number) >= at - LOOKBEHIND) count++
  return count
}

/** Where the window ends, in the plain text, when so much of it is passed over that a matcher could wait beyond it; else null. */
function windowEnd({ text: { length }, starts }: PlainText, at: number, place: number): number | null {
  const limit = at + WINDOW_MAX
  const enough = place + ASCII_WINDOW_MAX
  if (enough < length && (starts[enough] as number) < limit) return null
  let end = Math.min(enough, length)
  while (end > place + 1 && (starts[end - 1] as number) >= limit) end--
  return end
}

/** Where a character of the plain text ends in the given one. */
function endOf({ starts, places }: PlainText, place: number): number {
  const start = starts[place] as number
  return start + (places[start + 1] === SECOND_HALF ? 2 : 1)
}

/** Whether all characters of a text stand for themselves. */
export function isPlain(given: string): boolean {
  return plainOf(given) === null
}

let text = ''
let plain: PlainText | null = null

/** What was found last: it is asked for at every place of a text. */
function plainOf(given: string): PlainText | null {
  if (given !== text) plain = plainText(given)
  // Another string of the same characters would be compared with it at each place, character by character.
  text = given
  return plain
}

function forgetPlain(): void {
  text = ''
  plain = null
}
