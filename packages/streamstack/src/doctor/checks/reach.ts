import { isIP } from 'node:net'
import type { ProbeSeen } from '../../http/index.ts'
import { cached } from './cached.ts'
import { connectionFault } from '../connection-fault.ts'
import { type Connection, type TlsAgreement, openConnection } from '../connection.ts'
import { curesOf } from '../cures.ts'
import { type DoctorOptions, Examination, type FirstSight, isProblem } from '../examination.ts'
import type { Head } from '../exchange.ts'
import { type Finding, ok, problem, warning } from '../finding.ts'
import { type Proxy, recogniseProxies } from '../proxy.ts'
import type { Reading } from '../read-probe.ts'
import { inTime } from '../words.ts'

const CHECK = 'reachable'
/** A certificate that ends sooner is worth a word: those of ACME are renewed 30 days before. */
const CERTIFICATE_DAYS_MIN = 14
const DAY_MS = 86_400_000

/** What a first look gave. */
export interface Reach {
  readonly findings: readonly Finding[]
  /** Null: nothing else can be examined. */
  readonly sight: FirstSight | null
  readonly proxies: readonly Proxy[]
}

/** Whether Streamstack answers at the address at all. */
export async function reach(base: URL, options: DoctorOptions, signal: AbortSignal): Promise<Reach> {
  let connection: Connection
  try {
    connection = await openConnection({ base, insecure: options.insecure }, signal)
  } catch (thrown) {
    return { findings: [unreachable(thrown, base)], sight: null, proxies: [] }
  }
  const examination = new Examination(connection, options, signal)
  const reading = await examination.probe({ chunks: 0 })
  const { head } = reading.exchange
  examination.proxies = recogniseProxies(head?.headers ?? {}, reading.seen, reading.text)
  const { seen } = reading
  if (seen === null) {
    connection.close()
    return { findings: [stranger(examination, reading)], sight: null, proxies: examination.proxies }
  }
  if (seen.id !== reading.id) {
    connection.close()
    return { findings: [cached(examination)], sight: null, proxies: examination.proxies }
  }
  const findings = [ok(CHECK, `Streamstack answers with probe ${seen.protocol} after ${inTime(reading.lastByteMs)}.`)]
  if (connection.tls !== null) findings.push(certificate(connection.tls, options.insecure))
  findings.push(clientHttp(connection, examination), ...upstreamHttp(seen, examination))
  return { findings, sight: { examination, seen }, proxies: examination.proxies }
}

function unreachable(thrown: unknown, base: URL): Finding {
  const { seen, cure } = connectionFault(thrown, base)
  return problem(CHECK, seen, [cure])
}

/** Says what answered instead of a probe. */
function stranger({ proxies, connection }: Examination, { exchange, text }: Reading): Finding {
  const { head, error, ending } = exchange
  if (head === null) {
    if (ending === 'late') {
      return problem(CHECK, `No answer came within ${inTime(exchange.durationMs)}.`, [
        ...curesOf('bad-gateway', proxies),
        'If it is there, something holds whole answers back.',
      ])
    }
    return unreachable(error, connection.base)
  }
  const { status, headers } = head
  const location = headers['location']
  if (status >= 300 && status < 400 && location !== undefined) return redirected(connection.base, location)
  if (isProblem(headers)) {
    if (status !== 404) {
      const cure = 'Try again in a minute; look at the log of the server.'
      return problem(CHECK, `Streamstack answers, but its error is ${status}.`, [cure])
    }
    const { base } = connection
    return base.pathname === '/'
      ? problem(CHECK, 'Streamstack answers, but an older one, without the probe.', ['Update the server.'])
      : problem(CHECK, `Streamstack answers, but has no probe below ${base.pathname}.`, [
          `Give the address without a path: streamstack doctor ${base.origin}`,
          'If the path is one under which a proxy offers the whole server, the proxy does not take it off.',
        ])
  }
  const cures = strangerCures(status, proxies, text)
  const { origin, pathname } = connection.base
  const isAskedBelow = pathname !== '/' && status >= 200 && status < 500 && status !== 429
  const first = isAskedBelow ? [`Give the address without a path: streamstack doctor ${origin}`] : []
  return problem(CHECK, whatAnswered(head, text), [...first, ...cures])
}

