import { pino } from 'pino'
import { Engine } from '../../packages/streamstack/src/engine/index.ts'

/** Opens a workspace and gives the milliseconds that it took, in the place of a port. */
export async function start(options: string): Promise<number> {
  const { dir, endpoints } = JSON.parse(options) as { dir: string; endpoints: number }
  const startMs = performance.now()
  const engine = await Engine.open({ dir, log: pino({ level: 'error' }) })
  const elapsedMs = performance.now() - startMs
  const { plans, issues } = engine.workspace
  if (plans.size !== endpoints || issues.length > 0) {
    throw new Error(`${plans.size} of ${endpoints} endpoints loaded: ${JSON.stringify(issues.slice(0, 5))}`)
  }
  await engine.close()
  return elapsedMs
}
