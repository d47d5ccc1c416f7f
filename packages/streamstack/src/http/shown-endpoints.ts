import type { EndpointDefinition } from '../definition/types.ts'
import type { Exchange } from './exchange.ts'

/** The endpoints that the caller may know of: all to developers, to others those that they may call. */
export function shownEndpoints({ engine, caller }: Pick<Exchange, 'engine' | 'caller'>): readonly EndpointDefinition[] {
  const { workspace, access } = engine
  const showsAll = caller.kind === 'developer' || caller.kind === 'open'
  return [...workspace.plans.values()]
    .map(({ endpoint }) => endpoint)
    .filter((endpoint) => showsAll || access.mayCall(caller, endpoint.access))
}
