import type { HTTPMethod } from 'find-my-way'
import { BrokenEndpoint, type Engine } from '../engine/index.ts'
import type { Plan } from '../plan/index.ts'

/** What endpoints answer to. No HEAD: it would start a run that nobody reads. */
const METHODS: readonly HTTPMethod[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']

/** The endpoint of a path, which has no query; null: there is none for this method. Throws `endpoint_broken`. */
export function findEndpoint(
  { workspace: { router }, mode, observation }: Engine,
  method: string,
  path: string,
): { plan: Plan; pathParameters: Readonly<Record<string, string>> } | null {
  const found = METHODS.includes(method as HTTPMethod) ? router.find(method as HTTPMethod, path) : null
  if (found === null) return null
  const store: unknown = found.store
  if (store instanceof BrokenEndpoint) {
    const error = store.error(mode)
    observation.pathUnknown(error.code, error.status)
    throw error
  }
  return { plan: found.store as Plan, pathParameters: found.params as Record<string, string> }
}

/** Methods that a path answers to. */
export function methodsAt({ workspace: { router } }: Engine, path: string): readonly string[] {
  return METHODS.filter((method) => router.find(method, path) !== null)
}
