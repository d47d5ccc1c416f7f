import { card } from './card.ts'
import { email } from './email.ts'
import { iban } from './iban.ts'
import { key } from './keys.ts'
import { inPlainForm } from './in-plain-form.ts'
import type { Matcher } from './matcher.ts'
import { nationalIdsMatcher } from './national-ids.ts'
import { phone } from './phone.ts'
import { type Replacement, TextReplacer, replaceText } from './replace-text.ts'
import { rewriteJson } from './rewrite-json.ts'
import { type Scanner, newScanner, scan } from './scan.ts'

/** What `kinds` may name, in the order in which they are tried at one place. */
export const REDACT_KINDS = {
  key: inPlainForm(key),
  iban: inPlainForm(iban),
  card: inPlainForm(card),
  email: inPlainForm(email),
  phone: inPlainForm(phone),
} as const satisfies Readonly<Record<string, Matcher>>

export type RedactKind = keyof typeof REDACT_KINDS

export interface RedactOptions {
  readonly kinds: readonly RedactKind[]
  /** Keys of `nationalIds`. */
  readonly nationalIds: readonly string[]
  /** Names of fields whose values go, whatever they are; upper and lower case alike. */
  readonly fields: readonly string[]
  /** What else is looked for. */
  readonly matchers: readonly Matcher[]
  /** Stands in the place of each match; null: the name of the kind, as `[email]`. */
  readonly replacement: string | null
}

/** Takes personal data and secrets out of texts and JSON. */
export interface Redactor {
  readonly replacer: TextReplacer
  /** The text, redacted; the same string when there is nothing to redact. */
  text(value: string): string
  /** JSON text with its strings, numbers and fields redacted; the same string when there is nothing to redact. */
  json(json: string): string
}

const FIELD_REPLACEMENT = '[redacted]'

/** `onFound` hears each match; it may throw. */
export function newRedactor(options: RedactOptions, onFound?: (matcher: Matcher) => void): Redactor {
  const kinds = (Object.keys(REDACT_KINDS) as RedactKind[]).filter((kind) => options.kinds.includes(kind))
  const ids = options.nationalIds.length === 0 ? [] : [inPlainForm(nationalIdsMatcher(options.nationalIds))]
  const scanner = newScanner([...ids, ...kinds.map((kind) => REDACT_KINDS[kind]), ...options.matchers])
  // A number in JSON has no plus and no leading zero: as a phone number it would be a guess.
  const numbers = newScanner([...ids, ...(kinds.includes('card') ? [card] : []), ...options.matchers])
  const replacement: Replacement = ({ replacement: own }) => options.replacement ?? own
  const fieldReplacement = options.replacement ?? FIELD_REPLACEMENT
  const fields = new Set(options.fields.map((name) => name.toLowerCase()))
  const text = (value: string): string => replaceText(scanner, value, replacement, onFound)
  return Object.freeze({
    replacer: new TextReplacer(scanner, replacement, onFound),
    text,
    json(json: string): string {
      if (fields.size === 0 && !json.includes('\\') && !hasMatch(scanner, json)) return json
      return rewriteJson(json, {
        text,
        number(written) {
          // Fractions and exponents are measurements.
          const made = /^\d+$/.test(written) ? replaceText(numbers, written, replacement, onFound) : written
          return made === written ? null : made
        },
        field: (name) => (fields.size > 0 && fields.has(name.toLowerCase()) ? fieldReplacement : null),
      })
    },
  })
}

/** Without escapes, JSON text has all matches that its strings and numbers have: quotes and commas are borders like any other. */
function hasMatch(scanner: Scanner, json: string): boolean {
  const found: { start: number; end: number; by: number }[] = []
  scan(scanner, json, 0, true, -1, found)
  return found.length > 0
}
