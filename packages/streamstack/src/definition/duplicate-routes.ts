import type { EndpointDefinition, Issue } from './types.ts'

/**
 * An error for each endpoint whose method and path an earlier one (by file name) has already; names of path parameters
 * do not tell paths apart, so `/a/:x` and `/a/:y` are one path. A file that serves a route already, in `holders` by
 * `routeOf`, goes before all others.
 */
export function duplicateRoutes(
  endpoints: Iterable<EndpointDefinition>,
  holders: ReadonlyMap<string, string> = new Map(),
): Issue[] {
  const issues: Issue[] = []
  const first = new Map<string, EndpointDefinition>()
  const waits = (endpoint: EndpointDefinition): number => (holders.get(routeOf(endpoint)) === endpoint.file ? 0 : 1)
  const sorted = [...endpoints].sort((a, b) => waits(a) - waits(b) || (a.file < b.file ? -1 : a.file > b.file ? 1 : 0))
  for (const endpoint of sorted) {
    const route = routeOf(endpoint)
    const earlier = first.get(route)
    if (earlier === undefined) {
      first.set(route, endpoint)
      continue
    }
    issues.push({
      severity: 'error',
      message: `${endpoint.method} ${endpoint.path} is already the path of ${earlier.file}; change one of the two.`,
      position: endpoint.position,
    })
  }
  return issues
}

/** Method and path, without the names of path parameters. */
export function routeOf({ method, path }: Pick<EndpointDefinition, 'method' | 'path'>): string {
  return `${method} ${path.replace(/\/:[^/]+/g, '/:')}`
}
