import type { ProbeSeen } from '../http/index.ts'

/** What can stand before a server; the keys of `cures`. */
export type ProxyName =
  | 'nginx'
  | 'Caddy'
  | 'Apache'
  | 'HAProxy'
  | 'Traefik'
  | 'Envoy'
  | 'Varnish'
  | 'LiteSpeed'
  | 'Cloudflare'
  | 'CloudFront'
  | 'Fastly'
  | 'AWS load balancer'
  | 'API Gateway'
  | 'Google Cloud'
  | 'Azure'
  | 'Vercel'
  | 'Netlify'
  | 'Heroku'
  | 'Fly.io'

/** A proxy that gave itself away. */
export interface Proxy {
  readonly name: ProxyName
  /** What it said of itself, as `nginx/1.22.1`. */
  readonly banner: string
}

type Headers = Readonly<Record<string, string>>

/** By `Server` and `Via`, in the order in which they are looked for. */
const BANNERS: readonly (readonly [RegExp, ProxyName])[] = [
  [/cloudflare/i, 'Cloudflare'],
  [/cloudfront/i, 'CloudFront'],
  [/\bawselb\b/i, 'AWS load balancer'],
  [/google frontend|\bgoogle\b|\bgws\b/i, 'Google Cloud'],
  [/\bvercel\b/i, 'Vercel'],
  [/netlify/i, 'Netlify'],
  [/\bheroku|vegur|cowboy/i, 'Heroku'],
  [/fly\/|fly\.io/i, 'Fly.io'],
  [/microsoft-azure|azure/i, 'Azure'],
  [/nginx|openresty|tengine/i, 'nginx'],
  [/caddy/i, 'Caddy'],
  [/apache/i, 'Apache'],
  [/haproxy/i, 'HAProxy'],
  [/traefik/i, 'Traefik'],
  [/envoy/i, 'Envoy'],
  [/varnish/i, 'Varnish'],
  [/litespeed/i, 'LiteSpeed'],
]

/** By a header that only one of them sends. */
const MARKS: readonly (readonly [string, ProxyName])[] = [
  ['cf-ray', 'Cloudflare'],
  ['x-amz-cf-id', 'CloudFront'],
  ['x-amz-apigw-id', 'API Gateway'],
  ['apigw-requestid', 'API Gateway'],
  ['x-fastly-request-id', 'Fastly'],
  ['x-azure-ref', 'Azure'],
  ['x-vercel-id', 'Vercel'],
  ['x-nf-request-id', 'Netlify'],
  ['fly-request-id', 'Fly.io'],
  ['x-envoy-upstream-service-time', 'Envoy'],
  ['x-varnish', 'Varnish'],
]

/** The proxies that an answer, and what the server saw of the request, give away; the outermost first where that can be told. */
export function recogniseProxies(headers: Headers, seen: ProbeSeen | null, body = ''): readonly Proxy[] {
  const found = new Map<ProxyName, string>()
  const note = (name: ProxyName, banner: string): void => {
    if (!found.has(name)) found.set(name, banner)
  }
  for (const [header, name] of MARKS) if (headers[header] !== undefined) note(name, header)
  for (const header of ['server', 'via']) {
    const text = headers[header]
    if (text === undefined) continue
    for (const [pattern, name] of BANNERS) if (pattern.test(text)) note(name, text)
  }
  if (seen !== null) for (const [name, banner] of byForwarding(seen.forwarding)) note(name, banner)
  if (found.size === 0) for (const [name, banner] of byErrorPage(body)) note(name, banner)
  return Array.from(found, ([name, banner]) => ({ name, banner }))
}

/** Some say nothing to the client, but add headers of their own to the request. */
function byForwarding(names: readonly string[]): readonly (readonly [ProxyName, string])[] {
  const has = (name: string): boolean => names.includes(name)
  const found: (readonly [ProxyName, string])[] = []
  if (has('cf-ray') || has('cf-connecting-ip')) found.push(['Cloudflare', 'cf-ray'])
  if (has('x-amzn-trace-id')) found.push(['AWS load balancer', 'x-amzn-trace-id'])
  // Both send X-Forwarded-Server; Traefik alone says which port and which scheme.
  if (has('x-forwarded-server')) {
    found.push([has('x-forwarded-port') ? 'Traefik' : 'Apache', 'x-forwarded-server'])
  }
  return found
}

/** The built-in error pages. */
function byErrorPage(body: string): readonly (readonly [ProxyName, string])[] {
  if (/<center>(?:nginx|openresty)/i.test(body)) return [['nginx', 'its error page']]
  if (/^<html><body><h1>\d{3} [\w ]+<\/h1>/i.test(body)) return [['HAProxy', 'its error page']]
  if (/<address>Apache/i.test(body)) return [['Apache', 'its error page']]
  return []
}
