import { type Client, createClient } from '@streamstack/client'
import { openSource } from './open-source.ts'
import { follow } from './own-source.ts'
import type { OpenSource, Source, SourceSink, TokenProvider } from './source.ts'

/** One client for each server and token, so that the channels of a page share a WebSocket. */
const clients = new Map<TokenProvider | null, Map<string, Client<Record<string, never>>>>()

/** Tokens for which clients are kept. A page has one or two; a page that changes its token text each time must not collect them. */
const TOKENS_MAX = 16

function clientOf(url: string, token: TokenProvider | null): Client<Record<string, never>> {
  if (clients.size > TOKENS_MAX) clients.clear()
  const ofToken = clients.get(token) ?? new Map<string, Client<Record<string, never>>>()
  clients.set(token, ofToken)
  const client = ofToken.get(url) ?? createClient({ url, ...(token === null ? {} : { token }) })
  ofToken.set(url, client)
  return client
}

/** Opens any source: channels over a WebSocket that the page shares, all else as `openSource` does. */
export function openFullSource(source: Source, sink: SourceSink): OpenSource {
  const { channel, server, token, after } = source
  if (channel === '' || source.src !== '' || source.stream !== '') return openSource(source, sink)
  const stream = clientOf(server.replace(/\/+$/, ''), token)
    .channel(channel)
    .subscribe({ after: after ?? 0, onGap: 'restart', kinds: 'all' })
  return follow(stream, sink, false)
}
