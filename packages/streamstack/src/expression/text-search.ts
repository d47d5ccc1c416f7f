import { charge, workLeft } from './work.ts'

/** Where a searched text next stands at or after a position of a text; -1 when nowhere. */
export type Search = (from: number) => number

/**
 * Native search is the fastest but may compare the whole searched text at every position. For a short one, or up to so
 * many comparisons, that is soon over; beyond, a search that is linear in the worst case takes its place.
 */
const NATIVE_LENGTH_MAX = 64
const COMPARISONS_MAX = 5_000_000

const SPLIT_LENGTH_MAX = 2 * 1024 * 1024

/** Whether the native methods look for `searched` in `text` in a bounded time. */
export function isSearchedNatively(text: string, searched: string): boolean {
  return (
    searched.length <= NATIVE_LENGTH_MAX ||
    searched.length > text.length ||
    text.length * searched.length <= COMPARISONS_MAX
  )
}

/** A search in `text`; its time for all places together is linear in the lengths of both texts. */
export function searchIn(text: string, searched: string): Search {
  if (isSearchedNatively(text, searched)) {
    return (from) => text.indexOf(searched, from)
  }
  const textUnits = unitsOf(text)
  const searchedUnits = unitsOf(searched)
  const borders = bordersOf(searchedUnits)
  return (from) => find(textUnits, searchedUnits, borders, from)
}

/** The pieces of `text` between the places of `separator`, at most so many. */
export function piecesOf(text: string, separator: string, piecesMax = Infinity): string[] {
  // JavaScript takes an infinite limit for 0.
  if (isSearchedNatively(text, separator)) return text.split(separator, Math.min(piecesMax, 2 ** 32 - 1))
  const next = searchIn(text, separator)
  const pieces: string[] = []
  let start = 0
  for (let at = next(0); at !== -1; at = next(start)) {
    pieces.push(text.slice(start, at))
    start = at + separator.length
  }
  pieces.push(text.slice(start))
  return pieces.slice(0, piecesMax)
}

/** The text with every place of another, which is not empty, replaced; the replacement is taken as it is. Counts its work by the places. */
export function replacedAll(text: string, searched: string, replacement: string): string {
  // Splitting and joining takes a third of the time of replaceAll, and a place in memory for each piece.
  if (text.length <= SPLIT_LENGTH_MAX || !isSearchedNatively(text, searched)) {
    const pieces = piecesOf(text, searched, 2 * workLeft() + 1)
    charge(pieces.length * 0.75)
    return pieces.join(replacement)
  }
  chargePlaces(text, searched)
  return text.replaceAll(searched, () => replacement)
}

/** Counts the places of a text before they are replaced. */
function chargePlaces(text: string, searched: string): void {
  for (let at = text.indexOf(searched); at !== -1; at = text.indexOf(searched, at + searched.length)) charge(2)
}

/** Where `searched` last begins at or before `from`; -1 when nowhere. */
export function lastPlaceOf(text: string, searched: string, from = Infinity): number {
  if (isSearchedNatively(text, searched)) {
    return text.lastIndexOf(searched, from)
  }
  // The last place is the first one when both texts are read from their ends. As in lastIndexOf, NaN stands for the end.
  const lastFrom = text.length - searched.length
  const begin = Number.isNaN(from) ? lastFrom : Math.min(Math.max(Math.trunc(from), 0), lastFrom)
  const searchedUnits = unitsOf(searched).toReversed()
  const place = find(unitsOf(text).toReversed(), searchedUnits, bordersOf(searchedUnits), lastFrom - begin)
  return place === -1 ? -1 : lastFrom - place
}

/** The UTF-16 units: quicker to read one by one than the text, which may be a rope. */
function unitsOf(text: string): Uint16Array {
  const units = new Uint16Array(text.length)
  for (let index = 0; index < units.length; index += 1) units[index] = text.charCodeAt(index)
  return units
}

/** For each prefix, the length of the longest shorter prefix that also ends it (Knuth, Morris and Pratt, 1977). */
function bordersOf(searched: Uint16Array): Int32Array {
  const borders = new Int32Array(searched.length)
  let border = 0
  for (let index = 1; index < searched.length; index += 1) {
    while (border > 0 && searched[index] !== searched[border]) border = borders[border - 1] ?? 0
    if (searched[index] === searched[border]) border += 1
    borders[index] = border
  }
  return borders
}

function find(text: Uint16Array, searched: Uint16Array, borders: Int32Array, from: number): number {
  let matched = 0
  for (let index = Math.max(0, Math.trunc(from) || 0); index < text.length; index += 1) {
    const unit = text[index]
    while (matched > 0 && unit !== searched[matched]) matched = borders[matched - 1] ?? 0
    if (unit === searched[matched]) matched += 1
    if (matched === searched.length) return index - matched + 1
  }
  return -1
}
