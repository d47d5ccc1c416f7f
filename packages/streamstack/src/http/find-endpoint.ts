import type { HTTPMethod } from 'find-my-way'
import { BrokenEndpoint, ChatResume, type Engine } from '../engine/index.ts'
import type { Plan } from '../plan/index.ts'

/** What endpoints answer to. No HEAD: it would start a run that nobody reads. */
const METHODS: readonly HTTPMethod[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']

export interface FoundEndpoint {
  readonly plan: Plan
  readonly pathParameters: Readonly<Record<string, string>>
  /** Whether the path is the one by which a chat of the endpoint is resumed. */
  readonly isResume: boolean
}

/** The endpoint of a path, which has no query; null: there is none for this method. Throws `endpoint_broken`. */
export function findEndpoint(
  { workspace: { router }, mode, observation }: Engine,
  method: string,
  path: string,
): FoundEndpoint | null {
  const found = METHODS.includes(method as HTTPMethod) ? router.find(method as HTTPMethod, path) : null
  if (found === null) return null
  const store: unknown = found.store
  if (store instanceof BrokenEndpoint) {
    const error = store.error(mode)
    observation.pathUnknown(error.code, error.status)
    throw error
  }
  const pathParameters = found.params as Record<string, string>
  if (store instanceof ChatResume) return { plan: store.plan, pathParameters, isResume: true }
  return { plan: found.store as Plan, pathParameters, isResume: false }
}

/** Methods that a path answers to. */
export function methodsAt({ workspace: { router } }: Engine, path: string): readonly string[] {
  return METHODS.filter((method) => router.find(method, path) !== null)
}