function redirected(base: URL, location: string): Finding {
  const target = URL.canParse(location, base.href) ? new URL(location, base) : null
  const address = target === null ? location : `${target.origin}${target.pathname.replace(/\/v1\/probe$/, '')}`
  return problem(CHECK, `The address redirects to ${address}: a POST loses its body on that way.`, [
    `Call that address, and examine it: streamstack doctor ${address}`,
  ])
}

function whatAnswered({ status, headers }: Head, text: string): string {
  const type = headers['content-type'] ?? 'without a type'
  if (status === 200 && type.startsWith('text/event-stream') && text !== '') {
    return 'Streamstack seems to answer, but its first event is garbled.'
  }
  return `Something answers, but not Streamstack: status ${status}, ${type}.`
}

function strangerCures(status: number, proxies: Examination['proxies'], text: string): readonly string[] {
  switch (true) {
    case status === 401 || status === 403 || status === 407:
      return ['It wants to know who asks before the server is asked: send what it wants with --header "Name: value".']
    case status === 429:
      return ['It limits requests. Try again in a minute, or exempt this address.']
    case /HTTP request (?:was sent )?to (?:an )?HTTPS/i.test(text):
      return ['This port speaks TLS: use https://.']
    case status >= 500:
      return curesOf('bad-gateway', proxies)
    default:
      return [
        'Look at the address, its path included: doctor asks below it for /v1/probe. The proxy must pass every path of the server, /v1/ included.',
      ]
  }
}

function certificate({ validUntil }: TlsAgreement, insecure: boolean): Finding {
  if (insecure) return warning('certificate', 'Was not looked at (--insecure): browsers will.')
  if (validUntil === null || Number.isNaN(validUntil.getTime())) return ok('certificate', 'Is valid.')
  const days = Math.floor((validUntil.getTime() - Date.now()) / DAY_MS)
  const until = `valid until ${validUntil.toISOString().slice(0, 10)}`
  if (days >= CERTIFICATE_DAYS_MIN) return ok('certificate', `Is ${until}.`)
  return warning('certificate', `Is ${until}, ${days} days from now.`, ['See to it that it is renewed by itself.'])
}

/** How many streams a browser can read at once. */
function clientHttp({ httpVersion, base }: Connection, { proxies }: Examination): Finding {
  if (httpVersion === '2') return ok('HTTP version', 'HTTP/2: a browser reads as many streams at once as it likes.')
  const six = 'browsers open 6 connections to a host, all tabs together, and the seventh stream waits'
  if (isLoopback(base.hostname)) return ok('HTTP version', `HTTP/1.1, as usual on one's own machine: ${six}.`)
  return warning('HTTP version', `HTTP/1.1: ${six}.`, curesOf('http1', proxies))
}

/** Over HTTP/1.0 the end of a connection is the end of an answer, so a client cannot tell a cut from an end. */
function upstreamHttp({ http_version: version }: ProbeSeen, { proxies }: Examination): readonly Finding[] {
  if (version !== '1.0') return []
  return [
    warning(
      'HTTP to server',
      'The proxy speaks HTTP/1.0 to the server: a stream that breaks may look like one that is over, no connection is kept, and no WebSocket passes.',
      curesOf('http1.0', proxies),
    ),
  ]
}

function isLoopback(hostname: string): boolean {
  const host = hostname.replaceAll(/[[\]]/g, '')
  return (
    host === 'localhost' ||
    host.endsWith('.localhost') ||
    host === '::1' ||
    (isIP(host) === 4 && host.startsWith('127.'))
  )
}
