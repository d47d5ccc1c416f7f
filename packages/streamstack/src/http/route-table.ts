import findMyWay, { type HTTPMethod, type Instance } from 'find-my-way'
import type { Operation, Route } from './route.ts'

/** Methods in the order in which `Allow` names them. */
const METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/** Longer segments of a path are no parameter of any route. */
const PARAMETER_CHARACTERS_MAX = 2_048

/** A path of the table with all of its methods. */
export interface RoutePath {
  readonly byMethod: ReadonlyMap<string, Route>
  /** What every path of it begins with. */
  readonly prefix: string
  /** As `Allow` wants them. */
  readonly allowed: readonly string[]
  /** What a caller with another method most likely means; empty: nothing is known of that. */
  readonly cure: string
}

export interface FoundPath {
  readonly path: RoutePath
  readonly parameters: Readonly<Record<string, string>>
}

/** Finds rows by path first: whichever methods it has, a path belongs to the row that fits it best. */
export class RouteTable {
  readonly #router: Instance<never> = findMyWay({ maxParamLength: PARAMETER_CHARACTERS_MAX })

  constructor(routes: readonly Route[]) {
    const byPath = Map.groupBy(routes, ({ path }) => path)
    for (const [path, rows] of byPath) this.#router.on(TREE, routerPath(path), nothing, routePath(path, rows))
  }

  /**
   * Null: the path is not the server's own. A path has one spelling only, so that a proxy in front which guards `/v1/runs` need not know that `/v1/%72uns`
   * would be the same: outside of parameters nothing may be escaped.
   */
  find(path: string): FoundPath | null {
    const found = this.#router.find(TREE, path)
    if (found === null) return null
    const own = found.store as RoutePath
    return path.startsWith(own.prefix) ? { path: own, parameters: found.params as Record<string, string> } : null
  }
}

/** All rows stand in the tree of one method, so that paths are compared and methods are not. */
const TREE: HTTPMethod = 'GET'

function nothing(): void {}

function routePath(path: string, rows: readonly Route[]): RoutePath {
  const prefix = path.split('{', 1)[0] as string
  const byMethod = new Map<string, Route>()
  for (const row of rows) for (const method of row.methods) byMethod.set(method, row)
  const get = byMethod.get('GET')
  if (get?.operation.answers === 'whole' && !byMethod.has('HEAD')) byMethod.set('HEAD', get)
  const cure = rows.map(({ operation }) => operation.otherMethods).find((one) => one !== undefined) ?? ''
  return { byMethod, prefix, cure, allowed: METHODS.filter((method) => method === 'OPTIONS' || byMethod.has(method)) }
}

/** `{id}` and `{name...}` as the router writes them. */
function routerPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ':$1').replace(/\{\w+\.\.\.\}/, '*')
}

/** What the reference page and the OpenAPI document know of a route: plain data. */
export interface RouteDescription {
  readonly method: string
  readonly path: string
  readonly summary: string
  readonly answers: Operation['answers']
  readonly right: Route['right']
  readonly whileStopping: Route['whileStopping']
  readonly inputs: Pick<Route['inputs'], 'query' | 'headers' | 'body'>
}

export function describeRoutes(routes: readonly Route[]): readonly RouteDescription[] {
  return routes.flatMap(({ methods, path, right, whileStopping, inputs: { query, headers, body }, operation }) =>
    methods.map((method) => ({
      method,
      path,
      summary: operation.summary,
      answers: operation.answers,
      right,
      whileStopping,
      inputs: { query, headers, body },
    })),
  )
}

/**
 * The paths that no endpoint may have: each stands for itself and all below it. `/v1/runs/{id}` makes `/v1/runs`; the root, where a workspace may put a
 * page of its own, makes none.
 */
export function reservedBy(routes: readonly Route[]): readonly string[] {
  const paths = routes.map(({ path }) => path.split('/{', 1)[0] as string).filter((path) => path !== '/')
  return [...new Set(paths)].filter((path) => !paths.some((other) => path.startsWith(`${other}/`))).sort()
}
