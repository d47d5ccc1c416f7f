import { type Files, tempWorkspace } from '@streamstack/test-support/temp-workspace'
import type { Plan } from '../../plan/index.ts'
import { Engine, type LiveRun, type StartOptions } from '../index.ts'

const silent = (): void => undefined
const log = { debug: silent, info: silent, warn: silent, error: silent }

export interface OpenedEngine extends AsyncDisposable {
  readonly engine: Engine
  /** A run of the endpoint `GET path` that is ready to start. */
  prepared(path: string, options?: Partial<StartOptions>): LiveRun
  /** Starts a run of the endpoint `GET path`, without inputs, owner or reader unless `options` give them. */
  start(path: string, options?: Partial<StartOptions>): LiveRun
  /** Starts a run with an attached reader that takes nothing. */
  startRead(path: string, options?: Partial<StartOptions>): LiveRun
}

/** An engine without a server, over a workspace of its own. */
export async function openedEngine(files: Files): Promise<OpenedEngine> {
  const workspace = await tempWorkspace({ 'streamstack.yaml': '', ...files })
  const engine = await Engine.open({ dir: workspace.dir, log })
  const prepared = (path: string, options: Partial<StartOptions> = {}): LiveRun => {
    const plan = engine.workspace.router.find('GET', path)?.store as Plan
    return engine.runs.prepare(plan, engine.settings, {
      inputs: {},
      auth: null,
      options: null,
      owner: null,
      ...options,
    })
  }
  return {
    engine,
    prepared,
    start(path, options = {}) {
      const live = prepared(path, options)
      live.execution.start()
      return live
    },
    startRead(path, options = {}) {
      const live = prepared(path, options)
      live.attach({ position: 0, wake: silent })
      live.execution.start()
      return live
    },
    async [Symbol.asyncDispose]() {
      await engine.close()
      await workspace[Symbol.asyncDispose]()
    },
  }
}

/** Waits until the run is over and returns its outcome. */
export async function ended({ stream }: LiveRun): Promise<string> {
  await new Promise<void>((resolve) => stream.onEnd(() => resolve()))
  return stream.end?.outcome ?? ''
}
