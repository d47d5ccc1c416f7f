import { isAbsolute, join } from 'node:path'
import type { Value } from '@streamstack/protocol'
import type { z } from 'zod'
import type { TokenSettings } from '../access/index.ts'
import { type logLevels, type settingsSchema, tokenSettings } from './settings-schema.ts'

/** Checked settings of a workspace: frozen, every default filled in, paths absolute, units in the names. */
export interface Settings {
  readonly name: string | null
  readonly server: {
    readonly host: string
    /** 0: any free port. */
    readonly port: number
    readonly bodyLimitBytes: number
    readonly stopGraceMs: number
    readonly tls: { readonly certFile: string; readonly keyFile: string } | null
    /** No origins: other origins are not let in. */
    readonly cors: {
      readonly origins: readonly string[]
      readonly credentials: boolean
      readonly maxAgeSeconds: number
    }
    /** Bounds of `/v1/ws`; all but the first are of one connection. */
    readonly websocket: {
      readonly maxConnections: number
      /** What is open at once. */
      readonly maxStreams: number
      /** Messages a second. */
      readonly messageRate: number
      readonly queueBytesMax: number
      /** How long it may take nothing of what waits for it. */
      readonly slowTimeoutMs: number
      /** How long it may ask for nothing while it has no token. */
      readonly authTimeoutMs: number
    }
  }
  /** Names that `{{env.NAME}}` may read. */
  readonly envNames: readonly string[]
  /** Constants that every expression can use. */
  readonly variables: Readonly<Record<string, Value>>
  readonly auth: {
    readonly jwt: Readonly<TokenSettings> | null
  }
  readonly outbound: { readonly allow: readonly string[]; readonly timeoutMs: number }
  readonly limits: {
    readonly maxDurationMs: number
    readonly maxChunks: number
    readonly maxBytes: number
    readonly maxIterations: number
    readonly maxStackDepth: number
  }
  readonly streams: {
    readonly windowBytes: number
    readonly retainedBytes: number
    readonly retentionMs: number
    readonly durableRetentionMs: number
    readonly heartbeatMs: number
    /** Who may use streams by name: bearers of `streams:read` and `streams:write`, or everybody on this machine. */
    readonly access: 'closed' | 'open'
    readonly log: 'memory' | 'sqlite'
    readonly memoryBytes: number
    /** Null: chunks stay. */
    readonly maxAgeMs: number | null
    /** Null: a stream keeps everything. */
    readonly maxBytes: number | null
    readonly longPollTimeoutMs: number
  }
  readonly channels: {
    readonly maxOpen: number
    readonly memoryBytes: number
    readonly presenceGraceMs: number
    readonly tokenInUrl: boolean
  }
  /** Absolute. */
  readonly dataFolder: string
  readonly log: { readonly level: (typeof logLevels)[number] }
}

/** Checked data in the shape that the program uses; `dir` is the absolute path of the workspace. */
export function toSettings(checked: z.output<typeof settingsSchema>, dir: string): Settings {
  const { server, auth, outbound, limits, streams, channels, log } = checked
  const absolute = (path: string): string => (isAbsolute(path) ? path : join(dir, path))
  return deepFreeze({
    name: checked.name ?? null,
    server: {
      host: server.host,
      port: server.port,
      bodyLimitBytes: server.body_limit,
      stopGraceMs: server.stop_grace,
      tls: server.tls === undefined ? null : { certFile: absolute(server.tls.cert), keyFile: absolute(server.tls.key) },
      cors: { origins: server.cors.origins, credentials: server.cors.credentials, maxAgeSeconds: server.cors.max_age },
      websocket: {
        maxConnections: server.websocket.max_connections,
        maxStreams: server.websocket.max_streams,
        messageRate: server.websocket.message_rate,
        queueBytesMax: server.websocket.queue_bytes,
        slowTimeoutMs: server.websocket.slow_timeout,
        authTimeoutMs: server.websocket.auth_timeout,
      },
    },
    envNames: [...new Set(checked.env)],
    variables: checked.variables,
    auth: {
      jwt: auth.jwt === undefined ? null : tokenSettings(auth.jwt),
    },
    outbound: { allow: outbound.allow, timeoutMs: outbound.timeout },
    limits: {
      maxDurationMs: limits.max_duration,
      maxChunks: limits.max_chunks,
      maxBytes: limits.max_bytes,
      maxIterations: limits.max_iterations,
      maxStackDepth: limits.max_stack_depth,
    },
    streams: {
      windowBytes: streams.window_bytes,
      retainedBytes: streams.retained_bytes,
      retentionMs: streams.retention,
      durableRetentionMs: streams.durable_retention,
      heartbeatMs: streams.heartbeat,
      access: streams.access,
      log: streams.log,
      memoryBytes: streams.memory_bytes,
      maxAgeMs: streams.max_age ?? null,
      maxBytes: streams.max_bytes ?? null,
      longPollTimeoutMs: streams.long_poll_timeout,
    },
    channels: {
      maxOpen: channels.max_open,
      memoryBytes: channels.memory_bytes,
      presenceGraceMs: channels.presence_grace,
      tokenInUrl: channels.token_in_url,
    },
    dataFolder: absolute(checked.data),
    log: { level: log.level },
  })
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const inner of Object.values(value)) deepFreeze(inner)
  }
  return value
}
