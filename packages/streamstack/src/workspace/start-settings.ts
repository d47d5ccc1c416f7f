import type { Settings } from './checked-settings.ts'

/** Settings that a server reads when it starts and not again: another value holds from the next start on. */
export const START_SETTING_KEYS: readonly string[] = [
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
]

/** Returns the settings that differ and that a running server does not take up, by their keys. */
export function changedStartSettings(before: Settings, after: Settings): readonly string[] {
  return START_SETTING_KEYS.filter((key) => before.values[key] !== after.values[key])
}
