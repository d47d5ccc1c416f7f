import { answerWhole } from './answer/answer-whole.ts'
import { isForAnybody } from '../channel/index.ts'
import type { Operation } from './route.ts'
import { shownEndpoints } from './shown-endpoints.ts'

/** What a workspace offers. A workspace may have an endpoint `GET /` instead. */
export const listWorkspace: Operation = {
  summary: 'Lists the endpoints and channels of the workspace.',
  answers: 'whole',
  handle(exchange) {
    const { settings, workspace } = exchange.engine
    const listed = {
      name: settings.name ?? 'Streamstack',
      endpoints: shownEndpoints(exchange).map(({ method, path, description, access }) => ({
        method,
        path,
        description,
        authentication: access.authentication,
      })),
      channels: workspace.channels.channels
        .filter(({ subscribe }) => isForAnybody(subscribe))
        .map(({ pattern, description }) => ({ name: pattern.text, description })),
    }
    answerWhole(exchange, { body: JSON.stringify(listed) })
  },
}
