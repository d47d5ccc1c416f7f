import { isAlphanumeric, isDigit, isLetter } from './characters.ts'
import { MORE, type Matcher, NO } from './matcher.ts'

interface KeyShape {
  readonly prefix: string
  /** How many characters of the key's alphabet follow at least. */
  readonly min: number
  /**
   * What must follow. `random`: words are written behind the prefix too, so the characters must look random. `key`: digits or mixed case. `aws`: exactly `min` of A to Z
   * and 2 to 7. `dotted`: two parts with a dot between.
   */
  readonly kind: 'random' | 'key' | 'aws' | 'dotted'
}

/** Prefixes that services give to their secrets, as their documentation says. A longer one stands before a shorter one of the same beginning. */
const shapes: readonly KeyShape[] = [
  ...['sk-', 'whsec_'].map(shape(16, 'random')),
  ...['npm_', 'hf_', 'api_org_', 'r8_', 'gsk_', 'ntn_', 'pypi-', 'pplx-', 'xai-'].map(shape(20, 'random')),
  ...['sk_live_', 'sk_test_', 'sk_prod_', 'rk_live_', 'rk_test_', 'rk_prod_'].map(shape(16, 'key')),
  ...['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_', 'github_pat_', 'glpat-'].map(shape(20, 'key')),
  ...['xoxb-', 'xoxp-', 'xoxa-', 'xoxe-', 'xoxr-', 'xoxs-', 'xapp-'].map(shape(10, 'key')),
  ...['AKIA', 'ASIA', 'ABIA', 'ACCA'].map(shape(16, 'aws')),
  ...['AIza', 'ya29.', 'GOCSPX-', 'hvs.', 'PMAK-', 'AGE-SECRET-KEY-1'].map(shape(20, 'key')),
  ...['dop_v1_', 'shpat_', 'shpca_', 'shppa_', 'shpss_', 'lin_api_', 'pscale_tkn_', 'sntryu_'].map(shape(20, 'key')),
  ...['ssk_', 'sst_'].map(shape(20, 'key')),
  shape(20, 'dotted')('SG.'),
]

/** So many characters behind a prefix are looked at, at most. */
const LOOKED_AT_MAX = 128
/** A key that is no run of random characters, with a digit or mixed case, has one so early. */
const EARLY = 32
/** Letters without a digit that are longer than words are. */
const LETTERS_MIN = 20
/** From so many letters on, no camel case is expected. */
const LETTERS_MAX = 40
/** A run of letters and digits that is long enough to be told from `v2` or `web3`. */
const MIXED_MIN = 8
/** Digits in a row that are no date. */
const DIGITS_MIN = 10

const PREFIX_MAX = Math.max(...shapes.map(({ prefix }) => prefix.length))
const HYPHEN = 0x2d
const LOWER_E = 0x65

/** Shapes by the code of their first character. */
const byFirst: readonly (readonly KeyShape[])[] = Array.from({ length: 128 }, (_, code) =>
  shapes.filter(({ prefix }) => prefix.charCodeAt(0) === code),
)

