import { isVariableName } from './check-parameter.ts'
import { reservedPaths } from './reserved-paths.ts'
import type { IssueList } from './issue-list.ts'
import { quote } from './tree.ts'
import type { Position } from './types.ts'

/**
 * One spelling for a declared path: a leading slash, no trailing one, `{id}` as `:id`. Null (and an issue) when it can be
 * no path. Only whole segments are parameters; a colon inside a segment (`/api:v1`) is an ordinary character.
 */
export function normalizePath(written: string, position: Position, list: IssueList): string | null {
  const fault = (message: string): null => {
    list.error(position, `The path ${quote(written)} ${message}`)
    return null
  }
  const trimmed = written.trim()
  if (trimmed === '') return fault('is empty; write one such as /api/chat.')
  if (/^[a-z]+:\/\//i.test(trimmed))
    return fault('is a whole URL; write only what follows the host, such as /api/chat.')
  if (trimmed.includes('{{')) return fault('cannot hold an expression; write :name for a variable segment.')
  if (/[“”„‘’‚«»]/.test(trimmed)) return fault('holds typographic quotes; write " or \', or no quotes.')
  if (trimmed.includes('?')) return fault('cannot hold a query; declare its parameters under `input_parameters`.')
  if (/[\s#\\\p{Cc}]/u.test(trimmed)) return fault('cannot hold spaces, # or \\.')
  if (trimmed.includes('*')) return fault('cannot hold *; write :name for one segment.')
  const segments = trimmed.replace(/^\//, '').replace(/\/$/, '').split('/')
  const names = new Set<string>()
  const normalized: string[] = []
  for (const segment of segments) {
    if (segment === '' && segments.length > 1) return fault('has an empty segment (//); remove one slash.')
    if (segment === '.' || segment === '..') return fault('cannot hold the segments . and ..')
    const name = /^:(.+)$/.exec(segment)?.[1] ?? /^\{(.+)\}$/.exec(segment)?.[1]
    if (name === undefined) {
      if (/[{}]/.test(segment))
        return fault('has braces inside a segment; a parameter is a whole segment, as in /users/:id.')
      normalized.push(segment)
      continue
    }
    if (!isVariableName(name)) return fault(`has the parameter ${quote(name)}; use letters, digits and _ in its name.`)
    if (names.has(name)) return fault(`has the parameter :${name} twice; rename one.`)
    names.add(name)
    normalized.push(`:${name}`)
  }
  const path = `/${normalized.join('/')}`
  const reserved = reservedPaths.find((prefix) => path === prefix || path.startsWith(`${prefix}/`))
  if (reserved !== undefined) return fault(`is the server's own (${reserved}); choose another.`)
  return path
}

/** The names of a normalised path's parameters, in order. */
export function pathParameters(path: string): readonly string[] {
  return path
    .split('/')
    .filter((segment) => segment.startsWith(':'))
    .map((segment) => segment.slice(1))
}
