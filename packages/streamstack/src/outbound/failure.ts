import { StreamstackError } from '@streamstack/protocol'
import { retryAfterMsOf } from './headers.ts'

/** Statuses after which the same call may go well later. */
const RECOVERABLE_STATUSES = new Set([408, 425, 429])

/** Codes of Node and OpenSSL for a certificate that does not prove the host. */
const CERTIFICATE_CODE = /^(ERR_TLS_CERT|CERT_|DEPTH_ZERO_SELF_SIGNED|SELF_SIGNED_CERT|UNABLE_TO_(GET_ISSUER|VERIFY))/

/** What went wrong with the connection, as callers may know it. `host` is the URL's host and port. */
export function transportFailure(error: unknown, host: string, answered: boolean): StreamstackError {
  if (error instanceof StreamstackError) return error
  const code = codeOf(error)
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'ETIMEDOUT') {
    return new StreamstackError('upstream_timeout', `No connection to ${host} in time.`, { cause: error })
  }
  if (code === 'UND_ERR_DESTROYED' || code === 'UND_ERR_CLOSED') {
    return new StreamstackError('unavailable', 'The server is stopping.', { cause: error })
  }
  if (CERTIFICATE_CODE.test(code)) {
    const message = `The certificate of ${host} is not valid or not trusted.`
    return new StreamstackError('upstream_failed', message, { cause: error, recoverable: false })
  }
  return new StreamstackError('upstream_failed', `${host} ${reasonOf(code, answered)}.`, { cause: error })
}

/** An answer whose status says no. `x-should-retry`, which OpenAI and Anthropic send, overrides what the status says of a retry. The upstream's text is the cause, for the server's log only. */
export function statusFailure(
  host: string,
  status: number,
  headers: Readonly<Record<string, string>>,
  text: Error | undefined,
): StreamstackError {
  const told = headers['x-should-retry']?.trim().toLowerCase()
  const isPassing = RECOVERABLE_STATUSES.has(status) || status >= 500
  return new StreamstackError('upstream_status', `${host} answered with status ${status}.`, {
    recoverable: told === 'true' || (isPassing && told !== 'false'),
    retryAfterMs: retryAfterMsOf(headers),
    details: { upstream_status: status },
    cause: text,
  })
}

function reasonOf(code: string, answered: boolean): string {
  if (answered) return 'broke off in the middle of its answer'
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN' || code === 'ENODATA') return 'has a host name that was not found'
  if (code === 'ECONNREFUSED') return 'refused the connection'
  if (code.startsWith('HPE_') || code.startsWith('UND_ERR_HEADERS')) return 'sent what is not an HTTP answer'
  return 'broke off before it answered'
}

function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return ''
  return typeof error.code === 'string' ? error.code : ''
}
