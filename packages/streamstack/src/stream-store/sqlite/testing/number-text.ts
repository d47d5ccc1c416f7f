/** A chunk that tells its number and whether all of it is there; one of seven spans several pages of the file. */
export function numberText(number: number): string {
  return `<${number}:${'x'.repeat(number % 7 === 0 ? 9_000 : number % 50)}>`
}

/** How many numbers a text holds, from 0 on without a gap; null when it holds anything else. */
export function numbersIn(text: string): number | null {
  let count = 0
  for (let at = 0; at < text.length; count++) {
    const expected = numberText(count)
    if (!text.startsWith(expected, at)) return null
    at += expected.length
  }
  return count
}
