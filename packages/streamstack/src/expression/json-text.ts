import { StreamstackError, type Value } from '@streamstack/protocol'
import { noteWork } from './work.ts'

/** The longest text that a run makes of one value, for whatever leaves it: a chunk, metadata, a request. Making a longer one would hold up everything else. */
const JSON_CHARACTERS_MAX = 32 * 1024 * 1024

/** What is walked, and what is written, in a step of work. */
const NODES_PER_STEP = 4
const CHARACTERS_PER_STEP = 16

const NODES_MAX = 2_000_000
const DEPTH_MAX = 500

/**
 * The one serialiser of values that leave a run: JSON as JSON.stringify writes it (NaN and the infinities as null). A value that holds the same list or
 * object many times over is small in memory and endless as text, so a cheap walk goes before the writing.
 * @throws StreamstackError `limit_exceeded` when the text would be longer than `charactersMax` UTF-16 units, or the value
 * has more than 2,000,000 nodes (values and names counted as often as they are reached) or more than 500 levels.
 */
export function jsonText(value: Value, charactersMax = JSON_CHARACTERS_MAX): string {
  // Most of what is sent is text.
  if (typeof value !== 'string') countIn(value, charactersMax)
  else if (value.length + 2 > charactersMax) throw tooLong(charactersMax)
  const text = JSON.stringify(value)
  noteWork(text.length / CHARACTERS_PER_STEP)
  // The walk counts neither escapes nor the digits of numbers.
  if (text.length > charactersMax) throw tooLong(charactersMax)
  return text
}

/** JSON that was put together from parts, unless it is too long for what leaves a run. Throws StreamstackError `limit_exceeded`. */
export function notTooLong(text: string): string {
  if (text.length > JSON_CHARACTERS_MAX) throw tooLong(JSON_CHARACTERS_MAX)
  return text
}

/** Throws `limit_exceeded` for what is too large. The walk is work even then. */
function countIn(value: Value, charactersMax: number): void {
  const count = new Count(charactersMax)
  try {
    count.add(value, 0)
  } finally {
    noteWork(count.nodes / NODES_PER_STEP)
  }
}

/** The fewest characters that the values walked so far can take. */
class Count {
  readonly #charactersMax: number
  #characters = 0
  nodes = 0

  constructor(charactersMax: number) {
    this.#charactersMax = charactersMax
  }

  add(value: Value, depth: number): void {
    this.nodes += 1
    if (this.nodes > NODES_MAX) {
      throw new StreamstackError(
        'limit_exceeded',
        `The value as JSON would have more than ${NODES_MAX.toLocaleString('en')} values and names; send it in several chunks.`,
      )
    }
    if (typeof value === 'string') this.#characters += value.length + 2
    else if (typeof value !== 'object') this.#characters += 1
    else if (value === null) this.#characters += 4
    else this.#addInner(value, depth)
    if (this.#characters > this.#charactersMax) throw tooLong(this.#charactersMax)
  }

  #addInner(value: readonly Value[] | { readonly [key: string]: Value }, depth: number): void {
    if (depth >= DEPTH_MAX) {
      throw new StreamstackError(
        'limit_exceeded',
        `Lists and objects stand more than ${DEPTH_MAX} levels deep in one another; send a flatter value.`,
      )
    }
    // Its brackets, less the comma that its first part does not have.
    this.#characters += 1
    if (isList(value)) {
      for (const item of value) {
        this.#characters += 1
        this.add(item, depth + 1)
      }
      return
    }
    for (const key of Object.keys(value)) {
      this.nodes += 1
      this.#characters += key.length + 4
      this.add(value[key] ?? null, depth + 1)
    }
  }
}

// Array.isArray alone does not tell a readonly list from an object.
function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value)
}

function tooLong(charactersMax: number): StreamstackError {
  return new StreamstackError(
    'limit_exceeded',
    `The value as JSON would be longer than ${charactersMax.toLocaleString('en')} characters; send it in several chunks.`,
  )
}
