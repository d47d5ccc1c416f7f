/** The beginning of a text, at most so many UTF-16 units and whole characters as a reader sees them: no emoji is cut in two. */
export function cut(text: string, lengthMax: number): string {
  if (text.length <= lengthMax) return text
  // What stands behind the place decides whether it is a border.
  const characters = new Intl.Segmenter().segment(text.slice(0, lengthMax + 2))
  return text.slice(0, characters.containing(lengthMax)?.index)
}
