import { splitUrl, streamPath } from './own-source.ts'
import type { Source } from './source.ts'

/**
 * Returns the current chunks of a stream of the server, oldest first; empty if they cannot be read,
 * so that a widget begins empty.
 */
export async function readHistory(
  stream: string,
  { server, token, headers }: Source,
  signal: AbortSignal,
): Promise<readonly unknown[]> {
  try {
    const place = splitUrl(server, streamPath(stream))
    const secret = typeof token === 'function' ? await token() : token
    const authorization: Record<string, string> = secret === null ? {} : { Authorization: `Bearer ${secret}` }
    const response = await fetch(`${place.server}${place.path}?format=json`, {
      headers: { ...headers, Accept: 'application/json', ...authorization },
      cache: 'no-store',
      signal,
    })
    const { chunks } = (response.ok ? await response.json() : {}) as { chunks?: unknown }
    return Array.isArray(chunks) ? chunks.map((chunk: { content?: unknown } | null) => chunk?.content) : []
  } catch {
    return []
  }
}
