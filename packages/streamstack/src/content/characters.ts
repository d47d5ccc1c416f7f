const DIGIT = 1
const LETTER = 2
/** `.`, `_`, `%`, `+`, `-`: what a mailbox name may have beside letters and digits. */
const MAILBOX = 4

const classes = new Uint8Array(128)
for (let code = 0; code < 128; code++) {
  const character = String.fromCharCode(code)
  if (/\d/.test(character)) classes[code] = DIGIT
  else if (/[A-Za-z]/.test(character)) classes[code] = LETTER
  else if (/[._%+-]/.test(character)) classes[code] = MAILBOX
}

function has(code: number, bits: number): boolean {
  return code < 128 && ((classes[code] as number) & bits) !== 0
}

/** `NaN`, which stands for "no character", is in no class. */
export const isDigit = (code: number): boolean => has(code, DIGIT)
export const isLetter = (code: number): boolean => has(code, LETTER)
export const isAlphanumeric = (code: number): boolean => has(code, DIGIT | LETTER)
export const isMailbox = (code: number): boolean => has(code, DIGIT | LETTER | MAILBOX) || isLatinBeyondAscii(code)

/** Letters of European languages, U+00C0 to U+024F. Scripts without spaces stay out: there a name has no visible border. */
export function isLatinBeyondAscii(code: number): boolean {
  return code >= 0xc0 && code <= 0x24f && code !== 0xd7 && code !== 0xf7
}

/** A space as people write it inside numbers: plain, no-break, narrow no-break. */
export function isNumberSpace(code: number): boolean {
  return code === 0x20 || code === 0xa0 || code === 0x202f
}

export const HYPHEN = 0x2d
