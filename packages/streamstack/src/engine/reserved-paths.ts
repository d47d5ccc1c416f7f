/** Paths that the server answers itself. */
const RESERVED = ['/v1/stream', '/v1/runs', '/v1/ws', '/healthz', '/readyz', '/metrics']

/** The server's own path that an endpoint's path would hide; null when there is none. */
export function reservedPath(path: string): string | null {
  return RESERVED.find((own) => path === own || path.startsWith(`${own}/`)) ?? null
}
