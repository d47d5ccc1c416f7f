import { StreamError } from './stream-error.ts'

/** A call as it goes out, as often as it has to. */
export interface CallRequest {
  readonly method: string
  /** With the query. */
  readonly path: string
  readonly body: string | null
  /** By which the server knows the call when it comes again. */
  readonly key: string
}

/** Methods whose inputs travel in the URL. */
const BODYLESS = new Set(['GET', 'DELETE'])

/** Makes the request of `POST /api/users/:id`. Throws `call_invalid` when the endpoint or the inputs cannot be written. */
export function callRequest(endpoint: string, inputs: Readonly<Record<string, unknown>>, key: string): CallRequest {
  const [, method = '', template = ''] = /^([A-Z]+) (\/\S*)$/.exec(endpoint) ?? []
  if (method === '') throw invalid(`'${endpoint}' is no endpoint. Write its method and path, as 'POST /api/chat'.`)
  const left = new Map(Object.entries(inputs))
  const path = template.replaceAll(/:(\w+)|\{(\w+)\}/g, (_place, colon?: string, braces?: string) => {
    const name = colon ?? braces ?? ''
    const value = left.get(name)
    left.delete(name)
    return pathPart(name, value)
  })
  if (!BODYLESS.has(method)) {
    return { method, path, body: JSON.stringify(Object.fromEntries(left)), key }
  }
  const query = new URLSearchParams()
  for (const [name, value] of left) {
    if (value === undefined || value === null) continue
    query.set(name, typeof value === 'string' ? value : JSON.stringify(value))
  }
  return { method, path: withQuery(path, query), body: null, key }
}

export function withQuery(path: string, query: URLSearchParams): string {
  return query.size === 0 ? path : `${path}${path.includes('?') ? '&' : '?'}${query}`
}

function pathPart(name: string, value: unknown): string {
  const text = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : ''
  // Dots alone would lead to another path, however they are written.
  if (text !== '' && text !== '.' && text !== '..') return encodeURIComponent(text)
  throw invalid(`The input '${name}' stands in the path, so it must be text or a number, not empty and not only dots.`)
}

function invalid(message: string): StreamError {
  return new StreamError('call_invalid', message)
}
