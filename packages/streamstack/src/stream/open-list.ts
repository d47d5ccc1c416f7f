/**
 * What is open at a time, in the order in which it came: for what comes and goes with each call, in place of a Set. After some changes a Set
 * or a Map makes a new table, to which V8 has the old one refer. Once a first table has grown old, each later one is kept, with what stood
 * in it, until the next full collection; so most of what calls had made outlived them by seconds or minutes.
 * docs/decisions/2026-11-23-what-collections-keep.md has the figures.
 */
export class OpenList<T> {
  #first: OpenEntry<T> | null = null
  #last: OpenEntry<T> | null = null
  #size = 0

  get size(): number {
    return this.#size
  }

  /** The oldest one. */
  get first(): OpenEntry<T> | null {
    return this.#first
  }

  /** As it is now, the oldest first. */
  entries(): OpenEntry<T>[] {
    const entries: OpenEntry<T>[] = []
    for (let entry = this.#first; entry !== null; entry = entry.next) entries.push(entry)
    return entries
  }

  /** As they are now, the oldest first. */
  members(): T[] {
    return this.entries().map(({ member }) => member)
  }

  /** Adds a member behind the others. */
  add(member: T): OpenEntry<T> {
    const entry = new OpenEntry(this, member)
    entry.before = this.#last
    if (this.#last === null) this.#first = entry
    else this.#last.next = entry
    this.#last = entry
    this.#size++
    return entry
  }

  /** For entries alone. */
  unlink({ before, next }: OpenEntry<T>): void {
    if (before === null) this.#first = next
    else before.next = next
    if (next === null) this.#last = before
    else next.before = before
    this.#size--
  }
}

/** The place of a member in a list; the neighbours are for the list alone. */
export class OpenEntry<T> {
  readonly member: T
  before: OpenEntry<T> | null = null
  next: OpenEntry<T> | null = null
  #list: OpenList<T> | null

  constructor(list: OpenList<T>, member: T) {
    this.#list = list
    this.member = member
  }

  get isIn(): boolean {
    return this.#list !== null
  }

  /** Takes the member out; nothing happens when it is out. */
  remove(): void {
    this.#list?.unlink(this)
    this.#list = null
    // An entry that has grown old must not keep those beside it.
    this.before = null
    this.next = null
  }
}
