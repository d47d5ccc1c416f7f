import { METHODS } from './methods.ts'
import type { EndpointDefinition } from './types.ts'

/**
 * Returns the routes that a file most likely declares although it cannot be parsed, so that calls of them can be told so. Empty: it names
 * no path. A file that names no method gets every one.
 */
export function routesInText(text: string): readonly Pick<EndpointDefinition, 'method' | 'path'>[] {
  const route = /\b(?:path|endpoint)["']?\s*:\s*["']?(?:([A-Z]+)\s+)?(\/[^\s"',}#?]*)/.exec(text)
  const path = route?.[2]
  // A client cannot call a path that the router refuses.
  if (path === undefined || !/^\/(?:(?::[A-Za-z_]\w*|[\w.~%-]+)\/?)*$/.test(path)) return []
  const named = route?.[1] ?? /\bmethod["']?\s*:\s*["']?([A-Za-z]+)/.exec(text)?.[1]
  const method = METHODS.find((known) => known === named?.toUpperCase())
  return (method === undefined ? METHODS : [method]).map((one) => ({ method: one, path }))
}
