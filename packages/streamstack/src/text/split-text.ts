/** What text is cut into; joined, the pieces are the text again. */
export type TextUnit = 'words' | 'characters' | 'sentences' | 'lines'

const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' })
const words = new Intl.Segmenter('und', { granularity: 'word' })
const sentences = new Intl.Segmenter('und', { granularity: 'sentence' })

/** Scripts that put no spaces between words: Thai, Lao, Khmer, Burmese, Chinese, Japanese. */
const UNSPACED = /[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]/

/** Only characters that are always a grapheme of their own; CR is left out because of CRLF. */
const SIMPLE = /^[\n\x20-\x7e]*$/

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
  const units = unitsOf(text, unit)
  const whole = Math.floor(Math.max(0, units.length - 1) / size) * size
  const pieces: string[] = []
  for (let i = 0; i < whole; i += size) pieces.push(units.slice(i, i + size).join(''))
  return { pieces, rest: units.slice(whole).join('') }
}

function unitsOf(text: string, unit: TextUnit): string[] {
  if (text === '') return []
  switch (unit) {
    case 'characters':
      return SIMPLE.test(text) ? text.split('') : Array.from(graphemes.segment(text), ({ segment }) => segment)
    case 'words':
      return UNSPACED.test(text) ? unspacedWords(text) : (text.match(/^\s+|\S+\s*/g) ?? [])
    case 'sentences':
      return Array.from(sentences.segment(text), ({ segment }) => segment)
    case 'lines':
      return text.match(/[^\n]*\n|[^\n]+$/g) ?? []
  }
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
