import type { Logger } from '../run/index.ts'
import type { SecretTexts } from './secret-texts.ts'

/** Fields that are nested deeper are left out: entries of the log are flat, and what a step logs is bounded. */
const DEPTH_MAX = 12

/** Names from definitions, which hold no values: an endpoint `europe` is told as such, also where a variable has that value. */
const NAMES: ReadonlySet<string> = new Set(['run', 'endpoint', 'step', 'code', 'place', 'table', 'channel', 'trigger'])

/** A log that no entry takes a secret to: neither in its text, nor in its fields, nor in an error and its causes. */
export function hidingLog(log: Logger, secrets: () => SecretTexts): Logger {
  const at =
    (level: keyof Logger) =>
    (fields: object, message: string): void => {
      const texts = secrets()
      const shown = Object.entries(fields).map(([name, value]) => [
        name,
        NAMES.has(name) ? value : hidden(value, texts, 0),
      ])
      log[level](Object.fromEntries(shown) as object, texts.hide(message))
    }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/** Returns the same value where it holds no secret. */
function hidden(value: unknown, texts: SecretTexts, depth: number): unknown {
  if (typeof value === 'string') return texts.hide(value)
  if (typeof value !== 'object' || value === null) return value
  if (depth > DEPTH_MAX) return '…'
  if (value instanceof Error) return hiddenError(value, texts, depth)
  if (Array.isArray(value)) {
    const items = value.map((item) => hidden(item, texts, depth + 1))
    return items.every((item, index) => item === value[index]) ? value : items
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return value
  const entries = Object.entries(value)
  const shown = entries.map(([name, inner]) => [texts.hide(name), hidden(inner, texts, depth + 1)] as const)
  const isSame = shown.every(([name, inner], index) => name === entries[index]?.[0] && inner === entries[index]?.[1])
  return isSame ? value : Object.fromEntries(shown)
}

/** An error has its class, its fields and its causes, all without secrets. */
function hiddenError(error: Error, texts: SecretTexts, depth: number): Error {
  const names = new Set(['message', 'stack', 'cause', ...Object.keys(error)])
  const fields = [...names].map((name) => [name, Reflect.get(error, name)] as const)
  const shown = fields.map(([name, inner]) => [name, hidden(inner, texts, depth + 1)] as const)
  if (shown.every(([, inner], index) => inner === fields[index]?.[1])) return error
  const copy = Object.create(Object.getPrototypeOf(error) as object) as Error
  for (const [name, value] of shown) {
    if (value !== undefined) Object.defineProperty(copy, name, { value, enumerable: Object.keys(error).includes(name) })
  }
  return copy
}
