/** What the caller sent under one name, where everything is text: in the path, the query or a form. */
export interface TextField {
  /** The values of the name itself, in order. */
  texts: string[]
  /** Values under it: `options.delay` and `options[delay]` both lead to the child `delay`; `tags[]` to the child "". */
  children: Map<string, TextField>
}

/** Names that lead further inwards than this are not read. */
const DEPTH_MAX = 8

export function newTextField(...texts: string[]): TextField {
  return { texts, children: new Map() }
}

/**
 * Reads the fields of declared inputs; others are passed over. A name that is itself declared is taken as a whole, dots
 * and brackets included.
 */
export function readTextFields(params: URLSearchParams, names: ReadonlySet<string>): Map<string, TextField> {
  const fields = new Map<string, TextField>()
  for (const [key, text] of params) {
    const way = names.has(key) ? [key] : splitKey(key)
    if (way === null || !names.has(way[0] ?? '')) continue
    let children = fields
    let field: TextField | undefined
    for (const part of way) {
      field = children.get(part)
      if (field === undefined) children.set(part, (field = newTextField()))
      children = field.children
    }
    field?.texts.push(text)
  }
  return fields
}

/** `a.b[c][]` → `a`, `b`, `c`, ``; null when the key is not written so, or leads no further inwards. */
function splitKey(key: string): string[] | null {
  if (!key.includes('[') && !key.includes('.')) return null
  const root = /^[^.[\]]+/.exec(key)?.[0]
  if (root === undefined) return null
  const way = [root]
  const part = /\.([^.[\]]+)|\[([^[\]]*)\]/y
  part.lastIndex = root.length
  while (part.lastIndex < key.length) {
    const match = part.exec(key)
    if (match === null || way.length >= DEPTH_MAX) return null
    way.push(match[1] ?? match[2] ?? '')
  }
  return way
}
