import type { Proxy, ProxyName } from './proxy.ts'

/** What can go wrong between server and client. */
export type Fault =
  | 'buffering'
  | 'delay'
  | 'compression'
  | 'rewriting'
  | 'caching'
  | 'request-headers'
  | 'response-headers'
  | 'cut'
  | 'leaving'
  | 'cors'
  | 'upgrade'
  | 'http1'
  | 'http1.0'
  | 'bad-gateway'

interface Cures extends Readonly<Partial<Record<ProxyName, string>>> {
  /** For what is not recognised, or is not in the list. */
  readonly other: string
}

const cures: Readonly<Record<Fault, Cures>> = {
  buffering: {
    nginx:
      '`proxy_buffering off;` and `gzip off;` in the location; no `proxy_ignore_headers X-Accel-Buffering;`. On an ingress: the annotation nginx.ingress.kubernetes.io/proxy-buffering: "off"',
    Caddy: 'no `response_buffers` (before 2.7: `buffer_responses`), no `flush_interval` and no `encode` for this site',
    Apache:
      '`SetEnv no-gzip 1` for this path; `flushpackets=on` on the ProxyPass line; no filter (mod_substitute, mod_ext_filter) on it',
    HAProxy: '`option http-no-delay` in the backend; no `compression` line and no `filter` that waits for the body',
    Traefik:
      'no `buffering` middleware on this router; `excludedContentTypes: [text/event-stream, application/x-ndjson]` on `compress`; `responseForwarding: { flushInterval: -1 }` on the service',
    Envoy: 'no `envoy.filters.http.buffer` and no compressor on this route',
    Varnish: '`return (pipe);` or `set beresp.do_stream = true;` and `set beresp.do_gzip = false;` for this path',
    Fastly: '`set beresp.do_stream = true;` and `return(pass);` for this path',
    Cloudflare:
      'Response Buffering off (Network), a Cache Rule "Bypass cache" and a Compression Rule "Disable compression" for this path; a Worker must return the body as a stream',
    CloudFront: 'the cache policy CachingDisabled, "Compress objects automatically" off for this path',
    'API Gateway':
      'REST and HTTP APIs wait for whole answers: use response streaming where it is offered, or a load balancer',
    Azure:
      'Application Gateway: response buffer off (`enableResponseBuffering: false`); Front Door: no caching, no compression',
    other:
      'Switch off buffering of responses, caching and everything that waits for whole bodies; let it obey X-Accel-Buffering: no and Cache-Control: no-transform, which the server sends',
  },
  delay: {
    HAProxy: '`option http-no-delay` in the backend',
    nginx: '`tcp_nodelay on;`',
    other:
      "Switch Nagle's algorithm off towards clients (TCP_NODELAY). HAProxy, which does not show itself: `option http-no-delay` in the backend",
  },
  compression: {
    nginx: '`gzip off;` (and `brotli off;`) in the location, or a `gzip_types` without text/event-stream and without *',
    Caddy: 'no `encode` for this path, or `encode` with a matcher on types that are not streams',
    Apache:
      '`SetEnv no-gzip 1` (and `SetEnv no-brotli 1`) for this path; no AddOutputFilterByType for text/event-stream',
    HAProxy: 'no `compression algo` in this backend, or a `compression type` that does not list text/event-stream',
    Traefik: '`excludedContentTypes: [text/event-stream, application/x-ndjson]` on the compress middleware',
    Envoy: 'no text/event-stream in `content_type` of the compressor filter',
    Varnish: '`set beresp.do_gzip = false;` for this path',
    Cloudflare: 'a Compression Rule "Disable compression" for this path',
    CloudFront: '"Compress objects automatically" off for this path',
    other:
      'Switch compression off for text/event-stream and application/x-ndjson; with `compression` of Express: a filter that leaves answers with no-transform alone',
  },
  rewriting: {
    nginx: 'no `sub_filter` and no `add_before_body` in the location',
    Apache: 'no mod_substitute, mod_proxy_html or other output filter on this path',
    Cloudflare: 'no HTML rewriting, Email Obfuscation or Worker that edits the body on this path',
    other: 'Take whatever edits bodies (filters, injected scripts, virus scanners, "data savers") off this path',
  },
  caching: {
    nginx: '`proxy_cache off;` in the location; no `proxy_ignore_headers Cache-Control;`',
    Cloudflare: 'a Cache Rule "Bypass cache" for this path',
    CloudFront: 'the cache policy CachingDisabled for this path',
    Varnish: '`return (pass);` for this path',
    Fastly: '`return(pass);` for this path',
    other: 'Switch caching off for this path; the server sends Cache-Control: no-cache',
  },
  'request-headers': {
    nginx:
      'no `proxy_set_header` that empties them and `proxy_pass_request_headers on;`; a location that sets one header inherits none from above',
    Apache: 'no `RequestHeader unset` for them',
    HAProxy: 'no `http-request del-header` for them',
    CloudFront: 'the origin request policy AllViewer, as only listed headers are passed on',
    'API Gateway': 'list them under the request parameters of the integration',
    other: 'Let Authorization, Last-Event-ID and Idempotency-Key pass to the server',
  },
  'response-headers': {
    nginx: 'no `proxy_hide_header` for them; no `proxy_ignore_headers`; no `add_header Cache-Control`, no `expires`',
    Apache: 'no `Header unset` or `Header set` for them; no mod_expires on this path',
    HAProxy: 'no `http-response del-header` and no `http-response set-header` for them',
    Cloudflare: 'no Transform Rule that removes them; Browser Cache TTL: Respect Existing Headers',
    CloudFront: 'no response headers policy that removes or overrides them',
    other: "Let the server's own headers pass as they are",
  },
  cut: {
    nginx: '`proxy_read_timeout 1h;` and `proxy_send_timeout 1h;` (60 s by default)',
    Caddy: 'no `read_timeout` in `transport http`, no `write` in `servers { timeouts }`',
    Apache: '`timeout=3600` on the ProxyPass line, or `ProxyTimeout 3600` (default: Timeout, 60 s)',
    HAProxy: '`timeout server 1h`, `timeout client 1h` and `timeout tunnel 1h`',
    Traefik: '`respondingTimeouts: { writeTimeout: 0 }` on the entry point',
    Envoy: '`timeout: 0s` on the route (15 s by default) and `stream_idle_timeout: 1h`',
    Cloudflare:
      'nothing: 120 s without a byte are its end (100 s formerly), except Enterprise; a shorter heartbeat helps',
    'AWS load balancer': '`idle_timeout.timeout_seconds=4000` (60 by default)',
    'API Gateway': 'nothing: it ends every answer after 29 or 30 s; use a load balancer',
    'Google Cloud':
      '`--timeout=3600` on the backend service (30 s in all by default); Cloud Run: the request timeout, at most 60 min',
    Azure: 'the request timeout of the backend settings (20 s by default); App Service: 230 s of silence at most',
    Heroku: 'nothing: 55 s without a byte are its end; a shorter heartbeat helps',
    CloudFront: 'the origin response timeout (30 s by default, between two packets)',
    other:
      'Raise its idle and read timeouts above the longest silence, and its limit of time for a whole answer above the longest run',
  },
  leaving: {
    nginx: 'no `proxy_ignore_client_abort on;`, no `proxy_cache`/`proxy_store` that reads to the end',
    HAProxy: '`option abortonclose` in the backend',
    Varnish: '`return (pipe);` for this path',
    Apache: 'nothing: it looks at the client when it writes, so the next chunk or heartbeat tells it',
    Caddy: 'no `flush_interval -1`, which means to read on',
    other:
      'Let it close its connection to the server when the client closes. HAProxy, which does not show itself: `option abortonclose` in the backend',
  },
  cors: {
    nginx: 'no `add_header Access-Control-…` and no answer to OPTIONS of its own',
    Caddy: 'no `header Access-Control-…`',
    Apache: 'no `Header … Access-Control-…`',
    Traefik: 'no `accessControl…` in a headers middleware',
    CloudFront: 'allow OPTIONS, and the origin request policy AllViewer',
    Cloudflare: 'no Transform Rule for Access-Control-…',
    other: 'Leave CORS to the server: let OPTIONS and the header Origin pass, and add no Access-Control-… headers',
  },
  upgrade: {
    nginx:
      '`proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;` with the map of docs/proxies.md',
    Apache: '`upgrade=websocket` on the ProxyPass line (2.4.47 and newer), else mod_proxy_wstunnel',
    Caddy: 'nothing is needed in reverse_proxy; look for `header_up -Upgrade`',
    HAProxy: 'nothing is needed in `mode http`; `timeout tunnel 1h` keeps it open',
    Traefik: 'nothing is needed; look for a headers middleware that removes Upgrade or Connection',
    Envoy: '`upgrade_configs: [{ upgrade_type: websocket }]`',
    Cloudflare: 'Network → WebSockets: on',
    CloudFront: 'the origin request policy AllViewer, so that Sec-WebSocket-* pass',
    other: 'Let the headers Upgrade and Connection pass over HTTP/1.1 to the server',
  },
  http1: {
    nginx: '`listen 443 ssl; http2 on;` (before 1.25.1: `listen 443 ssl http2;`)',
    Caddy: 'nothing: with https:// it speaks HTTP/2; look for `protocols h1`',
    Apache: '`Protocols h2 http/1.1` with mod_http2 and mpm_event',
    HAProxy: '`bind :443 ssl crt <file> alpn h2,http/1.1`',
    Traefik: 'nothing: with TLS it speaks HTTP/2; look for `alpnProtocols` in the TLS options',
    Cloudflare: 'Speed → Protocol: HTTP/2 on',
    other: 'Switch on TLS and HTTP/2 towards clients: browsers speak it over https:// alone',
  },
  'http1.0': {
    nginx: '`proxy_http_version 1.1; proxy_set_header Connection "";`',
    Apache: 'no `SetEnv force-proxy-request-1.0` and no `proxy-nokeepalive`',
    other: 'Let it speak HTTP/1.1 to the server',
  },
  'bad-gateway': {
    nginx: 'look at its error log; `proxy_pass` must name where `streamstack serve` listens',
    other:
      "Look at its log, whether `streamstack serve` runs, and whether the proxy's upstream is its address and port",
  },
}

/** What to set: for each proxy that was recognised, else what to look for. */
export function curesOf(fault: Fault, proxies: readonly Proxy[]): readonly string[] {
  const known = proxies.flatMap(({ name }) => {
    const cure = cures[fault][name]
    return cure === undefined ? [] : [`${name}: ${cure}.`]
  })
  return known.length > 0 ? known : [`${cures[fault].other}.`]
}
