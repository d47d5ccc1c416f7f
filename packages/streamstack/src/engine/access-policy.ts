import { type AccessPolicy, compileStreamRule } from '../access/index.ts'
import type { Settings } from '../workspace/index.ts'
import type { Mode } from './mode.ts'

/** What the settings say of who may call and from where. `ownUrl`: where the workspace is served; null: it is not yet. */
export function accessPolicy(
  { streams, server, channels, console }: Settings,
  mode: Mode,
  ownUrl: string | null,
): AccessPolicy {
  // Steps call this server by its own address.
  const own = ownUrl === null ? [] : [new URL(ownUrl).host]
  const listed = server.hosts === null ? null : [...server.hosts, ...own]
  return {
    isDeveloper: mode === 'dev',
    isOpen: streams.access === 'open',
    streamRule: streams.allow === null ? null : compileStreamRule(streams.allow),
    cors: server.cors,
    tokenInUrl: channels.tokenInUrl,
    hosts: mode === 'dev' ? 'loopback' : listed,
    trustedProxies: server.trustedProxies,
    forwarded: server.forwarded,
    publicUrl: server.publicUrl ?? ownUrl ?? 'http://localhost',
    hasPublicUrl: server.publicUrl !== null,
    hstsSeconds: mode === 'dev' ? 0 : (server.tls?.hstsSeconds ?? 0),
    console: console.access,
  }
}
