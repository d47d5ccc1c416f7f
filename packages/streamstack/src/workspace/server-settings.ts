import { z } from 'zod'
import { corsOriginFault, hostEntryFault, proxyEntryFault } from '../access/index.ts'
import {
  addProblem,
  byteSize,
  byteSizeFrom,
  duration,
  durationWithUnit,
  flag,
  names,
  OBJECT_MESSAGE,
  text,
  wholeNumber,
} from './setting-types.ts'

export const tlsShape = {
  cert: text.describe(
    'File of the certificate chain (PEM), from the workspace folder. If set, the server speaks HTTPS and HTTP/2. A renewed file is loaded within 10 s.',
  ),
  hsts: durationWithUnit()
    .prefault('180d')
    .describe(
      'How long browsers use only HTTPS for this host after an HTTPS answer (max-age of Strict-Transport-Security); 0s sends no such header. Never sent for names of this machine or by `streamstack dev`.',
    ),
  key: text.describe('File of its private key (PEM).'),
  redirect_port: wholeNumber(1, 65_535)
    .optional()
    .describe('Port for plain HTTP, which redirects to HTTPS. If omitted, the server does not listen for plain HTTP.'),
}

export const corsShape = {
  origins: names('must be a list of origins such as https://app.example, or "*"')
    .superRefine((origins, context) => {
      for (const [index, origin] of origins.entries()) addProblem(context, index, corsOriginFault(origin))
    })
    .prefault([])
    .describe('Origins of browser pages that may call, or "*". Without any, other origins are not let in.'),
  credentials: flag.prefault(false).describe('Whether pages may send cookies along; not together with "*".'),
  max_age: durationWithUnit().prefault('10m').describe('How long browsers may remember the answer to a preflight.'),
}

export const websocketShape = {
  max_connections: wholeNumber(1, 1_000_000)
    .prefault(10_000)
    .describe('Most WebSocket connections at once; further ones are closed with 1013.'),
  max_streams: wholeNumber(1, 100_000)
    .prefault(100)
    .describe('Most streams, channels and publishes that are open on one connection at once.'),
  message_rate: wholeNumber(1, 1_000_000)
    .prefault(200)
    .describe('Messages a second of one connection; after a burst, more close it with 4429.'),
  queue_bytes: byteSizeFrom(65_536, 'must be a size of at least 64kb')
    .prefault('64kb')
    .describe('How much may wait for one connection to take it, all of its streams together; then they pause.'),
  slow_timeout: duration(100)
    .prefault('1m')
    .describe('A connection that takes nothing of what waits for so long is closed with 4440.'),
  auth_timeout: duration(100)
    .prefault('10s')
    .describe('How long a connection without a token may ask for nothing before it is closed with 4408.'),
}

