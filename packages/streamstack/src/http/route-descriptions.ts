import { describeRoutes, reservedBy } from './route-table.ts'
import { routes } from './routes.ts'

/** The server's routes as plain data, for the reference page and the OpenAPI document. */
export const routeDescriptions = describeRoutes(routes)

/** The paths that no endpoint may have, each with all below it. */
export const reservedPaths = reservedBy(routes)
