import { answerWhole } from './answer-whole.ts'
import { isForAnybody } from '../channel/index.ts'
import type { Operation } from './route.ts'

/** What a workspace offers. A workspace may have an endpoint `GET /` instead. */
export const listWorkspace: Operation = {
  summary: 'Lists the endpoints and channels of the workspace.',
  answers: 'whole',
  handle(exchange) {
    const { settings, workspace } = exchange.engine
    const listed = {
      name: settings.name ?? 'Streamstack',
      endpoints: [...workspace.plans.values()].map(({ endpoint }) => ({
        method: endpoint.method,
        path: endpoint.path,
        description: endpoint.description,
        authentication: endpoint.access.authentication,
      })),
      // Those that want a token are not told of to whoever has none.
      channels: workspace.channels.channels
        .filter(({ subscribe }) => isForAnybody(subscribe))
        .map(({ pattern, description }) => ({ name: pattern.text, description })),
    }
    answerWhole(exchange, { body: JSON.stringify(listed) })
  },
}
