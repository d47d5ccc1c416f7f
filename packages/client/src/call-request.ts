import type { Ask } from './shared-socket.ts'
import { invalid } from './stream-error.ts'

/** A call as it goes out, as often as it has to. */
export interface CallRequest {
  readonly method: string
  /** With the query. */
  readonly path: string
  readonly body: string | null
  /** The same for a WebSocket: with the inputs that the path does not say. */
  readonly ask: Ask
  /** By which the server knows the call when it comes again. */
  readonly key: string
}

/** Methods whose inputs travel in the URL. */
const BODYLESS = ['GET', 'DELETE']

/** Makes the request of `POST /api/users/:id`. Throws `call_invalid` when the endpoint or the inputs cannot be written. */
export function callRequest(endpoint: string, inputs: Readonly<Record<string, unknown>>, key: string): CallRequest {
  const [, method = '', template = ''] = /^([A-Z]+) (\/\S*)$/.exec(endpoint) ?? []
  if (method === '') throw invalid(`'${endpoint}' is no endpoint, such as 'POST /api/chat'.`)
  const left = new Map(Object.entries(inputs))
  const path = template.replaceAll(/:(\w+)|\{(\w+)\}/g, (_place, colon?: string, braces?: string) => {
    const name = colon ?? braces ?? ''
    const value = left.get(name)
    left.delete(name)
    return pathPart(name, value)
  })
  const rest = Object.fromEntries(left)
  const ask = { type: 'call', endpoint: `${method} ${path}`, inputs: rest, key } as const
  const call = { method, path, body: null, ask, key }
  if (!BODYLESS.includes(method)) return { ...call, body: JSON.stringify(rest) }
  const query = new URLSearchParams()
  for (const [name, value] of left) {
    if (value === undefined || value === null) continue
    query.set(name, typeof value === 'string' ? value : JSON.stringify(value))
  }
  return { ...call, path: withQuery(path, query) }
}

export function withQuery(path: string, query: URLSearchParams): string {
  return query.size === 0 ? path : `${path}${path.includes('?') ? '&' : '?'}${query}`
}

function pathPart(name: string, value: unknown): string {
  const text = ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : ''
  // Dots alone would lead to another path, however they are written.
  if (!/^\.{0,2}$/.test(text)) return encodeURIComponent(text)
  throw invalid(`'${name}' stands in the path: it must be a number or text, not empty or only dots.`)
}

/** 128 random bits. `crypto.randomUUID` is missing on pages that came without TLS. */
export function randomKey(): string {
  return crypto.getRandomValues(new Uint32Array(4)).join('-')
}
