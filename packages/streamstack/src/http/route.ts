import type { RouteRight } from '../access/index.ts'
import type { Exchange } from './exchange.ts'
import type { RouteInputs } from './route-inputs.ts'
import type { ServerContext } from './server-context.ts'

/** The operation of a route. */
export interface Operation {
  /** One sentence for the reference page and the OpenAPI document. */
  readonly summary: string
  /**
   * - `whole`: one answer, which HEAD gets without its body;
   * - `stream`: a stream, which begins something: HEAD is refused unless it has a row of its own;
   * - `upgrade`: a handshake.
   */
  readonly answers: 'whole' | 'stream' | 'upgrade'
  /** Whether the route accepts any Host: process supervisors call it by address. */
  readonly fromAnyHost?: true
  /** Hint for callers with another method; follows `This path answers to …`. */
  readonly otherMethods?: string
  /** May throw what the answer is to be instead. */
  readonly handle: (exchange: Exchange, server: ServerContext) => void | Promise<void>
  /** Called with the error when a request is refused before it reaches the handler. */
  readonly onRefused?: (exchange: Exchange, error: unknown) => void
}

/** A row of the table in `routes.ts`. */
export interface Route {
  readonly methods: readonly string[]
  /** `{name}` stands for one segment, `{name...}` for all that follow. */
  readonly path: string
  readonly right: RouteRight
  readonly inputs: RouteInputs
  /**
   * Whether the route is answered during shutdown. Routes that start something or have no end are
   * not.
   */
  readonly whileStopping: 'answered' | 'refused'
  readonly operation: Operation
}

/** Makes a row. `methods`: one, or several divided by commas. */
export function route(
  methods: string,
  path: string,
  right: RouteRight,
  inputs: RouteInputs,
  whileStopping: Route['whileStopping'],
  operation: Operation,
): Route {
  return Object.freeze({ methods: methods.split(', '), path, right, inputs, whileStopping, operation })
}
