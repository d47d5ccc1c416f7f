/** What text is cut into; joined, the pieces are the text again. */
export type TextUnit = 'words' | 'characters' | 'sentences' | 'lines'

export const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' })
const words = new Intl.Segmenter('und', { granularity: 'word' })
const sentences = new Intl.Segmenter('und', { granularity: 'sentence' })

/** Scripts that put no spaces between words: Thai, Lao, Khmer, Burmese, Chinese, Japanese. */
const UNSPACED = /[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]/

/** Only characters that are always a grapheme of their own; CR is left out because of CRLF. */
const SIMPLE = /^[\n\x20-\x7e]*$/

/** Code points that may join the one before or behind (UAX #29, Table 2): marks, joiners, modifiers, flags, parts of Hangul syllables, CR. */
export const JOINS = String.raw`\r\p{M}\p{Cf}\p{Cs}\p{Emoji_Modifier}\p{Regional_Indicator}\u0e33\u0eb3\u0d4e\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff\uff9e\uff9f\u{110bd}\u{110cd}\u{111c2}\u{111c3}\u{1193f}\u{11941}\u{11a3a}\u{11a84}-\u{11a89}\u{11d46}\u{11f02}`

/** Runs of them, up to and with the code point behind. */
const JOINING = new RegExp(`[${JOINS}]+(?:[^${JOINS}][${JOINS}]+)*[^${JOINS}]?`, 'gu')

/**
 * Cuts text into pieces of `size` units. White space stays with the word before it, so that nothing is lost or added; characters are what a reader sees as one
 * (grapheme clusters, Unicode UAX #29).
 */
export function splitText(text: string, unit: TextUnit, size: number): string[] {
  const units = unitsOf(text, unit)
  if (size === 1) return units
  const pieces: string[] = []
  for (let i = 0; i < units.length; i += size) pieces.push(units.slice(i, i + size).join(''))
  return pieces
}

/**
 * Cuts the whole pieces off the front of a text to which more may come. The last unit stays in `rest`, since what comes next may belong to
 * it: a word goes on, an accent joins its letter.
 */
export function takePieces(text: string, unit: TextUnit, size: number): { pieces: string[]; rest: string } {
  // The other half of a surrogate pair may join the character before it, as in a flag: neither is whole yet.
  const end = HALF_PAIR.test(text) ? text.length - 1 : text.length
  const units = unitsOf(text.slice(0, end), unit)
  const whole = Math.floor(Math.max(0, units.length - 1) / size) * size
  const pieces: string[] = []
  for (let i = 0; i < whole; i += size) pieces.push(units.slice(i, i + size).join(''))
  return { pieces, rest: units.slice(whole).join('') + text.slice(end) }
}

const HALF_PAIR = /[\ud800-\udbff]$/

function unitsOf(text: string, unit: TextUnit): string[] {
  if (text === '') return []
  switch (unit) {
    case 'characters':
      return SIMPLE.test(text) ? text.split('') : characters(text)
    case 'words':
      return UNSPACED.test(text) ? unspacedWords(text) : (text.match(/^\s+|\S+\s*/g) ?? [])
    case 'sentences':
      return Array.from(sentences.segment(text), ({ segment }) => segment)
    case 'lines':
      return text.match(/[^\n]*\n|[^\n]+$/g) ?? []
  }
}

/**
 * A segmenter takes some hundred nanoseconds for each character, so it only gets the places at which characters may join
 * others, each with the one before, which it may join.
 */
function characters(text: string): string[] {
  const found: string[] = []
  let at = 0
  for (const { 0: joining, index } of text.matchAll(JOINING)) {
    const start = wholeBefore(text, index, at)
    pushCodePoints(found, text.slice(at, start))
    at = index + joining.length
    for (const { segment } of graphemes.segment(text.slice(start, at))) found.push(segment)
  }
  pushCodePoints(found, text.slice(at))
  return found
}

/** Where the code point before `index` begins, but not before `from`. */
function wholeBefore(text: string, index: number, from: number): number {
  if (index === from) return index
  const isPair = index - 2 >= from && /^[\ud800-\udbff][\udc00-\udfff]$/.test(text.slice(index - 2, index))
  return index - (isPair ? 2 : 1)
}

function pushCodePoints(found: string[], text: string): void {
  for (const character of text) found.push(character)
}

/** Punctuation and white space stay with the word before them. */
function unspacedWords(text: string): string[] {
  const found: string[] = []
  for (const { segment, isWordLike } of words.segment(text)) {
    if (isWordLike === true || found.length === 0) found.push(segment)
    else found[found.length - 1] += segment
  }
  return found
}
