import type { ProbeSeen } from '../../http/index.ts'
import { curesOf } from '../cures.ts'
import type { Examination } from '../examination.ts'
import { type Finding, ok, problem, warning } from '../finding.ts'
import type { Reading } from '../read-probe.ts'
import type { Proxy, ProxyName } from '../proxy.ts'
import { inTime, listed } from '../words.ts'

const CHECK = 'silence'
/** A heartbeat that comes just in time comes too late on a bad day. */
const HEARTBEAT_SHARE_MAX = 0.8

/** Limits that are set nowhere are those that products come with: seconds, whose, which. */
const KNOWN_LIMITS: readonly (readonly [number, ProxyName | null, string])[] = [
  [10, null, 'serverless functions of small plans'],
  [15, 'Envoy', 'the timeout of a route'],
  [20, 'Azure', 'Application Gateway, the request timeout'],
  [30, 'Google Cloud', 'the timeout of a backend service'],
  [30, 'API Gateway', 'the integration timeout'],
  [30, 'CloudFront', 'the origin response timeout'],
  [50, 'HAProxy', 'timeout server, timeout client'],
  [55, 'Heroku', 'H15'],
  [60, 'nginx', 'proxy_read_timeout'],
  [60, 'Apache', 'Timeout'],
  [60, 'AWS load balancer', 'idle_timeout'],
  [60, 'Fly.io', 'idle_timeout'],
  [100, 'Cloudflare', 'the proxy read timeout, formerly'],
  [120, 'Cloudflare', 'the proxy read timeout'],
  [120, 'Vercel', 'the origin timeout of its CDN'],
  [230, 'Azure', 'App Service'],
  [240, 'Azure', 'load balancers'],
  [300, 'Apache', 'Timeout, as Debian ships it'],
  [300, 'Google Cloud', 'Cloud Run'],
]

/** Says nothing for a while, once with heartbeats as every stream has them and once without. */
export async function silence(
  examination: Examination,
  seen: ProbeSeen,
  silenceMs: number,
): Promise<readonly Finding[]> {
  const probe = { chunks: 1, interval: 100, silence: silenceMs }
  const [kept, bare] = await Promise.all([examination.probe(probe), examination.probe({ ...probe, heartbeats: false })])
  const heartbeatMs = seen.heartbeat_ms
  if (kept.seen === null || bare.seen === null) {
    const status = (kept.seen === null ? kept : bare).exchange.head?.status ?? 'nothing'
    return [
      warning(CHECK, `The long test did not begin: the answer was ${status}.`, [
        'The server allows few of them at once. Try again when no other doctor asks.',
      ]),
    ]
  }
  const times = { heartbeatMs, silenceMs }
  return [withHeartbeats(examination, kept, times), ...withoutHeartbeats(examination, bare, times)]
}

interface Times {
  readonly heartbeatMs: number
  readonly silenceMs: number
}

function withHeartbeats({ proxies }: Examination, kept: Reading, { heartbeatMs, silenceMs }: Times): Finding {
  const every = `with a heartbeat every ${inTime(heartbeatMs)}`
  if (kept.isWhole) return ok(CHECK, `A stream that is silent for ${inTime(silenceMs)} comes through ${every}.`)
  const { durationMs } = kept.exchange
  const isTooEarly = durationMs < heartbeatMs * 1.1
  const cause = isTooEarly
    ? `before the first heartbeat: nothing may be silent for that long there${whose(durationMs, proxies)}`
    : `although it was never silent for longer: something bounds the whole answer${whose(durationMs, proxies)}`
  return problem(CHECK, `A stream was cut after ${inTime(durationMs)} ${every}, ${cause}.`, [
    ...(isTooEarly ? [lowerHeartbeat(durationMs)] : []),
    ...curesOf('cut', proxies),
  ])
}

function withoutHeartbeats(
  { proxies }: Examination,
  bare: Reading,
  { heartbeatMs, silenceMs }: Times,
): readonly Finding[] {
  const check = 'idle timeout'
  if (bare.isWhole) return [ok(check, `None within ${inTime(silenceMs)}.`)]
  const { durationMs, ending } = bare.exchange
  const cut = `Without heartbeats a silent stream was cut after ${inTime(durationMs)}${whose(durationMs, proxies)}`
  const falsely = ending === 'clean' ? ', and looked complete to HTTP' : ''
  if (heartbeatMs > durationMs * HEARTBEAT_SHARE_MAX) {
    return [
      problem(check, `${cut}${falsely}; heartbeats come only every ${inTime(heartbeatMs)}.`, [
        lowerHeartbeat(durationMs),
        ...curesOf('cut', proxies),
      ]),
    ]
  }
  return [
    warning(
      check,
      `${cut}${falsely}. The heartbeat every ${inTime(heartbeatMs)} prevents that, except in \`lines\`, \`text\` and \`json\`, which have none.`,
      curesOf('cut', proxies),
    ),
  ]
}

function lowerHeartbeat(cutMs: number): string {
  const seconds = Math.max(1, Math.floor(cutMs / 2_000))
  return `\`streams: { heartbeat: ${seconds}s }\` in streamstack.yaml.`
}

/** Whose limit that may be: of what was recognised, else of all that come with such a one. */
function whose(ms: number, proxies: readonly Proxy[]): string {
  const near = KNOWN_LIMITS.filter(([seconds]) => Math.abs(ms / 1_000 - seconds) <= Math.max(1, seconds * 0.03))
  const recognised = near.filter(([, name]) => proxies.some((proxy) => proxy.name === name))
  const texts = (recognised.length > 0 ? recognised : near).map(([, name, what]) =>
    name === null ? what : `${name} (${what})`,
  )
  return texts.length === 0 ? '' : `, as by default ${listed(texts)}`
}
