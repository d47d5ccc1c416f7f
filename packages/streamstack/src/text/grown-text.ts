/** Texts below are made one every so many characters, whatever their length. */
const STEP_MIN = 256

/**
 * A text with a piece more at its end. V8 keeps `text + piece` as a node of its own beside both, which costs more than a word has characters. A text that
 * grows by the words of a model is written anew whenever it has become an eighth longer, so that what it holds stays close to its characters.
 */
export function grownText(text: string, piece: string): string {
  // Of the power of two below the length.
  const step = Math.max(STEP_MIN, 2 ** (28 - Math.clz32(text.length)))
  const isDue = Math.floor(text.length / step) !== Math.floor((text.length + piece.length) / step)
  // An empty piece would leave the text as it is.
  return isDue ? [text, piece].join('') : text + piece
}
