import { pick, pickNumber, valueText } from '../base/pick.ts'

/** Bars that are shown; the smaller ones are together under one name. */
const BARS_MAX = 8
/** Names that are counted; more are together as well. */
const NAMES_MAX = 200

export interface Bar {
  readonly name: string
  readonly value: number
}

/** Paths of the bars of a chart in a value. */
export interface BarPaths {
  /** Path of a list of entries, or of an object whose names are those of the bars; '' with `countBy`. */
  readonly each: string
  /** Path of the name in an entry. */
  readonly label: string
  /** Path of the number in an entry. */
  readonly value: string
  /** Each value counts as one under the name at this path. */
  readonly countBy: string
}

/** The bars of a chart: the newest list, or counts of what came. */
export class Bars {
  #bars = new Map<string, number>()

  clear(): void {
    this.#bars.clear()
  }

  add(value: unknown, { each, label, value: path, countBy }: BarPaths): void {
    if (countBy !== '') {
      const name = valueText(pick(value, countBy))
      if (name !== '') this.#count(name, 1)
      return
    }
    const entries = pick(value, each)
    if (entries === null || typeof entries !== 'object') return
    this.#bars = new Map()
    for (const [key, entry] of Object.entries(entries)) {
      const name = label === '' ? key : valueText(pick(entry, label))
      const number = pickNumber(entry, path)
      if (name !== '' && number !== null) this.#count(name, number)
    }
  }

  #count(name: string, by: number): void {
    const known = this.#bars.has(name) || this.#bars.size < NAMES_MAX ? name : OTHERS
    this.#bars.set(known, (this.#bars.get(known) ?? 0) + by)
  }

  /** The largest first; `others` names those that have no bar of their own. */
  top(others: string): Bar[] {
    const all = [...this.#bars].map(([name, value]) => ({ name: name === OTHERS ? others : name, value }))
    all.sort((a, b) => b.value - a.value)
    if (all.length <= BARS_MAX) return all
    const rest = all.slice(BARS_MAX - 1).reduce((sum, { value }) => sum + value, 0)
    return [...all.slice(0, BARS_MAX - 1), { name: others, value: rest }]
  }
}

/** No name of a caller is a symbol of ours. */
const OTHERS = '\0others'
