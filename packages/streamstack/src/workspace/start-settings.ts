import type { Settings } from './checked-settings.ts'

/** Settings that a server reads when it starts and not again: another value holds from the next start on. */
export const START_SETTING_KEYS = [
  'server.host',
  'server.port',
  'server.half_close',
  'server.max_connections',
  'server.tls.cert',
  'server.tls.key',
  'server.tls.redirect_port',
  'streams.heartbeat',
  'streams.log',
  'streams.memory_bytes',
  'streams.max_age',
  'streams.max_bytes',
  'audit.folder',
  'data',
] as const

/** Returns the settings that differ and that a running server does not take up, by their keys. */
export function changedStartSettings(before: Settings, after: Settings): readonly string[] {
  const old = startSettings(before)
  const now = startSettings(after)
  return START_SETTING_KEYS.filter((key) => old[key] !== now[key])
}

function startSettings({
  server,
  streams,
  dataFolder,
  audit,
}: Settings): Readonly<Record<(typeof START_SETTING_KEYS)[number], string | number | boolean | null>> {
  return {
    'server.host': server.host,
    'server.port': server.port,
    'server.half_close': server.halfClose,
    'server.max_connections': server.maxConnections,
    'server.tls.cert': server.tls?.certFile ?? null,
    'server.tls.key': server.tls?.keyFile ?? null,
    'server.tls.redirect_port': server.tls?.redirectPort ?? null,
    'streams.heartbeat': streams.heartbeatMs,
    'streams.log': streams.log,
    'streams.memory_bytes': streams.memoryBytes,
    'streams.max_age': streams.maxAgeMs,
    'streams.max_bytes': streams.maxBytes,
    'audit.folder': audit.folder,
    data: dataFolder,
  }
}
