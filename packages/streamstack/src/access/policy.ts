import type { AccessDeclaration } from '../definition/types.ts'
import type { CorsSettings } from './cors.ts'
import type { StreamRule } from './stream-rule.ts'

/** The settings that decide who may do what, as they are now. */
export interface AccessPolicy {
  /** `streamstack dev`: callers by a name of this machine are the developer. */
  readonly isDeveloper: boolean
  /** `streams.access: open`. */
  readonly isOpen: boolean
  /** `streams.allow`; null: the scopes alone decide. */
  readonly streamRule: StreamRule | null
  readonly cors: CorsSettings
  /** `channels.token_in_url`. */
  readonly tokenInUrl: boolean
  /** `server.hosts`, and where the server listens; `loopback`: every name of this machine, and no other. Null: all. */
  readonly hosts: readonly string[] | 'loopback' | null
  /** `server.trusted_proxies`. */
  readonly trustedProxies: readonly string[]
  /** `server.forwarded`. */
  readonly forwarded: 'x-forwarded' | 'forwarded'
  /** `server.public_url`, or where the server listens. */
  readonly publicUrl: string
  /** Whether `server.public_url` is set. */
  readonly hasPublicUrl: boolean
  /** `server.tls.hsts`; 0: not at all. */
  readonly hstsSeconds: number
  /** Roles and scopes that may use the console; null: only the developer. */
  readonly console: AccessDeclaration | null
}
