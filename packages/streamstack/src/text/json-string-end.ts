/** Where a string that opens at `at` in JSON text ends, behind its quote; the end of the text where it has none. */
export function jsonStringEnd(text: string, at: number): number {
  for (let quote = text.indexOf('"', at + 1); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    let backslashes = 0
    while (text.charCodeAt(quote - 1 - backslashes) === 92) backslashes += 1
    if (backslashes % 2 === 0) return quote + 1
  }
  return text.length
}
