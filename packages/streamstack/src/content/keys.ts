import { isAlphanumeric, isDigit, isLetter } from './characters.ts'
import { MORE, type Matcher, NO } from './matcher.ts'

interface KeyShape {
  readonly prefix: string
  /** How many characters of the key's alphabet follow at least. */
  readonly min: number
}

/** Prefixes that services give to their secrets, as their documentation says. A longer one stands before a shorter one of the same beginning. */
const shapes: readonly KeyShape[] = [
  ...['sk-', 'sk_live_', 'sk_test_', 'rk_live_', 'rk_test_', 'whsec_'].map(shape(16)),
  ...['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_', 'github_pat_', 'glpat-'].map(shape(20)),
  ...['xoxb-', 'xoxp-', 'xoxa-', 'xoxr-', 'xoxs-', 'xapp-'].map(shape(10)),
  ...['AKIA', 'ASIA'].map(shape(16)),
  ...['AIza', 'ya29.', 'GOCSPX-'].map(shape(20)),
  ...[
    'npm_',
    'pypi-',
    'hf_',
    'r8_',
    'gsk_',
    'xai-',
    'pplx-',
    'dop_v1_',
    'shpat_',
    'shpss_',
    'lin_api_',
    'ntn_',
    'SG.',
  ].map(shape(20)),
]

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

function shape(min: number): (prefix: string) => KeyShape {
  return (prefix) => ({ prefix, min })
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
    for (const { prefix, min } of byFirst[first] ?? []) {
      if (second !== prefix.charCodeAt(1) || !text.startsWith(prefix, at)) continue
      const start = at + prefix.length
      const needed = start + min
      let end = start
      while (end < needed && isKeyCharacter(text.charCodeAt(end))) end++
      // Words joined by hyphens have no digit: `sk-learn-pipeline-documentation`.
      if (end === needed) return hasDigit(text, start, end) ? end - at : matchLate(text, at, end, isWhole)
      return end >= text.length && !isWhole ? MORE : NO
    }
    return text.length - at < PREFIX_MAX && !isWhole && isPrefixOfPrefix(text.slice(at)) ? MORE : NO
  },
}

function isKeyCharacter(code: number): boolean {
  return isAlphanumeric(code) || code === 0x2d || code === 0x5f
}

/** The first characters hold no digit: the next sixteen decide. */
function matchLate(text: string, at: number, from: number, isWhole: boolean): number {
  for (let end = from; end < from + 16; end++) {
    const code = text.charCodeAt(end)
    if (isDigit(code)) return end + 1 - at
    if (!isKeyCharacter(code)) return end >= text.length && !isWhole ? MORE : NO
  }
  return NO
}

function hasDigit(text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (isDigit(text.charCodeAt(i))) return true
  return false
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
