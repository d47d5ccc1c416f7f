import { LOOKBEHIND, type Matcher } from './matcher.ts'
import { type Found, type Scanner, scan } from './scan.ts'

/** What stands in the place of a match. */
export type Replacement = (matcher: Matcher) => string

/** A text with its matches replaced; the same string when there are none. `onFound` hears each match. */
export function replaceText(
  scanner: Scanner,
  text: string,
  replacement: Replacement,
  onFound?: (matcher: Matcher) => void,
): string {
  const found: Found[] = []
  scan(scanner, text, 0, true, -1, found)
  if (found.length === 0) return text
  for (const { by } of found) onFound?.(scanner.matchers[by] as Matcher)
  return withReplacements(text, 0, text.length, found, scanner, replacement)
}

/** The part of a text from `from` to `to`, with each match replaced where it begins; what a match covers beyond that is left out. */
function withReplacements(
  text: string,
  from: number,
  to: number,
  found: readonly Found[],
  { matchers }: Scanner,
  replacement: Replacement,
): string {
  let made = ''
  let at = from
  for (const { start, end, by } of found) {
    if (end <= from || start >= to) continue
    if (start >= from) made += text.slice(at, start) + replacement(matchers[by] as Matcher)
    at = Math.min(Math.max(at, end), to)
  }
  return made + text.slice(at, to)
}

/** One piece of text as it came, with what goes along. */
export interface TextPiece {
  readonly text: string
  readonly tag: string | null
}

/** What matchers may look at before a place: two characters of ASCII are enough. */
function lookbehind(before: string, text: string, end: number): string {
  if (end > 1 && text.charCodeAt(end - 1) < 128 && text.charCodeAt(end - 2) < 128) return text.slice(end - 2, end)
  return (before + text.slice(Math.max(0, end - LOOKBEHIND), end)).slice(-LOOKBEHIND)
}

/** What replacing remembers between the pieces of a text, as plain data. */
export interface TextState {
  /** Pieces that are not decided to their end. */
  held: TextPiece[]
  /** The last decided characters before them, for borders of words. */
  before: string
  /** How much of the held pieces is decided, in characters. */
  decided: number
  /** Matches in the held pieces. */
  found: Found[]
  /** The matcher whose match goes on; -1 for none. */
  rest: number
}

export function newTextState(): TextState {
  return { held: [], before: '', decided: 0, found: [], rest: -1 }
}

/**
 * Replaces matches in a text that arrives in pieces. A piece goes on, whole and in its order, as soon as all of it is decided; what is held
 * back is the piece with the undecided end and nothing older. Joined, the results are what `replaceText` makes of the joined pieces.
 */
export class TextReplacer {
  readonly #scanner: Scanner
  readonly #replacement: Replacement
  readonly #onFound: ((matcher: Matcher) => void) | undefined

  constructor(scanner: Scanner, replacement: Replacement, onFound?: (matcher: Matcher) => void) {
    this.#scanner = scanner
    this.#replacement = replacement
    this.#onFound = onFound
  }

  push(state: TextState, piece: TextPiece): readonly TextPiece[] {
    state.held.push(piece)
    return this.#decide(state, false)
  }

  /** The end of the text: everything that is held becomes decided. What follows is another text. */
  flush(state: TextState): readonly TextPiece[] {
    if (state.held.length === 0 && state.before === '' && state.rest === -1) return []
    const last = this.#decide(state, true)
    Object.assign(state, newTextState())
    return last
  }

  #decide(state: TextState, isWhole: boolean): readonly TextPiece[] {
    const { held, before } = state
    const joined = held.length === 1 ? (held[0] as TextPiece).text : held.map(({ text }) => text).join('')
    const text = before + joined
    const found: Found[] = []
    const from = before.length + state.decided
    const { at, rest } = scan(this.#scanner, text, from, isWhole, state.rest, found)
    for (const one of found) {
      // A match that goes on from a piece before has its replacement already.
      const isRest = one.by === state.rest && one.start === from
      const start = isRest ? -1 : one.start - before.length
      if (start !== -1) this.#onFound?.(this.#scanner.matchers[one.by] as Matcher)
      state.found.push({ start, end: one.end - before.length, by: one.by })
    }
    state.rest = rest
    state.decided = at - before.length
    return this.#release(state, joined)
  }

  #release(state: TextState, joined: string): readonly TextPiece[] {
    const { held, found, decided } = state
    const released: TextPiece[] = []
    let end = 0
    let count = 0
    for (const piece of held) {
      const start = end
      end += piece.text.length
      if (end > decided) {
        end = start
        break
      }
      count++
      released.push(found.length === 0 ? piece : this.#replaced(piece, start, end, joined, found))
    }
    if (count === 0) return []
    state.held = held.slice(count)
    state.decided -= end
    state.before = lookbehind(state.before, joined, end)
    state.found = found
      .filter((one) => one.end > end)
      .map((one) => ({ ...one, start: one.start - end, end: one.end - end }))
    return released.filter(
      ({ text, tag }, index) => text !== '' || tag !== null || (held[index] as TextPiece).text === '',
    )
  }

  #replaced(piece: TextPiece, from: number, to: number, joined: string, found: readonly Found[]): TextPiece {
    return { text: withReplacements(joined, from, to, found, this.#scanner, this.#replacement), tag: piece.tag }
  }
}
