import { textBytes } from './log.ts'

/** What the object, its text and its list cost beside what they hold. */
const OBJECT_BYTES = 112

/** How far a number may be from the one above it. */
const DIFFERENCE_MAX = 0x7f_ffff

/** Stands before three units of a difference that does not fit one. */
const LONG = 0xff

/**
 * Rows of whole numbers that change little from row to row, such as counters and times, as a text of the differences to the numbers above. Its UTF-16 units are
 * bytes, which V8 stores as one byte each.
 */
export class PackedRows {
  readonly width: number
  /** Memory that it occupies, in bytes. */
  readonly bytes: number
  readonly #first: readonly number[]
  readonly #differences: string

  /** `numbers`: the rows one after another. Null: they change too much, or are not whole. */
  static from(numbers: readonly number[], width: number): PackedRows | null {
    const units: number[] = []
    for (let index = 0; index < numbers.length; index++) {
      const number = numbers[index] as number
      // A difference has no room for the sign of -0.
      if (!Number.isSafeInteger(number) || Object.is(number, -0)) return null
      if (index < width) continue
      const difference = number - (numbers[index - width] as number)
      if (Math.abs(difference) > DIFFERENCE_MAX) return null
      // Small ones of both signs are small.
      const unsigned = difference < 0 ? -2 * difference - 1 : 2 * difference
      if (unsigned < LONG) units.push(unsigned)
      else units.push(LONG, unsigned & 0xff, (unsigned >> 8) & 0xff, unsigned >> 16)
    }
    return new PackedRows(numbers.slice(0, width), String.fromCharCode(...units))
  }

  private constructor(first: readonly number[], differences: string) {
    this.width = first.length
    this.#first = first
    this.#differences = differences
    this.bytes = OBJECT_BYTES + 8 * first.length + textBytes(differences)
  }

  /** The numbers as they were. */
  unpacked(): number[] {
    const numbers = this.#first.slice()
    const { length } = this.#differences
    for (let at = 0, index = 0; at < length; at++, index++) {
      let unsigned = this.#unit(at)
      if (unsigned === LONG) {
        unsigned = this.#unit(at + 1) | (this.#unit(at + 2) << 8) | (this.#unit(at + 3) << 16)
        at += 3
      }
      const difference = unsigned % 2 === 1 ? -(unsigned + 1) / 2 : unsigned / 2
      numbers.push((numbers[index] as number) + difference)
    }
    return numbers
  }

  #unit(at: number): number {
    return this.#differences.charCodeAt(at)
  }
}
