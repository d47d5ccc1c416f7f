import { StreamstackError, type Value } from '@streamstack/protocol'

/** A value may hold the same list many times over, so it is small in memory and endless to walk. */
const NODES_MAX = 100_000

/** Changes every text of a value, keys aside. Unchanged parts are shared. Throws `limit_exceeded` for more than 100,000 values. */
export function mapTexts(value: Value, change: (text: string, path: string) => string, path: string): Value {
  let nodes = 0
  const walk = (one: Value, at: string): Value => {
    if (++nodes > NODES_MAX) throw tooMany()
    if (typeof one === 'string') return change(one, at)
    if (typeof one !== 'object' || one === null) return one
    if (Array.isArray(one)) {
      const items: readonly Value[] = one
      const made = items.map((item, index) => walk(item, `${at}[${index}]`))
      return made.every((item, index) => item === items[index]) ? one : made
    }
    const entries = Object.entries(one).map(([key, inner]) => [key, walk(inner, `${at}.${key}`)] as const)
    return entries.every(([key, inner]) => inner === (one as Record<string, Value>)[key])
      ? one
      : Object.fromEntries(entries)
  }
  return walk(value, path)
}

/** All texts of a value, one a line. Throws `limit_exceeded` for more than 100,000 values. */
export function joinedTexts(value: Value): string {
  const texts: string[] = []
  mapTexts(
    value,
    (text) => {
      texts.push(text)
      return text
    },
    '',
  )
  return texts.join('\n')
}

function tooMany(): StreamstackError {
  return new StreamstackError(
    'limit_exceeded',
    `The value holds more than ${NODES_MAX.toLocaleString('en')} values to look into; send less.`,
  )
}
