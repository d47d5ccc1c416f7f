import type { RouteRight } from '../access/index.ts'
import type { Exchange } from './exchange.ts'
import type { RouteInputs } from './route-inputs.ts'

/** What a route does. */
export interface Operation {
  /** One sentence for the reference page and the OpenAPI document. */
  readonly summary: string
  /**
   * - `whole`: one answer, which HEAD gets without its body;
   * - `stream`: a stream, which begins something: HEAD is refused unless it has a row of its own;
   * - `upgrade`: a handshake.
   */
  readonly answers: 'whole' | 'stream' | 'upgrade'
  /** Whether it answers whatever Host it is called by: those who look after a process call it by its address. */
  readonly fromAnyHost?: true
  /** What a caller with another method most likely means; follows `This path answers to …`. */
  readonly otherMethods?: string
  /** May throw what the answer is to be instead. */
  readonly handle: (exchange: Exchange) => void | Promise<void>
  /** Hears why a request did not come as far as the handler. */
  readonly onRefused?: (exchange: Exchange, error: unknown) => void
}

/** A row of the table in `routes.ts`. */
export interface Route {
  readonly methods: readonly string[]
  /** `{name}` stands for one segment, `{name...}` for all that follow. */
  readonly path: string
  readonly right: RouteRight
  readonly inputs: RouteInputs
  /** Whether it is still answered while the server stops: what begins something, or has no end, is not. */
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