const PEM_BEGIN = /-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY-----/y
const PEM_END = /-----END (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY-----/
const PEM_BEGIN_MAX = 100
/** A private key of 16,384 bits takes about 12,500 characters. */
const PEM_MAX = 16_384

/** `eyJ` is `{"` in base64: header and payload of a JSON Web Token, RFC 7519. */
const JWT_START = 'eyJ'
const JWT_HEADER_MAX = 2_048
const JWT_PAYLOAD_MAX = 8_192

function shape(min: number, kind: KeyShape['kind']): (prefix: string) => KeyShape {
  return (prefix) => ({ prefix, min, kind })
}

/**
 * Texts that look like secrets of programs: keys with the prefix of a known service, JSON Web Tokens, private keys in PEM. Not found:
 * passwords, and keys without a prefix, which look like any identifier.
 */
export const key: Matcher = {
  name: 'key',
  replacement: '[key]',
  begins: (code) => code === HYPHEN || code === LOWER_E || byFirst[code]?.length !== 0,
  beginsBeyondAscii: false,
  insideWords: false,
  rest: isKeyCharacter,
  match(text, at, isWhole) {
    const first = text.charCodeAt(at)
    if (first === HYPHEN) return matchPem(text, at, isWhole)
    const before = text.charCodeAt(at - 1)
    // In the middle of such characters a token would be looked for again and again.
    if (first === LOWER_E) return isKeyCharacter(before) ? NO : matchJwt(text, at, isWhole)
    const second = text.charCodeAt(at + 1)
    for (const { prefix, min, kind } of byFirst[first] ?? []) {
      if (second !== prefix.charCodeAt(1) || !text.startsWith(prefix, at)) continue
      const start = at + prefix.length
      const end = matchBehind(text, start, { min, kind }, isWhole)
      return end > 0 ? end - at : end
    }
    return text.length - at < PREFIX_MAX && !isWhole && isPrefixOfPrefix(text.slice(at)) ? MORE : NO
  },
}

function isKeyCharacter(code: number): boolean {
  return isAlphanumeric(code) || code === 0x2d || code === 0x5f
}

function matchBehind(text: string, start: number, shape: Omit<KeyShape, 'prefix'>, isWhole: boolean): number {
  const { min, kind } = shape
  switch (kind) {
    case 'aws':
      return matchAws(text, start, min, isWhole)
    case 'dotted':
      return matchDotted(text, start, min, isWhole)
    default:
      return matchRandom(text, start, { min, kind }, isWhole)
  }
}

/** The second part is taken by `rest`. */
function matchDotted(text: string, start: number, min: number, isWhole: boolean): number {
  let end = start
  while (end - start < LOOKED_AT_MAX && isKeyCharacter(text.charCodeAt(end))) end++
  if (end >= text.length && !isWhole) return MORE
  if (end - start < min) return NO
  return text.charCodeAt(end) === 0x2e ? end + 1 : end
}

/** An access key id of AWS: base32, and nothing behind it. Returns its end, `NO` or `MORE`. */
function matchAws(text: string, start: number, length: number, isWhole: boolean): number {
  let end = start
  while (end - start <= length && isBase32(text.charCodeAt(end))) end++
  if (end - start < length) return end >= text.length && !isWhole ? MORE : NO
  if (end - start > length || isKeyCharacter(text.charCodeAt(end))) return NO
  return end >= text.length && !isWhole ? MORE : end
}

/** A to Z, 2 to 7 (RFC 4648 §6). */
function isBase32(code: number): boolean {
  return (code >= 0x41 && code <= 0x5a) || (code >= 0x32 && code <= 0x37)
}

/**
 * Looks for what tells a key from words joined by hyphens, such as `sk-learn-pipeline-guide-2024`. Returns the place behind what is enough to know, `NO` or
 * `MORE`.
 */
function matchRandom(
  text: string,
  start: number,
  { min, kind }: { min: number; kind: 'random' | 'key' },
  isWhole: boolean,
): number {
  let runStart = start
  let hasDigit = false
  let hasUpper = false
  let hasLower = false
  let isKey = false
  let isOver = false
  let at = start
  for (; at - start < LOOKED_AT_MAX; at++) {
    const code = text.charCodeAt(at)
    if (!isKeyCharacter(code)) {
      isOver = true
      break
    }
    if (!isAlphanumeric(code)) {
      isKey ||= isRandomRun(text, runStart, at, true)
      runStart = at + 1
    } else {
      hasDigit ||= isDigit(code)
      hasUpper ||= code <= 0x5a && code >= 0x41
      hasLower ||= code >= 0x61
      isKey ||= isRandomRun(text, runStart, at + 1, false)
    }
    isKey ||= kind === 'key' && at - start < EARLY && (hasDigit || (hasUpper && hasLower))
    if (isKey && at + 1 - start >= min) return at + 1
  }
  // A run that ends with the text is whole only if nothing follows.
  const mayGoOn = isOver && at >= text.length && !isWhole
  if (mayGoOn) return MORE
  return at - start >= min && isRandomRun(text, runStart, at, true) ? at : NO
}

/** Whether letters and digits without a separator look random. `isEnded`: the run is complete. Longer runs are never told otherwise than their beginnings. */
function isRandomRun(text: string, from: number, to: number, isEnded: boolean): boolean {
  const length = to - from
  if (length < MIXED_MIN) return false
  let digits = 0
  let isDigitFirst = false
  for (let at = from; at < to; at++) {
    if (isDigit(text.charCodeAt(at))) digits++
    else isDigitFirst ||= digits > 0
  }
  if (digits > 0) return isDigitFirst || digits >= DIGITS_MIN
  if (length < LETTERS_MIN || (!isEnded && length < LETTERS_MAX)) return false
  return length >= LETTERS_MAX || !isCamelCase(text.slice(from, to))
}

/** Words that are joined without a separator, such as `createStreamingResponse`. */
function isCamelCase(text: string): boolean {
  return /^[A-Z]?[a-z]{2,}(?:[A-Z][a-z]{2,})+$/.test(text)
}

function isPrefixOfPrefix(start: string): boolean {
  return shapes.some(({ prefix }) => prefix.startsWith(start))
}

function matchJwt(text: string, at: number, isWhole: boolean): number {
  if (!text.startsWith(JWT_START, at))
    return !isWhole && text.length - at < JWT_START.length && JWT_START.startsWith(text.slice(at)) ? MORE : NO
  let end = at
  while (end - at <= JWT_HEADER_MAX && isKeyCharacter(text.charCodeAt(end))) end++
  if (end - at > JWT_HEADER_MAX) return NO
  if (end >= text.length) return isWhole ? NO : MORE
  if (end - at < 12 || text.charCodeAt(end) !== 0x2e) return NO
  if (text.length < end + 1 + JWT_START.length && !isWhole) return JWT_START.startsWith(text.slice(end + 1)) ? MORE : NO
  if (!text.startsWith(JWT_START, end + 1)) return NO
  const payload = end + 1
  end = payload
  while (end - payload < JWT_PAYLOAD_MAX && isKeyCharacter(text.charCodeAt(end))) end++
  if (end - payload === JWT_PAYLOAD_MAX) return end - at
  if (end >= text.length && !isWhole) return MORE
  // The signature is taken by `rest`; what comes before it is enough to know.
  return text.charCodeAt(end) === 0x2e ? end + 1 - at : end - at
}

function matchPem(text: string, at: number, isWhole: boolean): number {
  // Hyphens in prose: the next character settles it.
  if (at + 5 < text.length && text.charCodeAt(at + 5) !== 0x42) return NO
  PEM_BEGIN.lastIndex = at
  const begin = PEM_BEGIN.exec(text)?.[0]
  if (begin === undefined) {
    const start = text.slice(at, at + PEM_BEGIN_MAX)
    const mayBegin =
      '-----BEGIN '.startsWith(start.slice(0, 11)) && /^-{1,5}(?:BEGIN[A-Z0-9 ]*-{0,5})?|^-----B/.test(start)
    return mayBegin && text.length - at < PEM_BEGIN_MAX && !isWhole ? MORE : NO
  }
  const body = at + begin.length
  const limit = Math.min(text.length, at + PEM_MAX)
  const end = PEM_END.exec(text.slice(body, limit))
  if (end !== null) return body + end.index + end[0].length - at
  if (text.length < at + PEM_MAX && !isWhole) return MORE
  let stop = body
  while (stop < limit && isPemCharacter(text.charCodeAt(stop))) stop++
  return stop - at
}

/** Base64, line ends and the headers of encrypted keys. */
function isPemCharacter(code: number): boolean {
  return (
    isLetter(code) || isDigit(code) || (code > 0x2a && code < 0x40) || code === 0x20 || code === 0x0a || code === 0x0d
  )
}
