import { JOINS, graphemes } from './split-text.ts'

/** What is read before a place to find a border. A longer character, which no script has, is cut between its code points. */
const READ_UNITS_MAX = 1_000

const JOINING = new RegExp(`^[${JOINS}]$`, 'u')

/**
 * Returns the beginning of a text: at most `lengthMax` UTF-16 units, and whole characters as a reader sees them (grapheme clusters, Unicode UAX #29). Takes as long for a
 * text of any length, but for one of flags alone, which it counts. `onRead` receives the number of units that were looked at one by one.
 */
export function cutText(text: string, lengthMax: number, onRead?: (units: number) => void): string {
  if (text.length <= lengthMax) return text
  return text.slice(0, borderBefore(text, Math.max(0, Math.trunc(lengthMax) || 0), onRead))
}

/** Returns the text, or its beginning and an ellipsis, which counts as one of its units. */
export function shortened(text: string, lengthMax: number): string {
  return text.length <= lengthMax ? text : `${cutText(text, lengthMax - 1)}…`
}

/** The last place at or before `at` that is not inside of a character. */
function borderBefore(text: string, at: number, onRead?: (units: number) => void): number {
  const place = isInPair(text, at) ? at - 1 : at
  // Between two code points of which none can join another is a border, whatever stands around them.
  let start = place
  const lowest = Math.max(0, place - READ_UNITS_MAX)
  while (start > lowest && (joins(text, start) || joins(text, start - unitsBefore(text, start)))) {
    start -= unitsBefore(text, start)
  }
  const isSure = start === 0 || start > lowest
  // Flags are pairs from the first one on.
  const flagLetters = isSure ? 0 : flagLettersBefore(text, start)
  if (flagLetters % 2 === 1) start -= 2
  onRead?.(place - start + flagLetters / 16)
  const behind = place + unitsAt(text, place)
  const character = graphemes.segment(text.slice(start, behind)).containing(place - start)
  if (character === undefined || (character.index === 0 && !isSure)) return place
  return start + character.index
}

function joins(text: string, at: number): boolean {
  return at < text.length && JOINING.test(text.slice(at, at + unitsAt(text, at)))
}

function isInPair(text: string, at: number): boolean {
  return isHigh(text.charCodeAt(at - 1)) && isLow(text.charCodeAt(at))
}

function unitsAt(text: string, at: number): number {
  return isInPair(text, at + 1) ? 2 : 1
}

function unitsBefore(text: string, at: number): number {
  return at >= 2 && isInPair(text, at - 1) ? 2 : 1
}

const isHigh = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff
const isLow = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff

/** How many regional indicators (U+1F1E6 to U+1F1FF) stand in a row before the place. */
function flagLettersBefore(text: string, at: number): number {
  let from = at
  while (from >= 2 && text.charCodeAt(from - 2) === 0xd83c && isFlagUnit(text.charCodeAt(from - 1))) from -= 2
  return (at - from) / 2
}

const isFlagUnit = (unit: number): boolean => unit >= 0xdde6 && unit <= 0xddff
