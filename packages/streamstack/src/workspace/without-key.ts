import { type Document, type Pair, isMap, isScalar, parseDocument } from 'yaml'

/**
 * Returns the text of a settings file without the API key `auth.keys.<name>`; everything else stays as it is written,
 * comments included. Null: the file is written so that only a person can do it.
 */
export function withoutKey(file: string, text: string, name: string): string | null {
  const changed = file.endsWith('.json') ? withoutJsonKey(text, name) : withoutYamlKey(text, name)
  return changed !== null && isOnlyDifference(text, changed, name) ? changed : null
}

function withoutJsonKey(text: string, name: string): string | null {
  const settings = JSON.parse(text) as { auth?: { keys?: Record<string, unknown> } }
  if (settings.auth?.keys === undefined) return null
  delete settings.auth.keys[name]
  return `${JSON.stringify(settings, null, 2)}\n`
}

function withoutYamlKey(text: string, name: string): string | null {
  const document = parseDocument(text)
  const keys = document.getIn(['auth', 'keys'])
  if (!isMap(keys)) return null
  const pair = keys.items.find(({ key }) => isScalar(key) && key.value === name)
  if (pair === undefined) return null
  const lines = keys.flow === true || keys.items.length === 1 ? null : linesOf(pair, text)
  if (lines !== null) return text.slice(0, lines.from) + text.slice(lines.to)
  // The last key takes `keys` along, since an empty key would be no object.
  remove(document, keys.items.length === 1 ? ['auth', 'keys'] : ['auth', 'keys', name])
  return document.toString({ lineWidth: 0 })
}

function remove(document: Document, path: readonly string[]): void {
  document.deleteIn(path)
  const auth = document.get('auth')
  if (isMap(auth) && auth.items.length === 0) document.delete('auth')
}

/** The lines of a key of its own; null: something else stands on them. */
function linesOf({ key, value }: Pair, text: string): { from: number; to: number } | null {
  const start = isScalar(key) ? key.range?.[0] : undefined
  const end = isMap(value) ? value.range?.[2] : undefined
  if (start === undefined || end === undefined) return null
  const from = text.lastIndexOf('\n', start - 1) + 1
  if (text.slice(from, start).trim() !== '' || (end < text.length && text[end - 1] !== '\n')) return null
  return { from, to: end }
}

/** Proves that the file says the same but for the key. */
function isOnlyDifference(before: string, after: string, name: string): boolean {
  const plain = (text: string): unknown => parseDocument(text).toJS() as unknown
  const wanted = plain(before) as { auth?: { keys?: Record<string, unknown> } } | null
  const keys = wanted?.auth?.keys
  if (wanted === null || keys === undefined || !Object.hasOwn(keys, name)) return false
  delete keys[name]
  const found = (plain(after) ?? {}) as typeof wanted
  const normal = (settings: typeof wanted): string => {
    const { keys: left = {}, ...auth } = settings.auth ?? {}
    return JSON.stringify({ ...settings, auth: { ...auth, keys: left } }, (_key, value: unknown) => sorted(value))
  }
  return normal(wanted) === normal(found)
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).toSorted(([first], [second]) => (first < second ? -1 : 1)))
}
