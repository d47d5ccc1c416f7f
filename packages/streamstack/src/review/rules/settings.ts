import { settingPlace } from '../../workspace/index.ts'
import type { Fault, Severity } from '../finding.ts'
import type { ReviewSubject } from '../subject.ts'

/** Settings that let in more than most workspaces need. */
export function wideSettings({ files, workspace }: ReviewSubject): readonly Fault[] {
  const { server, auth, streams, channels, log } = workspace.settings
  const faults: Fault[] = []
  const add = (severity: Severity, key: string, message: string, cure: string): void => {
    faults.push({ severity, position: settingPlace(files.settingsTree, key), message, cure })
  }
  const wild = server.cors.origins.filter((origin) => origin.includes('*') || origin === 'null')
  if (server.cors.credentials && wild.length > 0) {
    const message = `Pages of ${wild.join(', ')} may call with the cookies of whoever looks at them.`
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
  if (log.level === 'debug' || log.level === 'trace') {
    add('low', 'log.level', 'The log holds more than production needs.', 'Use `log.level: info`.')
  }
  return faults
}
