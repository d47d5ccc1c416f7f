import { curesOf } from '../cures.ts'
import type { Examination } from '../examination.ts'
import { type Finding, ok, problem, warning } from '../finding.ts'
import { listed } from '../words.ts'

const CHECK = 'CORS'
const TIMEOUT_MS = 15_000
/** What clients of a run send and read. */
const SENT = ['authorization', 'content-type', 'idempotency-key', 'last-event-id']
const READ = ['stream-run', 'stream-url']

type Headers = Readonly<Record<string, string>>

/** Whether a page of an origin may call and read what it needs (Fetch standard, CORS protocol). */
export async function cors(examination: Examination, origin: string): Promise<readonly Finding[]> {
  const { proxies } = examination
  const { seen, exchange } = await examination.probe({ headers: { Origin: origin } })
  const cures = curesOf('cors', proxies)
  if (seen !== null && !seen.origin_allowed && seen.origin === origin) {
    return [
      problem(CHECK, `The server does not let pages of ${origin} in.`, [
        `\`server: { cors: { origins: [${JSON.stringify(origin)}] } }\` in streamstack.yaml.`,
      ]),
    ]
  }
  if (seen !== null && seen.origin !== origin) {
    return [problem(CHECK, 'The header Origin does not reach the server.', cures)]
  }
  const preflight = await examination.call({
    method: 'OPTIONS',
    path: '/v1/probe',
    headers: {
      Origin: origin,
      'Access-Control-Request-Method': 'POST',
      'Access-Control-Request-Headers': SENT.join(','),
    },
    timeoutMs: TIMEOUT_MS,
  })
  const faults = [
    ...preflightFaults(preflight.head?.status ?? 0, preflight.head?.headers ?? {}, origin),
    ...answerFaults(exchange.head?.headers ?? {}, origin),
  ]
  if (faults.length > 0) return faults.map((fault) => problem(CHECK, fault, cures))
  if (preflight.head?.headers['access-control-max-age'] === undefined) {
    return [warning(CHECK, 'Access-Control-Max-Age is gone: browsers ask before every call.', cures)]
  }
  return [ok(CHECK, `Pages of ${origin} may call, send ${listed(SENT)}, and read ${listed(READ)}.`)]
}

function preflightFaults(status: number, headers: Headers, origin: string): readonly string[] {
  if (status < 200 || status > 299) {
    return [`The question beforehand (OPTIONS) is answered with ${status || 'nothing'}: the browser never calls.`]
  }
  const faults = originFaults(headers, origin, 'the question beforehand (OPTIONS)')
  const allowed = names(headers['access-control-allow-headers'])
  // A star does not stand for Authorization.
  const refused = SENT.filter((name) => !allowed.has(name) && !(allowed.has('*') && name !== 'authorization'))
  if (refused.length > 0) faults.push(`The headers ${listed(refused)} may not be sent.`)
  const methods = names(headers['access-control-allow-methods'])
  if (!methods.has('post') && !methods.has('*')) faults.push('POST may not be used.')
  return faults
}

function answerFaults(headers: Headers, origin: string): readonly string[] {
  const faults = originFaults(headers, origin, 'the answer')
  const exposed = names(headers['access-control-expose-headers'])
  const hidden = READ.filter((name) => !exposed.has(name) && !exposed.has('*'))
  if (hidden.length > 0) faults.push(`Pages cannot read ${listed(hidden)}: they cannot come back to their run.`)
  return faults
}

function originFaults(headers: Headers, origin: string, where: string): string[] {
  const allowed = headers['access-control-allow-origin']
  if (allowed === undefined) return [`Access-Control-Allow-Origin is gone from ${where}.`]
  if (allowed.includes(',')) {
    return [
      `Access-Control-Allow-Origin stands twice in ${where}, once from the server and once from a proxy: browsers refuse that.`,
    ]
  }
  return allowed === '*' || allowed === origin ? [] : [`Access-Control-Allow-Origin of ${where} names another origin.`]
}

function names(list: string | undefined): ReadonlySet<string> {
  return new Set(
    (list ?? '')
      .toLowerCase()
      .split(',')
      .map((name) => name.trim()),
  )
}
