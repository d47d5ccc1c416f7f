import { type EndpointDefinition, pathParameters } from '../../definition/index.ts'
import type { RouteDescription } from '../route-table.ts'
import { components } from './components.ts'
import { endpointOperation } from './endpoint-operation.ts'
import type { JsonObject } from './json-value.ts'
import { ownOperation } from './own-operation.ts'

export interface DescribedApi {
  /** Null: the workspace has no name. */
  readonly name: string | null
  /** Where clients reach it; null: where the document comes from. */
  readonly url: string | null
  readonly endpoints: readonly EndpointDefinition[]
  /** Whether the settings limit the rate of all calls. */
  readonly limitsRate: boolean
  /** The server's own routes; empty: they are left out. */
  readonly routes: readonly RouteDescription[]
}

/** Methods that HTTP gives to every path; the table answers them without a row of their own. */
const IMPLIED_METHODS: ReadonlySet<string> = new Set(['HEAD', 'OPTIONS'])

/** Pages and their scripts, which browsers load and programs do not call. */
const PAGES = /^\/(?:console|dashboards|elements|elements\.js)(?:\/|$)/

/** The OpenAPI 3.1 document of a workspace, without what only its developers reach. */
export function openApiDocument({ name, url, endpoints, limitsRate, routes }: DescribedApi): JsonObject {
  const paths = new Map<string, Record<string, JsonObject>>()
  const ids = new OperationIds()
  const templates = new PathTemplates()
  const sorted = endpoints.toSorted((a, b) => compare(a.path, b.path) || compare(a.method, b.method))
  for (const endpoint of sorted) {
    const { template, names } = templates.of(endpoint.path)
    const id = ids.take(endpoint.name)
    pathItem(paths, template)[endpoint.method.toLowerCase()] = endpointOperation(endpoint, id, names, limitsRate)
  }
  for (const route of routes) {
    if (route.right === 'console' || IMPLIED_METHODS.has(route.method) || PAGES.test(route.path)) continue
    const item = pathItem(paths, route.path.replaceAll('...}', '}'))
    // An endpoint at the root goes before the server's list.
    const method = route.method.toLowerCase()
    item[method] ??= ownOperation(route, ids.take(`${method}${route.path}`))
  }
  return {
    openapi: '3.1.1',
    info: { title: name ?? 'Streamstack', version: '1' },
    servers: [{ url: url ?? '/' }],
    tags: [
      { name: 'Endpoints', description: 'Declared by the workspace.' },
      ...(routes.length > 0 ? [{ name: 'Server', description: 'Runs, channels and streams by name.' }] : []),
    ],
    paths: Object.fromEntries(paths),
    components,
  }
}

function pathItem(paths: Map<string, Record<string, JsonObject>>, path: string): Record<string, JsonObject> {
  let item = paths.get(path)
  if (item === undefined) paths.set(path, (item = {}))
  return item
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}

/** Paths that differ only in the names of their parameters are one path to OpenAPI: the first one names them. */
class PathTemplates {
  readonly #names = new Map<string, readonly string[]>()

  of(path: string): { template: string; names: readonly string[] } {
    const shape = path
      .split('/')
      .map((segment) => (segment.startsWith(':') ? ':' : segment))
      .join('/')
    const names = this.#names.get(shape) ?? pathParameters(path)
    this.#names.set(shape, names)
    let index = 0
    const template = path
      .split('/')
      .map((segment) => (segment.startsWith(':') ? `{${names[index++]}}` : segment))
      .join('/')
    return { template, names }
  }
}

/** Ids that generators can make names of functions from, each once. */
class OperationIds {
  readonly #taken = new Set<string>()

  take(wanted: string): string {
    const base = wanted.replaceAll(/[^A-Za-z0-9]+/g, '_').replaceAll(/^_+|_+$/g, '') || 'endpoint'
    let id = base
    for (let count = 2; this.#taken.has(id); count++) id = `${base}_${count}`
    this.#taken.add(id)
    return id
  }
}