/** `server`: the address, connections, HTTPS, CORS, proxies and WebSockets. */
export const serverShape = {
  host: text.default('127.0.0.1').describe('Address to listen on; 0.0.0.0 for all of the machine.'),
  hosts: names('must be a list of host names such as api.example.com')
    .superRefine((hosts, context) => {
      for (const [index, host] of hosts.entries()) addProblem(context, index, hostEntryFault(host))
    })
    .optional()
    .describe(
      'Accepted hosts of requests, such as api.example.com or *.example.com; others get 421. If omitted, `streamstack serve` accepts every host, which allows DNS rebinding. `streamstack dev` accepts only names of this machine.',
    ),
  public_url: text
    .refine((url) => /^https?:\/\/[^/?#@\s]+$/i.test(url), 'must be an origin such as https://api.example.com')
    .optional()
    .describe('URL at which clients reach the server, for URLs that it sends to webhooks.'),
  forwarded: z
    .enum(['x-forwarded', 'forwarded'], 'must be x-forwarded or forwarded')
    .default('x-forwarded')
    .describe(
      'Which headers the trusted proxies set: X-Forwarded-For, -Host and -Proto, or Forwarded (RFC 7239). The server ignores the other kind, because a client could have sent it.',
    ),
  slow_timeout: duration(100)
    .prefault('1m')
    .describe(
      'A client is disconnected if it reads nothing for this long from a complete answer or a stream without an end. For WebSockets set `server.websocket.slow_timeout`.',
    ),
  trusted_proxies: names('must be a list of addresses such as 10.0.0.5 or 10.0.0.0/8')
    .superRefine((entries, context) => {
      for (const [index, entry] of entries.entries()) addProblem(context, index, proxyEntryFault(entry))
    })
    .prefault([])
    .describe(
      'Addresses of proxies in front of the server. The server trusts their headers for the address, host and scheme of the client (`server.forwarded`), and ignores these headers from all other addresses.',
    ),
  port: wholeNumber(0, 65_535).prefault(8080).describe('Port to listen on; 0 takes any free one.'),
  max_connections: wholeNumber(1, 1_000_000)
    .prefault(20_000)
    .describe(
      'Maximum number of open connections, WebSockets and HTTP/2 sessions included; further ones are closed at once.',
    ),
  body_limit: byteSize.prefault('1mb').describe('Largest request body; a larger one is answered with 413.'),
  errors: z
    .enum(['detailed', 'public'], 'must be detailed or public')
    .optional()
    .describe(
      'Details of failures for callers and catch blocks. detailed: the whole message; public: for failures inside the workspace only the kind of failure and the id of the run, under which the log has the whole message. Default: detailed for `streamstack dev`, public for `streamstack serve`.',
    ),
  half_close: flag
    .prefault(false)
    .describe(
      'Whether a client may close its side of the connection after its request and still get the answer (RFC 9112 §9.6). By default this counts as a disconnect, because the server cannot distinguish the two.',
    ),
  stop_grace: duration(0)
    .prefault('10s')
    .describe('How long active runs may continue after SIGTERM; then they are cancelled.'),
  tls: z.strictObject(tlsShape, OBJECT_MESSAGE).optional(),
  xano: flag
    .prefault(false)
    .describe(
      "Whether Xano's URLs reach the endpoints: `/api:<canonical>[:<branch>]/<name>` is the endpoint `/name` or `/api/name`, answered in the format `xano`, so that @xano/js-sdk streams from this server. A proxy that guards a path must guard these URLs, too.",
    ),
  cors: z.strictObject(corsShape, OBJECT_MESSAGE).prefault({}),
  websocket: z.strictObject(websocketShape, OBJECT_MESSAGE).prefault({}),
}

/** `server` as the program uses it. */
export interface ServerSettings {
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  /** Null: no list. */
  readonly hosts: readonly string[] | null
  /** Without a slash at its end; null: where it listens. */
  readonly publicUrl: string | null
  /** Addresses and networks. */
  readonly trustedProxies: readonly string[]
  readonly forwarded: 'x-forwarded' | 'forwarded'
  /** Null: by the mode. */
  readonly errors: 'detailed' | 'public' | null
  readonly halfClose: boolean
  readonly maxConnections: number
  /** Whether Xano's URLs call the endpoints. */
  readonly xano: boolean
  readonly bodyLimitBytes: number
  readonly stopGraceMs: number
  readonly tls: {
    readonly certFile: string
    readonly keyFile: string
    readonly hstsSeconds: number
    readonly redirectPort: number | null
  } | null
  /** No origins: other origins are not let in. */
  readonly cors: {
    readonly origins: readonly string[]
    readonly credentials: boolean
    readonly maxAgeSeconds: number
  }
  /** Time for which a client may stop reading a complete answer. */
  readonly slowTimeoutMs: number
  /** Bounds of `/v1/ws`; all but the first are of one connection. */
  readonly websocket: {
    readonly maxConnections: number
    /** What is open at once. */
    readonly maxStreams: number
    /** Messages a second. */
    readonly messageRate: number
    readonly queueBytesMax: number
    /** How long it may take nothing of what waits for it. */
    readonly slowTimeoutMs: number
    /** How long it may ask for nothing while it has no token. */
    readonly authTimeoutMs: number
  }
}

/** Returns the checked section in the shape that the program uses. `absolute` resolves a path from the workspace folder. */
export function serverSettings(
  server: z.output<z.ZodObject<typeof serverShape>>,
  absolute: (path: string) => string,
): ServerSettings {
  return {
    host: server.host,
    port: server.port,
    hosts: server.hosts ?? null,
    publicUrl: server.public_url ?? null,
    trustedProxies: server.trusted_proxies,
    forwarded: server.forwarded,
    errors: server.errors ?? null,
    halfClose: server.half_close,
    maxConnections: server.max_connections,
    xano: server.xano,
    bodyLimitBytes: server.body_limit,
    stopGraceMs: server.stop_grace,
    tls:
      server.tls === undefined
        ? null
        : {
            certFile: absolute(server.tls.cert),
            keyFile: absolute(server.tls.key),
            hstsSeconds: server.tls.hsts,
            redirectPort: server.tls.redirect_port ?? null,
          },
    cors: { origins: server.cors.origins, credentials: server.cors.credentials, maxAgeSeconds: server.cors.max_age },
    slowTimeoutMs: server.slow_timeout,
    websocket: {
      maxConnections: server.websocket.max_connections,
      maxStreams: server.websocket.max_streams,
      messageRate: server.websocket.message_rate,
      queueBytesMax: server.websocket.queue_bytes,
      slowTimeoutMs: server.websocket.slow_timeout,
      authTimeoutMs: server.websocket.auth_timeout,
    },
  }
}
