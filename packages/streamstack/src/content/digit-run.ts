import { HYPHEN, isDigit, isNumberSpace } from './characters.ts'

/** Digits with single separators between them, from a place on. */
export interface DigitRun {
  readonly digits: string
  /** Where each digit stands in the text. */
  readonly places: readonly number[]
  /** Whether more of the run may still arrive. */
  readonly isOpen: boolean
}

export function isHyphenOrSpace(code: number): boolean {
  return code === HYPHEN || isNumberSpace(code)
}

/** Reads at most `max` digits and looks at the character after them. */
export function digitRun(
  text: string,
  at: number,
  max: number,
  isSeparator: (code: number) => boolean,
  isWhole: boolean,
): DigitRun {
  const places: number[] = []
  let digits = ''
  let end = at
  for (;;) {
    const code = text.charCodeAt(end)
    if (isDigit(code)) {
      if (places.length === max) break
      places.push(end)
      digits += text[end]
    } else if (!isSeparator(code) || (end > at && isSeparator(text.charCodeAt(end - 1)))) break
    end++
  }
  return { digits, places, isOpen: !isWhole && end >= text.length }
}

/** Whether a run may be cut after its digit number `count`: the next character is not a digit. */
export function endsAfter({ places }: DigitRun, count: number, text: string): boolean {
  return !isDigit(text.charCodeAt((places[count - 1] as number) + 1))
}

/** Luhn's check of ISO/IEC 7812-1, annex B. */
export function passesLuhn(digits: string): boolean {
  let sum = 0
  for (let i = 0; i < digits.length; i++) {
    const digit = digits.charCodeAt(digits.length - 1 - i) - 0x30
    sum += i % 2 === 0 ? digit : digit > 4 ? digit * 2 - 9 : digit * 2
  }
  return sum % 10 === 0
}
