import { HYPHEN, isAlphanumeric, isDigit, isLetter, isNumberSpace } from './characters.ts'
import { passesLuhn } from './digit-run.ts'
import { MORE, type Matcher, NO } from './matcher.ts'

/** A French number has six; more of them are a list of numbers. */
const SEPARATORS_MAX = 6

/** One country's number. */
interface NationalId {
  readonly summary: string
  /** Character by character, without separators: `d` is a digit, `L` a letter, `A` either. */
  readonly shape: string
  /** What the shape leaves open, over upper case without separators. */
  readonly pattern?: RegExp
  /** Whether the number is only recognised with its usual separators: without them it is any number of that length. */
  readonly written?: RegExp
  readonly isValid: (compact: string) => boolean
}

/** The numbers that `national_ids` may name. */
export const nationalIds: Readonly<Record<string, NationalId>> = Object.freeze({
  br_cpf: { summary: 'Brazil, CPF', shape: 'ddddddddddd', isValid: isCpf },
  ch_ahv: { summary: 'Switzerland, AHV/AVS', shape: 'ddddddddddddd', pattern: /^756\d{10}$/, isValid: isEan13 },
  de_tax: { summary: 'Germany, Steuer-ID', shape: 'ddddddddddd', pattern: /^[1-9]\d{10}$/, isValid: isGermanTaxId },
  es_dni: { summary: 'Spain, DNI and NIE', shape: 'AdddddddL', pattern: /^[0-9XYZ]\d{7}[A-Z]$/, isValid: isDni },
  fr_nir: { summary: 'France, NIR', shape: 'dddddAddddddddd', pattern: /^[12]\d{4}[0-9][0-9AB]\d{8}$/, isValid: isNir },
  gb_nino: {
    summary: 'United Kingdom, National Insurance number',
    pattern: /^(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\d{6}[A-D]$/,
    shape: 'LLddddddL',
    isValid: () => true,
  },
  in_aadhaar: { summary: 'India, Aadhaar', shape: 'dddddddddddd', pattern: /^[2-9]\d{11}$/, isValid: passesVerhoeff },
  it_cf: {
    summary: 'Italy, codice fiscale',
    pattern: /^[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]$/,
    shape: 'LLLLLLddLddLdddL',
    isValid: isCodiceFiscale,
  },
  nl_bsn: { summary: 'Netherlands, BSN', shape: 'ddddddddd', isValid: isBsn },
  pl_pesel: { summary: 'Poland, PESEL', shape: 'ddddddddddd', isValid: isPesel },
  se_pnr: {
    summary: 'Sweden, personnummer',
    pattern: /^\d{2}(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01]|[67]\d|8\d|9[01])\d{4}$/,
    shape: 'dddddddddd',
    written: /^\d{6}[-+]?\d{4}$/,
    isValid: passesLuhn,
  },
  us_ssn: {
    summary: 'United States, Social Security number, with separators',
    pattern: /^(?!000|666|9)\d{3}(?!00)\d{2}(?!0000)\d{4}$/,
    shape: 'ddddddddd',
    written: /^\d{3}[- ]\d{2}[- ]\d{4}$/,
    isValid: () => true,
  },
})

/** Finds the numbers of some countries; `names` are keys of `nationalIds`. At one place the first of them wins. */
export function nationalIdsMatcher(names: readonly string[]): Matcher {
  const ids = names.map((name) => {
    const id = nationalIds[name]
    if (id === undefined) throw new RangeError(`There is no national id "${name}".`)
    return id
  })
  const shapes = shapeTable(ids.map(({ shape }) => shape))
  return Object.freeze({
    name: 'national id',
    replacement: '[id]',
    begins: (code: number) => ((isDigit(code) ? shapes.digit[0] : isLetter(code) ? shapes.letter[0] : 0) ?? 0) !== 0,
    beginsBeyondAscii: false,
    insideWords: false,
    rest: null,
    match(text: string, at: number, isWhole: boolean): number {
      if (isJoined(text.charCodeAt(at - 1)) && isAlphanumeric(text.charCodeAt(at - 2))) return NO
      let alive = shapes.all
      let compact = ''
      let separators = 0
      let count = 0
      let end = at
      let best = ids.length
      let bestEnd = at
      for (;;) {
        const code = text.charCodeAt(end)
        if (isDigit(code)) alive &= shapes.digit[count] ?? 0
        else if (isLetter(code)) alive &= shapes.letter[count] ?? 0
        else if (end >= text.length) {
          if (isWhole) break
          return MORE
        } else if (count > 0 && isSeparator(code) && isAlphanumeric(text.charCodeAt(end - 1))) {
          if (++separators > SEPARATORS_MAX) break
          end++
          continue
        } else break
        if (alive === 0) break
        compact += text[end]
        end++
        count++
        const complete = alive & (shapes.complete[count] ?? 0)
        if (complete === 0) continue
        const found = firstValid(ids, complete, compact.toUpperCase(), text.slice(at, end))
        if (found !== -1) {
          if (end >= text.length && !isWhole) return MORE
          if (found < best && !isAlphanumeric(text.charCodeAt(end))) {
            best = found
            bestEnd = end
          }
        }
        alive &= ~complete
        if (alive === 0) break
      }
      return best === ids.length ? NO : bestEnd - at
    },
  })
}

