import { answerWhole } from './answer-whole.ts'
import { isForAnybody } from '../channel/index.ts'
import type { Operation } from './route.ts'

/** What a workspace offers. A workspace may have an endpoint `GET /` instead. */
export const listWorkspace: Operation = {
  summary: 'Lists the endpoints and channels of the workspace.',
  answers: 'whole',
  handle(exchange) {
    const { engine, caller } = exchange
    const { settings, workspace, access } = engine
    // Those that ask for a token are not shown to callers whose token, or none, would not do.
    const showsAll = caller.kind === 'developer' || caller.kind === 'open'
    const plans = [...workspace.plans.values()].filter(
      ({ endpoint }) => showsAll || access.mayCall(caller, endpoint.access),
    )
    const listed = {
      name: settings.name ?? 'Streamstack',
      endpoints: plans.map(({ endpoint }) => ({
        method: endpoint.method,
        path: endpoint.path,
        description: endpoint.description,
        authentication: endpoint.access.authentication,
      })),
      channels: workspace.channels.channels
        .filter(({ subscribe }) => isForAnybody(subscribe))
        .map(({ pattern, description }) => ({ name: pattern.text, description })),
    }
    answerWhole(exchange, { body: JSON.stringify(listed) })
  },
}
