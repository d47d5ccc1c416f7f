import type { TestCase } from './test-case.ts'
import type { OwnServer, TestedServer } from './tested-server.ts'
import type { UpstreamServer } from './upstream-server.ts'

/** The server and upstreams that a call uses. */
export interface TestContext {
  readonly server: TestedServer
  readonly own: OwnServer | null
  readonly upstreams: ReadonlyMap<string, UpstreamServer>
}

export function playUpstreams({ upstreams }: TestCase, context: TestContext): void {
  for (const { origin, answers } of upstreams) context.upstreams.get(origin)?.play(answers)
}

export async function callerHeaders({ caller }: TestCase, server: TestedServer): Promise<Record<string, string>> {
  return caller === null ? {} : { Authorization: `Bearer ${await server.token(caller)}` }
}
