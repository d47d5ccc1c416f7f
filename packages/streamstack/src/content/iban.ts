import { HYPHEN, isAlphanumeric, isDigit, isLetter, isNumberSpace } from './characters.ts'
import { MORE, type Matcher, NO } from './matcher.ts'

/** Length by country, from the IBAN registry of SWIFT (ISO 13616). */
const lengths: ReadonlyMap<string, number> = new Map(
  (
    'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 ' +
    'FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 ' +
    'LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 ' +
    'SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30'
  )
    .split(' ')
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
)

/** International bank account numbers, with or without spaces; the length of the country and the check of ISO 7064 (mod 97) must hold. */
export const iban: Matcher = {
  name: 'iban',
  replacement: '[iban]',
  begins: isLetter,
  beginsBeyondAscii: false,
  insideWords: false,
  rest: null,
  match(text, at, isWhole) {
    // Two letters, two digits: words end here.
    if (at + 2 < text.length && !(isLetter(text.charCodeAt(at + 1)) && isDigit(text.charCodeAt(at + 2)))) return NO
    let compact = ''
    let end = at
    let length = 34
    for (; compact.length < length; end++) {
      const code = text.charCodeAt(end)
      if (isAlphanumeric(code)) {
        if (compact.length < 2 ? !isLetter(code) : compact.length < 4 && !isDigit(code)) return NO
        compact += text[end]
        if (compact.length === 2) {
          const known = lengths.get(compact.toUpperCase())
          if (known === undefined) return NO
          length = known
        }
      } else if (end >= text.length) return isWhole ? NO : MORE
      else if (
        compact.length < 4 ||
        !(isNumberSpace(code) || code === HYPHEN) ||
        !isAlphanumeric(text.charCodeAt(end - 1))
      )
        return NO
    }
    if (end >= text.length && !isWhole) return MORE
    if (isAlphanumeric(text.charCodeAt(end))) return NO
    return remainder97(compact.toUpperCase()) === 1 ? end - at : NO
  },
}

/** The number modulo 97, after the first four characters went to the end and letters became numbers (A: 10). */
function remainder97(compact: string): number {
  let remainder = 0
  for (const character of compact.slice(4) + compact.slice(0, 4)) {
    const value = Number.parseInt(character, 36)
    remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97
  }
  return remainder
}
