/** Which pages of other origins may call: `server.cors` in `streamstack.yaml`. */
export interface CorsSettings {
  /** `*`, `null`, origins as `https://app.example.com`, subdomains as `https://*.weweb.app`, any port as `http://localhost:*`. */
  origins: readonly string[]
  /** Whether browsers may send cookies. Tokens in the Authorization header do not need it. */
  credentials: boolean
  /** How long browsers may remember a preflight's answer. */
  maxAgeSeconds: number
}

/** What of a request matters to CORS: the values of the headers in question, undefined where absent. */
export interface CorsRequest {
  origin: string | undefined
  method: string
  /** Access-Control-Request-Method. */
  requestMethod: string | undefined
  /** Access-Control-Request-Headers. */
  requestHeaders: string | undefined
  /** Access-Control-Request-Private-Network. */
  privateNetwork: string | undefined
}

const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'

const REQUEST_HEADERS = [
  'Authorization',
  'Content-Type',
  'Accept',
  'Last-Event-ID',
  'Idempotency-Key',
  'If-None-Match',
  'X-Branch',
  'X-Data-Source',
]

/** Response headers that scripts may read; the rest of Durable Streams' are here too. */
const EXPOSED_HEADERS = [
  'Stream-Run',
  'Stream-Url',
  'Stream-Next-Offset',
  'Stream-Cursor',
  'Stream-Up-To-Date',
  'Stream-Closed',
  'Stream-TTL',
  'Stream-Expires-At',
  'Stream-First-Offset',
  'Stream-SSE-Data-Encoding',
  'Producer-Epoch',
  'Producer-Seq',
  'Producer-Expected-Seq',
  'Producer-Received-Seq',
  'Retry-After',
  'Location',
  'ETag',
  'WWW-Authenticate',
  'Content-Disposition',
  'X-Vercel-AI-UI-Message-Stream',
]

const REQUESTED_HEADERS_MAX = 50

/** Whether a request is a browser's question beforehand, which never reaches an endpoint (Fetch standard, CORS-preflight). */
export function isPreflight(request: CorsRequest): boolean {
  return request.method === 'OPTIONS' && request.origin !== undefined && request.requestMethod !== undefined
}

/** Whether pages of this origin may call. Also the question to ask before a WebSocket is opened, which CORS does not guard. */
export function isOriginAllowed(settings: CorsSettings, origin: string): boolean {
  const asked = origin.toLowerCase()
  return settings.origins.some((entry) => {
    const allowed = entry.toLowerCase()
    // With cookies at stake every sandboxed frame would pass as `null`: it must be listed by name.
    if (allowed === '*') return asked !== 'null' || !settings.credentials
    return allowed === asked || (allowed.includes('*') && matchesPattern(allowed, asked))
  })
}

/**
 * The CORS headers of an answer, problem answers included: a page cannot read a 401 that lacks them. To a preflight
 * they are the whole answer, with status 204. An origin that is not allowed gets only `Vary`, so that caches keep the
 * answers apart. Null: CORS is off, no origin is listed.
 */
export function corsHeaders(settings: CorsSettings, request: CorsRequest): Record<string, string> | null {
  if (settings.origins.length === 0) return null
  const answersAll = settings.origins.includes('*') && !settings.credentials
  const headers: Record<string, string> = {}
  const varies = answersAll ? [] : ['Origin']
  const isAllowed = request.origin !== undefined && isOriginAllowed(settings, request.origin)
  if (isAllowed && request.origin !== undefined) {
    headers['Access-Control-Allow-Origin'] = answersAll ? '*' : request.origin
    if (settings.credentials) headers['Access-Control-Allow-Credentials'] = 'true'
  }
  if (isPreflight(request)) {
    varies.push('Access-Control-Request-Method', 'Access-Control-Request-Headers')
    if (isAllowed) Object.assign(headers, preflightHeaders(settings, request))
  } else if (isAllowed) {
    // Without cookies the star exposes what stacks set themselves, too; with cookies it means a header of that name.
    headers['Access-Control-Expose-Headers'] = [...EXPOSED_HEADERS, ...(settings.credentials ? [] : ['*'])].join(', ')
  }
  if (varies.length > 0) headers['Vary'] = varies.join(', ')
  return headers
}

/** What is wrong with an entry of `server.cors.origins`, and the cure; null when it can be used. */
export function corsOriginFault(entry: string): string | null {
  if (entry === '*' || entry === 'null') return null
  const example = 'Write it as https://app.example.com, https://*.example.com or http://localhost:*.'
  const match = /^(https?):\/\/(\*\.)?([^/*@?#:\s[\]]+|\[[0-9a-f:.]+\])(:(\d{1,5}|\*))?$/i.exec(entry)
  if (match === null) {
    if (/^https?:\/\/[^/]+\/+/i.test(entry)) return `An origin has no path, not even a slash at its end. ${example}`
    return `This is not an origin. ${example}`
  }
  const [, scheme, star, host, , port] = match
  if (star !== undefined && !host?.includes('.')) return `A star may not stand for a whole domain. ${example}`
  const isDefaultPort = port === (scheme?.toLowerCase() === 'https' ? '443' : '80')
  return isDefaultPort ? `Browsers leave out the port ${port}: leave it out too. ${example}` : null
}

function preflightHeaders(settings: CorsSettings, request: CorsRequest): Record<string, string> {
  const headers: Record<string, string> = {
    'Access-Control-Allow-Methods': METHODS,
    'Access-Control-Allow-Headers': allowedHeaders(request.requestHeaders),
    'Access-Control-Max-Age': String(settings.maxAgeSeconds),
  }
  // Pages on the public web that call a server on this machine or its network (Private Network Access).
  if (request.privateNetwork?.toLowerCase() === 'true') headers['Access-Control-Allow-Private-Network'] = 'true'
  return headers
}

/** Asked-for names are granted as they are: which headers a request carries decides nothing here but for the token. */
function allowedHeaders(requested: string | undefined): string {
  const names = new Map(REQUEST_HEADERS.map((name) => [name.toLowerCase(), name]))
  for (const part of (requested ?? '').split(',').slice(0, REQUESTED_HEADERS_MAX)) {
    const name = part.trim()
    if (/^[\w!#$%&'*+.^`|~-]{1,100}$/.test(name) && !names.has(name.toLowerCase())) names.set(name.toLowerCase(), name)
  }
  return [...names.values()].join(', ')
}

/** `https://*.weweb.app` stands for every subdomain, not for the domain itself; `:*` for every port and none. */
function matchesPattern(pattern: string, origin: string): boolean {
  const asked = splitOrigin(origin)
  const wanted = splitOrigin(pattern)
  if (asked === null || wanted === null || asked.scheme !== wanted.scheme) return false
  if (wanted.port !== '*' && wanted.port !== asked.port) return false
  if (!wanted.host.startsWith('*.')) return wanted.host === asked.host
  const domain = wanted.host.slice(1)
  return asked.host.endsWith(domain) && /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(asked.host.slice(0, -domain.length))
}

function splitOrigin(origin: string): { scheme: string; host: string; port: string } | null {
  const match = /^(https?):\/\/([^/:@?#[\]]+|\[[0-9a-f:.]+\])(?::(\d{1,5}|\*))?$/.exec(origin)
  if (match === null) return null
  return { scheme: match[1] ?? '', host: match[2] ?? '', port: match[3] ?? '' }
}
