import { MORE, type Matcher, NO } from './matcher.ts'
import { halfWidth, isInvisible } from './plain-forms.ts'

/** More words than this belong into a list of their own. */
export const WORDS_MAX = 10_000
export const WORD_LENGTH_MAX = 200

/** White space that may stand for one space of a phrase. */
const SPACES_MAX = 8
/** Characters that are passed over, which may stand between two letters. */
const PASSED_MAX = 4

interface Node {
  readonly next: Map<number, Node>
  isEnd: boolean
}

/**
 * Words and phrases, upper and lower case alike, as whole words; scripts without spaces have no borders. Full-width letters count as their
 * plain ones, letters with accents as the same in two characters, and `ß` as `ss`; characters without a width and the vowel marks of Arabic
 * and Hebrew are passed over.
 */
export function wordsMatcher(name: string, replacement: string, words: readonly string[]): Matcher {
  const root = newNode()
  for (const word of words) for (const spelling of spellingsOf(word)) insert(root, spelling)
  const firsts = new Set(root.next.keys())
  return Object.freeze({
    name,
    replacement,
    begins: (code: number) => firsts.has(fold(code)),
    // Full-width forms of ASCII letters.
    beginsBeyondAscii: true,
    insideWords: false,
    rest: null,
    match(text: string, at: number, isWhole: boolean): number {
      const first = text.charCodeAt(at)
      if (!firsts.has(fold(first)) || (needsBorder(first) && isWordBefore(text, at))) return NO
      return longest(root, text, at, isWhole)
    },
  })
}

function newNode(): Node {
  return { next: new Map(), isEnd: false }
}

/** The same word as a text may write it: composed or not, and with the `SS` that is the upper case of `ß`. */
function spellingsOf(word: string): ReadonlySet<string> {
  const plain = word.trim().replaceAll(/\s+/g, ' ').normalize('NFC')
  return new Set([plain, plain.replaceAll('ß', 'ss')].flatMap((one) => [one, one.normalize('NFD')]))
}

function insert(root: Node, word: string): void {
  let node = root
  for (const code of unitsOf(word)) {
    if (isPassed(code)) continue
    const known = node.next.get(fold(code)) ?? newNode()
    node.next.set(fold(code), known)
    node = known
  }
  node.isEnd = node !== root
}

function unitsOf(text: string): number[] {
  return Array.from({ length: text.length }, (_, index) => text.charCodeAt(index))
}

/** The longest word at a place; `MORE` while a longer one, or a letter that makes it part of another word, may still arrive. */
function longest(root: Node, text: string, at: number, isWhole: boolean): number {
  let node: Node | undefined = root
  let found = NO
  let end = at
  let last = Number.NaN
  let passed = 0
  for (;;) {
    if (end >= text.length) return isWhole ? (node.isEnd ? end - at : found) : MORE
    const code = text.charCodeAt(end)
    if (isPassed(code) && passed < PASSED_MAX) {
      passed++
      end++
      continue
    }
    if (node.isEnd && !(needsBorder(last) && isWord(code))) found = end - at
    const space = isSpace(code)
    node = node.next.get(space ? 0x20 : fold(code))
    if (node === undefined) return found
    passed = 0
    last = code
    end++
    if (!space) continue
    let spaces = 1
    while (spaces < SPACES_MAX && isSpace(text.charCodeAt(end))) {
      spaces++
      end++
    }
  }
}

/** One code unit in lower case; full-width forms as their ASCII ones. */
function fold(code: number): number {
  if (code < 128) return code > 0x40 && code < 0x5b ? code + 0x20 : code
  if (halfWidth(code) !== code) return fold(halfWidth(code))
  // The sigma at the end of a word shares its upper case with the other.
  if (code === 0x3c2) return 0x3c3
  const lower = String.fromCharCode(code).toLowerCase()
  return lower.length === 1 ? lower.charCodeAt(0) : code
}

/** What no one sees; the vowel marks of Arabic and Hebrew and the Arabic tatweel, which texts may have or not. */
function isPassed(code: number): boolean {
  return code >= 0xad && (isInvisible(code) || code === 0x640 || code === 0x670 || isVowelMark(code))
}

function isVowelMark(code: number): boolean {
  return (code >= 0x591 && code <= 0x5c7 && code !== 0x5be) || (code >= 0x610 && code <= 0x61a) || isTashkeel(code)
}

function isTashkeel(code: number): boolean {
  return (code >= 0x64b && code <= 0x652) || (code >= 0x656 && code <= 0x65f) || (code >= 0x6d6 && code <= 0x6ed)
}

function isSpace(code: number): boolean {
  return code === 0x20 || (code > 0x08 && code < 0x0e) || code === 0xa0 || code === 0x3000
}

/** Letters, digits, and marks: those of Indic scripts are vowels, and an accent of its own makes another letter. */
function isWord(code: number): boolean {
  if (code < 128) return (code > 0x2f && code < 0x3a) || (code > 0x40 && code < 0x5b) || (code > 0x60 && code < 0x7b)
  return /[\p{L}\p{N}\p{M}]/u.test(String.fromCharCode(code))
}

function isWordBefore(text: string, at: number): boolean {
  return at > 0 && isWord(text.charCodeAt(at - 1)) && needsBorder(text.charCodeAt(at - 1))
}

/** Letters and digits, but those of scripts that put no spaces between words: Thai, Lao, Khmer, Burmese, Chinese, Japanese. */
function needsBorder(code: number): boolean {
  return (
    isWord(code) &&
    !/[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]/.test(String.fromCharCode(code))
  )
}
