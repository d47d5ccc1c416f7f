import type { EndpointDefinition } from '../definition/types.ts'
import type { Exchange } from './exchange.ts'

/** The endpoints that the caller may know of. */
export function shownEndpoints({ engine, caller }: Pick<Exchange, 'engine' | 'caller'>): readonly EndpointDefinition[] {
  const { workspace, access } = engine
  return [...workspace.plans.values()]
    .map(({ endpoint }) => endpoint)
    .filter((endpoint) => access.maySee(caller, endpoint.access))
}
