import { isDigit } from './characters.ts'
import { type DigitRun, digitRun, endsAfter, isHyphenOrSpace, passesLuhn } from './digit-run.ts'
import { MORE, type Matcher, NO } from './matcher.ts'

const DIGITS_MIN = 13
const DIGITS_MAX = 19

/** Number of digits by the issuer's first ones (ISO/IEC 7812): Visa, Mastercard, American Express, Discover, Diners, JCB, UnionPay, Maestro. */
const ISSUERS: readonly (readonly [RegExp, readonly number[]])[] = [
  [/^4/, [13, 16, 19]],
  [/^(?:5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, [16]],
  [/^3[47]/, [15]],
  [/^(?:6011|65|64[4-9])/, [16, 19]],
  [/^3(?:0[0-5]|[689])/, [14, 16, 19]],
  [/^35(?:2[89]|[3-8])/, [16, 17, 18, 19]],
  [/^62/, [16, 17, 18, 19]],
  [/^(?:50|5[6-8]|6)/, [16, 18, 19]],
]

/** Numbers of payment cards, in one piece or in groups of at least four digits; Luhn's check must hold. */
export const card: Matcher = {
  name: 'card',
  replacement: '[card]',
  begins: (code) => code >= 0x32 && code <= 0x36,
  beginsBeyondAscii: false,
  insideWords: false,
  rest: null,
  match(text, at, isWhole) {
    if (at + 3 < text.length && !isDigit(text.charCodeAt(at + 3))) return NO
    if (text[at - 1] === '.' && isDigit(text.charCodeAt(at - 2))) return NO
    const run = digitRun(text, at, DIGITS_MAX, isHyphenOrSpace, isWhole)
    if (run.isOpen && canBecomeCard(run)) return MORE
    for (let count = Math.min(run.digits.length, DIGITS_MAX); count >= DIGITS_MIN; count--) {
      if (endsAfter(run, count, text) && hasLongGroups(run, count) && isCard(run.digits.slice(0, count)))
        return (run.places[count - 1] as number) + 1 - at
    }
    return NO
  },
}

/** A first group of fewer than four digits, or a first digit of no issuer, settles it early. */
function canBecomeCard({ places, digits }: DigitRun): boolean {
  const firstGroup = places.findIndex((place, index) => index > 0 && place !== (places[index - 1] as number) + 1)
  return (firstGroup === -1 || firstGroup >= 4) && ISSUERS.some(([prefix]) => digits.length < 4 || prefix.test(digits))
}

function isCard(digits: string): boolean {
  return (
    ISSUERS.some(([prefix, lengths]) => lengths.includes(digits.length) && prefix.test(digits)) && passesLuhn(digits)
  )
}

/** Lists of small numbers are no card: every group but the last has at least four digits. */
function hasLongGroups({ places }: DigitRun, count: number): boolean {
  let length = 1
  for (let i = 1; i < count; i++) {
    if (places[i] === (places[i - 1] as number) + 1) length++
    else if (length < 4) return false
    else length = 1
  }
  return true
}
