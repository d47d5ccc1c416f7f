import { answerWhole } from '../answer/answer-whole.ts'
import type { Operation } from '../route.ts'
import type { RouteDescription } from '../route-table.ts'
import { shownEndpoints } from '../shown-endpoints.ts'
import { openApiDocument } from './openapi-document.ts'

/** `routes`: the table that this route is part of, asked for once it is complete. */
export function showOpenApi(routes: () => readonly RouteDescription[]): Operation {
  return {
    summary: 'Describes the endpoints that the caller may call, and the routes of the server, as OpenAPI 3.1.',
    answers: 'whole',
    handle(exchange) {
      const { name, server, limits } = exchange.engine.settings
      const document = openApiDocument({
        name,
        url: server.publicUrl,
        endpoints: shownEndpoints(exchange),
        limitsRate: limits.rateLimits.length > 0,
        routes: routes(),
      })
      answerWhole(exchange, { body: JSON.stringify(document) })
    },
  }
}
