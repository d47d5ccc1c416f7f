/** Whether a stream's name fits a pattern: `*` stands for any text within one part, `**` for any number of whole parts. Linear in both. */
export function matchesPattern(pattern: string, name: string): boolean {
  return matchParts(pattern.split('/'), name.split('/'), isAnyParts, matchPart)
}

function isAnyParts(part: string): boolean {
  return part === '**'
}

function matchPart(pattern: string, part: string): boolean {
  return matchParts(
    pattern.split(''),
    part.split(''),
    (character) => character === '*',
    (a, b) => a === b,
  )
}

/** The greedy walk with one step back: to the last wildcard, whose stretch grows by one. */
function matchParts(
  pattern: readonly string[],
  text: readonly string[],
  isWildcard: (part: string) => boolean,
  matches: (pattern: string, part: string) => boolean,
): boolean {
  let at = 0
  let wildcard = -1
  let resume = 0
  for (let position = 0; position < text.length;) {
    const part = pattern[at]
    if (part !== undefined && isWildcard(part)) {
      wildcard = at
      at += 1
      resume = position
    } else if (part !== undefined && matches(part, text[position] as string)) {
      at += 1
      position += 1
    } else if (wildcard >= 0) {
      at = wildcard + 1
      resume += 1
      position = resume
    } else return false
  }
  return pattern.slice(at).every(isWildcard)
}
