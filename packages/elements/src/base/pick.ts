/** No path of a page is deeper. */
const DEPTH_MAX = 8

/**
 * The value at a path such as `requests.last_minute` or `items.0.price`. Own properties alone: what a stream sends must not reach the prototypes of the page. An empty
 * path is the value itself; undefined: there is nothing.
 */
export function pick(value: unknown, path: string): unknown {
  if (path === '') return value
  let found = value
  for (const name of path.split('.').slice(0, DEPTH_MAX)) {
    if (found === null || typeof found !== 'object' || !Object.hasOwn(found, name)) return undefined
    found = (found as Record<string, unknown>)[name]
  }
  return found
}

/** The number at a path; null where there is none. Text that spells a number counts. */
export function pickNumber(value: unknown, path: string): number | null {
  const found = pick(value, path)
  if (typeof found === 'number') return Number.isFinite(found) ? found : null
  if (typeof found !== 'string' || found.trim() === '') return null
  const number = Number(found)
  return Number.isFinite(number) ? number : null
}

/** Paths as an attribute lists them, each with the name it is shown by: `id, price: Price`. */
export function labelledPaths(text: string | null): readonly { readonly path: string; readonly label: string }[] {
  return (text ?? '')
    .split(',')
    .map((part) => part.split(':').map((piece) => piece.trim()))
    .filter(([path = '']) => path !== '')
    .map(([path = '', label = path]) => ({ path, label }))
}

/** A value in one line of text. */
export function valueText(value: unknown): string {
  if (typeof value === 'string') return value
  return value === null || value === undefined ? '' : JSON.stringify(value)
}
