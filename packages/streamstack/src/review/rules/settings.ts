import { settingPlace } from '../../workspace/index.ts'
import type { Fault, Severity } from '../finding.ts'
import type { ReviewSubject } from '../subject.ts'

/** Settings that let in more than most workspaces need. */
export function wideSettings({ files, workspace }: ReviewSubject): readonly Fault[] {
  const { server, auth, streams, channels, log, audit, limits } = workspace.settings
  const faults: Fault[] = []
  const add = (severity: Severity, key: string, message: string, cure: string): void => {
    faults.push({ severity, position: settingPlace(files.settingsTree, key), message, cure })
  }
  const wild = server.cors.origins.filter((origin) => origin.includes('*') || origin === 'null')
  if (server.cors.credentials && wild.length > 0) {
    const message = `Pages of ${wild.join(', ')} may call with the cookies of their visitors.`
    add('high', 'server.cors.origins', message, 'List the origins one by one, or set `server.cors.credentials: false`.')
  } else if (server.cors.origins.includes('*')) {
    const message = 'Pages of every origin may read what anyone may call.'
    add('low', 'server.cors.origins', message, 'List the origins whose pages use this server.')
  }
  const isPublic = !/^(?:localhost|::1|127(?:\.\d+){3})$/.test(server.host)
  const isBehindTls = server.tls !== null || server.publicUrl?.startsWith('https:') === true
  if (isPublic && !isBehindTls) {
    const message = `The server listens on ${server.host} without TLS: tokens and answers can be read on the way.`
    const cure = 'Set `server.tls`, or listen on 127.0.0.1 behind a proxy that has the certificate.'
    add('high', 'server.host', message, cure)
  }
  if (server.hosts === null) {
    const message = 'Calls are answered whatever their Host: a page can make its own name lead here (DNS rebinding).'
    add(isPublic ? 'medium' : 'low', 'server', message, 'List the names of this server under `server.hosts`.')
  }
  const { perCaller, perAddress } = limits.openStreams
  if (isPublic && perCaller === null && perAddress === null) {
    const message = 'One caller may open as many streams as the server can hold, and leave none to others.'
    add(
      'low',
      'limits.open_streams',
      message,
      'Set `limits.open_streams`, such as { per_caller: 20, per_address: 100 }.',
    )
  }
  for (const { jwksUrl, audience, requireExp, maxAgeSeconds } of auth.jwt) {
    if (jwksUrl?.startsWith('http:') === true) {
      const message = 'Keys come over http: who can change the answer can sign any token.'
      add('high', 'auth.jwt.jwks_url', message, 'Use https.')
    }
    if (jwksUrl !== null && audience === null) {
      const message = 'Tokens that the issuer made for other services are accepted, too.'
      add('medium', 'auth.jwt', message, 'Set `auth.jwt.audience`, and `issuer`.')
    }
    if (requireExp === false && maxAgeSeconds === null) {
      const message = 'Tokens that never expire are accepted: a stolen one works for good.'
      add('medium', 'auth.jwt.require_exp', message, 'Remove `require_exp: false`, or set `auth.jwt.max_age`.')
    }
  }
  if (streams.access === 'open') {
    const message = 'Every program on this machine may read and write all streams by name.'
    add('medium', 'streams.access', message, 'Use `streams.access: closed` and tokens.')
  }
  if (channels.tokenInUrl) {
    const message = 'Tokens are accepted in URLs, which proxies and browsers write down.'
    add(
      'low',
      'channels.token_in_url',
      message,
      'Send tokens in the Authorization header, or let them expire within minutes.',
    )
  }
  if (server.errors === 'detailed') {
    const message = 'Callers learn addresses, tables and expressions from the errors of this workspace.'
    add(
      'medium',
      'server.errors',
      message,
      'Remove the setting: `streamstack serve` then logs them and tells callers the kind.',
    )
  }
  if (audit.head.webhook?.startsWith('http:') === true) {
    const message = 'Heads of the audit go over http: who can change them on the way can hide a change of the audit.'
    add('medium', 'audit.head.webhook', message, 'Use https.')
  }
  if (audit.isEnabled && audit.onFailure === 'continue') {
    const message = 'Calls are answered while the audit cannot be written: who fills the disk acts unrecorded.'
    add(
      'low',
      'audit.on_failure',
      message,
      'Use `audit.on_failure: refuse`, unless answering matters more than the record.',
    )
  }
  if (log.level === 'debug' || log.level === 'trace') {
    add('low', 'log.level', 'The log holds more than production needs.', 'Use `log.level: info`.')
  }
  return faults
}
