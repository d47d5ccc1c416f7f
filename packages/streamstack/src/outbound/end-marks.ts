import type { Value } from '@streamstack/protocol'

/** A mark by which a streamed answer says that it is complete: the text of an item, or members that an item has. */
export type EndMark = string | { readonly [key: string]: Value }

/** The end marks of one answer. */
export class EndMarks {
  readonly #texts: ReadonlySet<string>
  readonly #members: readonly { readonly [key: string]: Value }[]

  constructor(marks: readonly EndMark[]) {
    this.#texts = new Set(marks.filter((mark) => typeof mark === 'string').map((text) => text.trim()))
    this.#members = marks.filter((mark) => typeof mark === 'object')
  }

  /** Whether a text, before anything is parsed, is a mark. Such a mark is no item. */
  isText(text: string): boolean {
    return this.#texts.has(text.trim())
  }

  /** Whether an item has all members of a mark. Such an item is the last one. */
  isItem(item: Value): boolean {
    return this.#members.some((members) => holds(item, members))
  }
}

/** Whether a value holds a pattern: of objects the members that the pattern has, of lists the items that it has, else the same value. */
function holds(value: Value, pattern: Value): boolean {
  if (typeof pattern !== 'object' || pattern === null) return value === pattern
  if (typeof value !== 'object' || value === null || Array.isArray(value) !== Array.isArray(pattern)) return false
  const own = value as { readonly [key: string]: Value }
  return Object.entries(pattern).every(([key, part]) => Object.hasOwn(own, key) && holds(own[key] ?? null, part))
}
