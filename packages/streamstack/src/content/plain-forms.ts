import { HYPHEN } from './characters.ts'

/** What stands in the table for a character that is passed over. */
const PASSED = 1

const SPACE = 0x20
const ZERO = 0x30

const MATHEMATICAL_FIRST = 0x1d400
const MATHEMATICAL_LAST = 0x1d7ff
/** The first half of all of them. */
const MATHEMATICAL_HALF = 0xd835
const LETTER = 0x61

/**
 * Characters that are passed over inside of what a matcher looks for: soft hyphen, characters without a width, marks of direction, variation
 * selectors.
 */
export function isInvisible(code: number): boolean {
  if (code < 0xad) return false
  return (
    code === 0xad ||
    code === 0x61c ||
    code === 0x180e ||
    (code >= 0x200b && code <= 0x200f) ||
    (code >= 0x202a && code <= 0x202e) ||
    (code >= 0x2060 && code <= 0x206f) ||
    (code >= 0xfe00 && code <= 0xfe0f) ||
    code === 0xfeff
  )
}

/** ASCII for the full-width forms U+FF01 to U+FF5E; every other code as it is. */
export function halfWidth(code: number): number {
  return code > 0xff00 && code < 0xff5f ? code - 0xfee0 : code
}

interface PlainForms {
  /** For each code unit: its ASCII form, `PASSED`, or 0 for one that stands for itself. */
  readonly units: Uint8Array
  /** ASCII forms of characters of two code units. */
  readonly pairs: ReadonlyMap<number, number>
  /** First halves of those. */
  readonly firstHalves: ReadonlySet<number>
}

let made: PlainForms | null = null

/** Made when the first text needs it: about 10 ms and 64 KiB. */
function plainForms(): PlainForms {
  if (made !== null) return made
  const units = new Uint8Array(0x10000)
  const pairs = new Map<number, number>()
  const set = (point: number, plain: number): void => {
    if (point < 0x10000) units[point] = plain
    else pairs.set(point, plain)
  }
  for (let code = 0x80; code < 0x10000; code++) {
    if (isInvisible(code)) units[code] = PASSED
    else if (halfWidth(code) !== code) units[code] = halfWidth(code)
  }
  for (const [point, plain] of [...digitsSpacesAndDashes(), ...mathematicalLetters()]) set(point, plain)
  const firstHalves = new Set(Array.from(pairs.keys(), (point) => String.fromCodePoint(point).charCodeAt(0)))
  made = { units, pairs, firstHalves }
  return made
}

/** Digits of all scripts (Nd), which Unicode has in runs of ten from zero on; all spaces (Zs), all dashes (Pd), and the minus sign. */
function digitsSpacesAndDashes(): [number, number][] {
  let digit = 0
  let last = -1
  return pointsOf(/[\p{Nd}\p{Zs}\p{Pd}\u2212]/gu).map((point) => {
    const character = String.fromCodePoint(point)
    if (/\p{Zs}/u.test(character)) return [point, SPACE]
    if (!/\p{Nd}/u.test(character)) return [point, HYPHEN]
    digit = point === last + 1 ? (digit + 1) % 10 : 0
    last = point
    return [point, ZERO + digit]
  })
}

/** Bold, italic, script and other letters of mathematics, which show plain words in another face. */
function mathematicalLetters(): [number, number][] {
  const found: [number, number][] = []
  for (let point = MATHEMATICAL_FIRST; point <= MATHEMATICAL_LAST; point++) {
    const plain = String.fromCodePoint(point).normalize('NFKC')
    if (/^[A-Za-z]$/.test(plain)) found.push([point, plain.charCodeAt(0)])
  }
  return found
}

/** Beyond ASCII, without the large blocks of letters that have no digits between them: Han, Hangul, private use, cuneiform, Tangut. */
const RANGES: readonly (readonly [number, number])[] = [
  [0x80, 0x33ff],
  [0xa4d0, 0xabff],
  [0xfe00, 0x11fff],
  [0x16100, 0x1613f],
  [0x16a40, 0x16fff],
  [0x1cc00, 0x1ffff],
]

/** Code points that a pattern for one character finds, in order. */
function pointsOf(pattern: RegExp): number[] {
  const characters = RANGES.map(([first, last]) => {
    const points = Array.from({ length: last - first + 1 }, (_, index) => first + index)
    return String.fromCodePoint(...points)
  }).join('')
  return Array.from(characters.matchAll(pattern), ([character]) => character.codePointAt(0) as number)
}

/** A text with ASCII in the place of characters that only look different, and without those that are passed over. */
export interface PlainText {
  readonly text: string
  /** Where each character of it stands in the given text. */
  readonly starts: Int32Array
  /** The place in it of each place in the given text; -1 for what is passed over, `SECOND_HALF` for second halves. */
  readonly places: Int32Array
  /** The given text ends with a character of which a half may be missing. */
  readonly isOpen: boolean
}

/** The second half of a character of two units that became one. */
export const SECOND_HALF = -2

export const BEYOND_ASCII = /[^\0-\u007f]/

/** The plain form of a text; null when it is the text itself. */
export function plainText(text: string): PlainText | null {
  if (!BEYOND_ASCII.test(text)) return null
  const { units, pairs, firstHalves } = plainForms()
  const { length } = text
  const starts = new Int32Array(length)
  const places = new Int32Array(length)
  let plain = ''
  let count = 0
  let copied = 0
  let isOpen = false
  for (let at = 0; at < length; at++) {
    const code = text.charCodeAt(at)
    const form = code < 128 ? 0 : (units[code] as number)
    const isPair = form === 0 && firstHalves.has(code)
    const pair = isPair ? pairs.get(text.codePointAt(at) as number) : undefined
    isOpen = isPair && at + 1 === length
    if (form === 0 && pair === undefined) {
      starts[count] = at
      places[at] = count++
      continue
    }
    plain += text.slice(copied, at)
    if (form === PASSED) places[at] = -1
    else {
      plain += String.fromCharCode(pair ?? form)
      starts[count] = at
      places[at] = count++
    }
    if (pair !== undefined) places[++at] = SECOND_HALF
    copied = at + 1
  }
  if (copied === 0 && !isOpen) return null
  return { text: plain + text.slice(copied), starts, places, isOpen }
}

/** Whether a code unit is, or begins, a character with another form. */
export function hasPlainForm(code: number): boolean {
  const { units, firstHalves } = plainForms()
  return (units[code] as number) > PASSED || firstHalves.has(code)
}

/** The plain form of a character of one code unit. Halves of mathematical letters count as a letter. */
export function plainUnit(code: number): number {
  if (code < 128) return code
  // Second halves stand behind a first half, or alone by mistake.
  if (code === MATHEMATICAL_HALF || (code > 0xdbff && code < 0xe000)) return LETTER
  return plainForms().units[code] || code
}
