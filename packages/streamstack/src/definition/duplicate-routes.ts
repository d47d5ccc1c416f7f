import type { EndpointDefinition, Issue } from './types.ts'

/**
 * An error for each endpoint whose method and path an earlier one (by file name) has already; names of path parameters
 * do not tell paths apart, so `/a/:x` and `/a/:y` are one path.
 */
export function duplicateRoutes(endpoints: Iterable<EndpointDefinition>): Issue[] {
  const issues: Issue[] = []
  const first = new Map<string, EndpointDefinition>()
  const sorted = [...endpoints].sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : 0))
  for (const endpoint of sorted) {
    const route = `${endpoint.method} ${endpoint.path.replace(/\/:[^/]+/g, '/:')}`
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