/** Which shapes, as bits, have a digit or a letter at each place, and which end behind it. */
function shapeTable(shapes: readonly string[]): {
  all: number
  digit: readonly number[]
  letter: readonly number[]
  complete: readonly number[]
} {
  const longest = Math.max(0, ...shapes.map(({ length }) => length))
  const bits = (fits: (shape: string) => boolean): number =>
    shapes.reduce((sum, shape, index) => (fits(shape) ? sum | (1 << index) : sum), 0)
  const places = Array.from({ length: longest }, (_, place) => place)
  return {
    all: bits(() => true),
    digit: places.map((place) => bits((shape) => shape[place] === 'd' || shape[place] === 'A')),
    letter: places.map((place) => bits((shape) => shape[place] === 'L' || shape[place] === 'A')),
    complete: [0, ...places.map((place) => bits((shape) => shape.length === place + 1))],
  }
}

function firstValid(ids: readonly NationalId[], complete: number, compact: string, written: string): number {
  return ids.findIndex(
    ({ pattern, written: form, isValid }, index) =>
      (complete & (1 << index)) !== 0 &&
      pattern?.test(compact) !== false &&
      form?.test(written) !== false &&
      isValid(compact),
  )
}

function isSeparator(code: number): boolean {
  return code === HYPHEN || code === 0x2e || code === 0x2b || isNumberSpace(code)
}

/** A number that goes on over a hyphen or point began before. */
function isJoined(code: number): boolean {
  return code === HYPHEN || code === 0x2e
}

function digitsOf(compact: string): number[] {
  return Array.from(compact, Number)
}

function weighted(digits: readonly number[], weights: readonly number[]): number {
  return weights.reduce((sum, weight, index) => sum + weight * (digits[index] ?? 0), 0)
}

function isRepeated(compact: string): boolean {
  return /^(\d)\1*$/.test(compact)
}

function isCpf(compact: string): boolean {
  const digits = digitsOf(compact)
  const check = (count: number): number => {
    const sum = weighted(
      digits,
      Array.from({ length: count }, (_, index) => count + 1 - index),
    )
    return ((sum * 10) % 11) % 10
  }
  return !isRepeated(compact) && check(9) === digits[9] && check(10) === digits[10]
}

function isEan13(compact: string): boolean {
  return weighted(digitsOf(compact), [1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]) % 10 === 0
}

/** ISO 7064, MOD 11,10. */
function isGermanTaxId(compact: string): boolean {
  let product = 10
  for (const digit of digitsOf(compact.slice(0, 10))) {
    const sum = (digit + product) % 10 || 10
    product = (sum * 2) % 11
  }
  const digits = new Set(compact.slice(0, 10)).size
  // Of the first ten digits one or two occur more than once.
  return (11 - product) % 10 === Number(compact[10]) && (digits === 8 || digits === 9)
}

function isDni(compact: string): boolean {
  const number = Number(compact.slice(0, 8).replace(/^[XYZ]/, (letter) => String('XYZ'.indexOf(letter))))
  return 'TRWAGMYFPDXBNJZSQVHLCKE'[number % 23] === compact[8]
}

function isNir(compact: string): boolean {
  const number = Number(compact.slice(0, 13).replace('2A', '19').replace('2B', '18'))
  return 97 - (number % 97) === Number(compact.slice(13))
}

function isBsn(compact: string): boolean {
  return !isRepeated(compact) && weighted(digitsOf(compact), [9, 8, 7, 6, 5, 4, 3, 2, -1]) % 11 === 0
}

function isPesel(compact: string): boolean {
  return !isRepeated(compact) && weighted(digitsOf(compact), [1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]) % 10 === 0
}

const ODD_VALUES = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23]

function isCodiceFiscale(compact: string): boolean {
  let sum = 0
  for (let i = 0; i < 15; i++) {
    const character = compact[i] as string
    const value = isDigit(character.charCodeAt(0)) ? Number(character) : character.charCodeAt(0) - 0x41
    sum += i % 2 === 0 ? (ODD_VALUES[value] as number) : value
  }
  return String.fromCharCode(0x41 + (sum % 26)) === compact[15]
}

const VERHOEFF_PRODUCT = [
  '0123456789',
  '1234067895',
  '2340178956',
  '3401289567',
  '4012395678',
  '5987604321',
  '6598710432',
  '7659821043',
  '8765932104',
  '9876543210',
]
const VERHOEFF_SHIFT = [
  '0123456789',
  '1576283094',
  '5803796142',
  '8916043527',
  '9453126870',
  '4286573901',
  '2793806415',
  '7046913258',
]

function passesVerhoeff(compact: string): boolean {
  let check = 0
  Array.from(compact)
    .toReversed()
    .forEach((digit, index) => {
      const shifted = Number((VERHOEFF_SHIFT[index % 8] as string)[Number(digit)])
      check = Number((VERHOEFF_PRODUCT[check] as string)[shifted])
    })
  return check === 0
}
