import type { HTTPMethod } from 'find-my-way'
import type { FormatName } from '@streamstack/protocol'
import { BrokenEndpoint, ChatResume, type Engine } from '../../engine/index.ts'
import type { Plan } from '../../plan/index.ts'
import { pathsBehind } from './xano-path.ts'

/** What endpoints answer to. No HEAD: it would start a run without a reader. */
const METHODS: readonly HTTPMethod[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']

export interface FoundEndpoint {
  readonly plan: Plan
  readonly pathParameters: Readonly<Record<string, string>>
  /** Whether the path is the one by which a chat of the endpoint is resumed. */
  readonly isResume: boolean
  /** The format that the path stands for; null: it stands for none. */
  readonly format: FormatName | null
}

/** The endpoint of a path, which has no query; null: there is none for this method. Throws `endpoint_broken`. */
export function findEndpoint(engine: Engine, method: string, path: string): FoundEndpoint | null {
  const found = endpointAt(engine, method, path)
  if (found !== null) return found
  for (const behind of xanoPaths(engine, path)) {
    const aliased = endpointAt(engine, method, behind)
    if (aliased !== null && !aliased.isResume) return { ...aliased, format: 'xano' }
  }
  return null
}

function endpointAt(
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
  if (store instanceof ChatResume) return { plan: store.plan, pathParameters, isResume: true, format: null }
  return { plan: found.store as Plan, pathParameters, isResume: false, format: null }
}

/** Methods that a path answers to. */
export function methodsAt(engine: Engine, path: string): readonly string[] {
  const { router } = engine.workspace
  const behind = xanoPaths(engine, path)
  return METHODS.filter((method) => {
    if (router.find(method, path) !== null) return true
    return behind.some((one) => {
      const store: unknown = router.find(method, one)?.store ?? null
      return store !== null && !(store instanceof ChatResume)
    })
  })
}

function xanoPaths({ settings }: Engine, path: string): readonly string[] {
  return settings.server.xano ? pathsBehind(path) : []
}
