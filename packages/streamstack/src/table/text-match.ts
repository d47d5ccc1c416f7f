/** Whether a text fits, and about how many steps a look at a text of some length takes. */
export interface TextMatcher {
  test(text: string): boolean
  /** Steps for each character: 1 is what a plain search for a short text takes. */
  readonly stepsPerCharacter: number
}

/** The operators that search text. */
export type TextOperator = 'contains' | 'like' | 'ilike'

/** Plain searches for texts longer than this can take quadratic time (`aaa…b` in `aaa…`), so they go the other way. */
const PLAIN_LENGTH_MAX = 16

/**
 * Compiles a pattern. `like` and `ilike`: `%` stands for any text, `_` for one code point, a backslash takes the next
 * character as it is. `contains`: no character is special. Matching takes time linear in the text whatever the pattern,
 * which may come from a caller: nothing backtracks.
 */
export function compileTextMatcher(operator: TextOperator, pattern: string): TextMatcher {
  if (operator === 'contains') return matcherOf([{ text: pattern, gaps: [] }], { start: false, end: false })
  const folded = operator === 'ilike' ? pattern.toLowerCase() : pattern
  const { parts, anchors } = splitPattern(folded)
  const matcher = matcherOf(parts, anchors)
  if (operator === 'like') return matcher
  return {
    test: (text) => matcher.test(text.toLowerCase()),
    stepsPerCharacter: matcher.stepsPerCharacter + 2,
  }
}

/** What stands between two `%`: characters, and the places, in code points, at which any character may stand. */
interface Part {
  readonly text: string
  readonly gaps: readonly number[]
}

/** Whether the first part must stand at the start of the text, and the last one at its end. */
interface Anchors {
  readonly start: boolean
  readonly end: boolean
}

function splitPattern(pattern: string): { parts: readonly Part[]; anchors: Anchors } {
  const parts: Part[] = []
  let text = ''
  let length = 0
  let gaps: number[] = []
  let wildcards = 0
  let endsOpen = false
  const startsOpen = pattern.startsWith('%')
  const finish = (): void => {
    if (length > 0) parts.push({ text, gaps })
    text = ''
    length = 0
    gaps = []
  }
  const characters = Array.from(pattern)
  for (let at = 0; at < characters.length; at += 1) {
    let character = characters[at]!
    endsOpen = character === '%'
    if (character === '%') {
      wildcards += 1
      finish()
      continue
    }
    if (character === '_') gaps.push(length)
    else if (character === '\\' && at + 1 < characters.length) {
      at += 1
      character = characters[at]!
    }
    text += character
    length += 1
  }
  finish()
  if (parts.length === 0 && wildcards === 0) parts.push({ text: '', gaps: [] })
  return { parts, anchors: { start: !startsOpen, end: !endsOpen } }
}

function matcherOf(parts: readonly Part[], anchors: Anchors): TextMatcher {
  const isPlain = parts.every(({ text, gaps }) => gaps.length === 0 && text.length <= PLAIN_LENGTH_MAX)
  return isPlain ? plainMatcher(parts, anchors) : automaton(parts, anchors)
}

/** Finds the parts one after the other, each as early as it stands: with `%` between them no other choice finds more. */
function plainMatcher(parts: readonly Part[], anchors: Anchors): TextMatcher {
  const texts = parts.map(({ text }) => text)
  const [only] = texts
  if (texts.length === 1 && only !== undefined) return { test: onlyTest(only, anchors), stepsPerCharacter: 1 }
  const first = anchors.start ? texts[0] : undefined
  const last = anchors.end ? texts.at(-1) : undefined
  const between = texts.slice(first === undefined ? 0 : 1, last === undefined ? undefined : -1)
  return {
    stepsPerCharacter: 1,
    test: (text) => {
      if (first !== undefined && !text.startsWith(first)) return false
      let at = first?.length ?? 0
      for (const part of between) {
        const found = text.indexOf(part, at)
        if (found === -1) return false
        at = found + part.length
      }
      return last === undefined || (text.length - last.length >= at && text.endsWith(last))
    },
  }
}

function onlyTest(part: string, { start, end }: Anchors): (text: string) => boolean {
  if (start) return end ? (text) => text === part : (text) => text.startsWith(part)
  return end ? (text) => text.endsWith(part) : (text) => text.includes(part)
}

/**
 * Reads the text once and keeps all places of the pattern that it may stand at, one bit each ("shift-and",
 * Baeza-Yates and Gonnet 1992). A place behind which `%` stands is kept for good.
 */
function automaton(parts: readonly Part[], anchors: Anchors): TextMatcher {
  const places = parts.flatMap(({ text, gaps }) =>
    Array.from(text, (character, at) => (gaps.includes(at) ? null : character.codePointAt(0)!)),
  )
  const words = Math.ceil((places.length + 1) / 32)
  const anywhere = new Uint32Array(words)
  const masks = new Map<number, Uint32Array>()
  // Bit 0 is the place before the pattern; bit n the one behind its nth character.
  places.forEach((code, at) => {
    if (code === null) setBit(anywhere, at + 1)
  })
  places.forEach((code, at) => {
    if (code === null) return
    let mask = masks.get(code)
    if (mask === undefined) masks.set(code, (mask = anywhere.slice()))
    setBit(mask, at + 1)
  })
  const stays = new Uint32Array(words)
  if (!anchors.start) setBit(stays, 0)
  let behind = 0
  parts.forEach(({ text }, at) => {
    behind += Array.from(text).length
    if (at < parts.length - 1 || !anchors.end) setBit(stays, behind)
  })
  const lastWord = places.length >>> 5
  const lastBit = 1 << (places.length & 31)
  return {
    stepsPerCharacter: 4 + 2 * words,
    test: (text) => {
      let now = new Uint32Array(words)
      let next = new Uint32Array(words)
      now[0] = 1
      for (let at = 0; at < text.length; at += 1) {
        const code = text.codePointAt(at)!
        if (code > 0xffff) at += 1
        const mask = masks.get(code) ?? anywhere
        let carry = 0
        for (let word = 0; word < words; word += 1) {
          const bits = now[word]!
          next[word] = (((bits << 1) | carry) & mask[word]!) | (bits & stays[word]!)
          carry = bits >>> 31
        }
        const spent = now
        now = next
        next = spent
      }
      return (now[lastWord]! & lastBit) !== 0
    },
  }
}

function setBit(bits: Uint32Array, at: number): void {
  bits[at >>> 5]! |= 1 << (at & 31)
}
