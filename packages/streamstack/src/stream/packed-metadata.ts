import { textBytes } from './log.ts'
import { PackedRows } from './packed-rows.ts'

/** What the object and the headers of its texts cost. */
const OBJECT_BYTES = 96

/** What a text costs beside its characters: its header and a place in a list. */
const TEXT_BYTES = 32

/** The longest metadata whose length fits a UTF-16 unit. */
const LENGTH_MAX = 0xffff

/** With more numbers each it is no longer counters and times. */
const NUMBERS_MAX = 16

/** Whole numbers of so many digits are exact. */
const DIGITS_MAX = 15

const NUMBER = new RegExp(`(?:0|[1-9]\\d{0,${DIGITS_MAX - 1}})`, 'g')

/** Metadata up to this long leaves its parts for others. */
const PARTS_CHARACTERS_MAX = 256

/** Of the segment that was packed last: the next one of any stream mostly has the same, and shares it. */
let latestParts: readonly string[] = []

/** The metadata of the chunks of a packed segment. */
export interface PackedMetadata {
  /** Memory that it occupies, in bytes. */
  readonly bytes: number
  /** Those of all chunks as they were. */
  unpacked(): readonly (string | null)[]
}

/**
 * `isWell`: in as little memory as it can, which takes 0.14 µs each in the place of 0.03. Null: one is too long.
 */
export function packMetadata(metadata: readonly (string | null)[], isWell: boolean): PackedMetadata | null {
  return (isWell ? Counting.from(metadata) : null) ?? Joined.from(metadata)
}

/** Metadata that is the same for all chunks that have some but for the numbers in it, as steps have it that count and time what they send. */
class Counting implements PackedMetadata {
  readonly bytes: number
  /** Places of chunks without metadata, as UTF-16 units. */
  readonly #without: string
  /** What stands around the numbers. */
  readonly #parts: readonly string[]
  readonly #rows: PackedRows
  readonly #count: number

  /** Null: they differ in more than whole numbers. */
  static from(metadata: readonly (string | null)[]): Counting | null {
    const some = metadata.filter((one) => one !== null)
    const parts = partsOf(some[0] ?? '')
    const width = parts.length - 1
    if (width === 0 || width > NUMBERS_MAX) return null
    const numbers: number[] = []
    for (const text of some) if (!readNumbers(text, parts, numbers)) return null
    const rows = PackedRows.from(numbers, width)
    if (rows === null) return null
    const without = metadata.flatMap((one, index) => (one === null ? index : []))
    return new Counting(parts, rows, String.fromCharCode(...without), metadata.length)
  }

  private constructor(parts: readonly string[], rows: PackedRows, without: string, count: number) {
    this.#parts = parts
    this.#rows = rows
    this.#without = without
    this.#count = count
    const partBytes = parts.reduce((sum, part) => sum + TEXT_BYTES + textBytes(part), 0)
    this.bytes = OBJECT_BYTES + rows.bytes + partBytes + textBytes(without)
  }

  unpacked(): readonly (string | null)[] {
    const numbers = this.#rows.unpacked()
    const { width } = this.#rows
    let row = 0
    let without = 0
    return Array.from({ length: this.#count }, (_, index) => {
      if (this.#without.charCodeAt(without) === index) {
        without++
        return null
      }
      const pieces: (string | number)[] = []
      for (let place = 0; place < width; place++)
        pieces.push(this.#parts[place] as string, numbers[row * width + place] as number)
      pieces.push(this.#parts[width] as string)
      row++
      return pieces.join('')
    })
  }
}

/** What stands around the numbers of a text. */
function partsOf(text: string): readonly string[] {
  const parts = text.split(NUMBER)
  const isLatest = parts.length === latestParts.length && parts.every((part, place) => part === latestParts[place])
  if (isLatest) return latestParts
  // Long ones would be held after their streams.
  if (text.length <= PARTS_CHARACTERS_MAX) latestParts = parts
  return parts
}

/** Adds the numbers of a text whose other parts are these; false: they are not. */
function readNumbers(text: string, parts: readonly string[], numbers: number[]): boolean {
  const [first] = parts as [string]
  if (!text.startsWith(first)) return false
  let at = first.length
  for (let place = 1; place < parts.length; place++) {
    const from = at
    let number = 0
    for (let digit = digitAt(text, at); digit >= 0 && digit <= 9; digit = digitAt(text, ++at))
      number = number * 10 + digit
    // Only what is written again in the same way.
    const isWritten = at - from === 1 || (at > from && at - from <= DIGITS_MAX && digitAt(text, from) !== 0)
    const part = parts[place] as string
    if (!isWritten || !text.startsWith(part, at)) return false
    numbers.push(number)
    at += part.length
  }
  return at === text.length
}

/** NaN behind the end. */
function digitAt(text: string, at: number): number {
  return text.charCodeAt(at) - 48
}

/** Any metadata, one text after another, with a column of lengths. */
class Joined implements PackedMetadata {
  readonly bytes: number
  readonly #text: string
  readonly #lengths: string

  static from(metadata: readonly (string | null)[]): Joined | null {
    if (metadata.some((one) => one !== null && one.length > LENGTH_MAX)) return null
    const lengths = metadata.map((one) => one?.length ?? 0)
    return new Joined(metadata.map((one) => one ?? '').join(''), String.fromCharCode(...lengths))
  }

  private constructor(text: string, lengths: string) {
    this.#text = text
    this.#lengths = lengths
    this.bytes = OBJECT_BYTES + textBytes(text) + textBytes(lengths)
  }

  unpacked(): readonly (string | null)[] {
    let at = 0
    return Array.from({ length: this.#lengths.length }, (_, index) => {
      const from = at
      at += this.#lengths.charCodeAt(index)
      // Metadata is an object as JSON, and never empty.
      return at === from ? null : this.#text.slice(from, at)
    })
  }
}
