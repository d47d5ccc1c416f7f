import { wholeDigits } from '../../text/whole-number.ts'
import type { ColumnType } from '../column-type.ts'
import { timestampForm } from '../timestamp-text.ts'

/**
 * Finds the type of a column from all its values. A type is taken only if every text has a value of its own in it, so
 * that what tells two cells apart is never lost: `1.9` and `1.10`, `007` and `7`, `+45…` and `45…` stay text. The rules
 * look at one text at a time and keep no values, so memory does not grow with the file.
 */
export class ColumnGuess {
  #texts = new TextGuess()
  #numbers = new NumberGuess()
  #booleans = 0
  #documents = 0
  /** Texts that a number or a boolean of the same column could be mistaken for, once it is text as well. */
  #lookalikes = 0
  /** Empty cells without quotes, and with them: they are told apart only where both occur. */
  #empties = { bare: 0, quoted: 0 }
  present = 0

  /** A cell of delimited text. */
  addCell(text: string | null): void {
    if (text === null) {
      this.#empties.bare += 1
      return
    }
    if (text === '') {
      this.#empties.quoted += 1
      return
    }
    this.present += 1
    this.#texts.add(text)
  }

  /** A value of a JSON file, as its text. */
  addJson(raw: string): void {
    if (raw === 'null') return
    this.present += 1
    if (raw === 'true' || raw === 'false') this.#booleans += 1
    else if (raw.startsWith('"')) {
      const text: string = JSON.parse(raw)
      // A JSON text is a text, whatever it looks like; only times and UUIDs have no kind of their own in JSON.
      this.#texts.add(text, true)
      if (/^(?:true|false|-?\d.*)$/s.test(text)) this.#lookalikes += 1
    } else if (raw.startsWith('{') || raw.startsWith('[')) this.#documents += 1
    else this.#numbers.add(raw)
  }

  /** Text where nothing tells more. */
  type(): ColumnType {
    const booleans = this.#booleans
    const documents = this.#documents
    const numbers = this.#numbers
    const texts = this.#texts
    const kinds = [booleans, documents, numbers.count, texts.count].filter((count) => count > 0).length
    if (documents > 0) return 'json'
    if (kinds > 1) return texts.count > 0 && this.#lookalikes > 0 ? 'json' : 'text'
    if (booleans > 0) return 'boolean'
    if (numbers.count > 0) return numbers.jsonType()
    return this.#empties.bare > 0 && this.#empties.quoted > 0 ? 'text' : texts.type()
  }
}

const INT64_DIGITS = 19
const CANONICAL_INTEGER = /^(?:0|-?[1-9]\d*)$/
const CANONICAL_DECIMAL = /^-?(?:0|[1-9]\d*)(?:\.(\d+))?$/

function isInt64(digits: string): boolean {
  if (digits.length < INT64_DIGITS) return true
  return BigInt.asIntN(64, BigInt(digits)) === BigInt(digits)
}

/** Which types every text so far has a value of its own in. */
class TextGuess {
  count = 0
  #integer = true
  #decimals: DecimalGuess | null = new DecimalGuess()
  /** `true` and `false` in one spelling: true, True or TRUE. */
  #booleanCase: 'lower' | 'title' | 'upper' | null | undefined
  #timestamps: TimestampGuess | null = new TimestampGuess()
  #uuid = true

  add(text: string, isJsonText = false): void {
    this.count += 1
    if (isJsonText) {
      this.#integer = false
      this.#decimals = null
      this.#booleanCase = null
    }
    if (this.#integer && !(CANONICAL_INTEGER.test(text) && isInt64(text))) this.#integer = false
    if (this.#decimals?.add(text) === false) this.#decimals = null
    if (this.#booleanCase !== null) {
      const spelled = booleanSpelling(text)
      this.#booleanCase = this.#booleanCase === undefined || this.#booleanCase === spelled ? spelled : null
    }
    if (this.#timestamps?.add(text) === false) this.#timestamps = null
    if (this.#uuid && !/^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/.test(text)) this.#uuid = false
  }

  type(): ColumnType {
    if (this.count === 0) return 'text'
    if (this.#booleanCase !== null) return 'boolean'
    if (this.#integer) return 'integer'
    if (this.#decimals?.injective() === true) return 'number'
    if (this.#uuid) return 'uuid'
    return this.#timestamps?.injective() === true ? 'timestamp' : 'text'
  }
}

function booleanSpelling(text: string): 'lower' | 'title' | 'upper' | null {
  if (text === 'true' || text === 'false') return 'lower'
  if (text === 'True' || text === 'False') return 'title'
  return text === 'TRUE' || text === 'FALSE' ? 'upper' : null
}

/** Decimal texts: all with as many decimals as each other, as prices have, or none with a zero at its end. */
class DecimalGuess {
  #fractionLength: number | null | undefined
  #trailingZeros = false

  /** Whether the text is a plain decimal that a number holds exactly enough to be told from all others. */
  add(text: string): boolean {
    const found = CANONICAL_DECIMAL.exec(text)
    if (found === null || /^-0(?:\.0*)?$/.test(text)) return false
    const fraction = found[1] ?? ''
    // 15 significant digits have a number of their own; more do when they are the shortest spelling of theirs.
    const digits = text.replace(/^-?0?\.?0*/, '').replace('.', '').length
    if (digits > 15 && String(Number(text)) !== text) return false
    if (fraction.endsWith('0')) this.#trailingZeros = true
    this.#fractionLength =
      this.#fractionLength === undefined || this.#fractionLength === fraction.length ? fraction.length : null
    return true
  }

  injective(): boolean {
    return !this.#trailingZeros || (this.#fractionLength ?? null) !== null
  }
}

/** Times of one spelling; several precisions only where no text could have been written shorter. */
class TimestampGuess {
  #style: string | undefined
  #zone = ''
  readonly #precisions = new Set<string>()
  #shortens = false

  add(text: string): boolean {
    const form = timestampForm(text)
    if (form === null || form.cut) return false
    this.#precisions.add(form.precision)
    this.#shortens ||= form.shortens
    if (form.style === null) return true
    const style = `${form.style.sign}${form.style.zone}`
    this.#zone = form.style.zone.trim()
    this.#style ??= style
    return this.#style === style
  }

  injective(): boolean {
    if (this.#precisions.size < 2) return true
    // A date alone is its start in UTC.
    const datesFit = !this.#precisions.has('d') || ['', 'Z', 'z'].includes(this.#zone)
    return !this.#shortens && datesFit
  }
}

/** Numbers of a JSON file. */
class NumberGuess {
  count = 0
  #fractions = 0
  /** Whole numbers beyond ±(2^53 − 1), and those that 64 bits do not hold. */
  #wide = 0
  #beyond = 0

  add(raw: string): void {
    this.count += 1
    const value = Number(raw)
    const whole = /^-?\d+$/.test(raw)
    if (!whole) this.#fractions += 1
    if (wholeDigits(raw) !== null) this.#wide += 1
    if (!Number.isFinite(value) || (whole && !isInt64(raw))) this.#beyond += 1
  }

  /** Text where a number would lose digits: the original characters tell more. */
  jsonType(): ColumnType {
    if (this.#beyond > 0 || (this.#wide > 0 && this.#fractions > 0)) return 'text'
    return this.#fractions > 0 ? 'number' : 'integer'
  }
}
