import { setImmediate as nextTurn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Value } from '@streamstack/protocol'
import { tempWorkspace } from '@streamstack/test-support/temp-workspace'
import { endpoint, send } from '@streamstack/test-support/test-server'
import { expect, test } from 'vitest'
import type { Plan } from '../plan/index.ts'
import { Engine, type LiveRun } from './index.ts'

const silent = (): void => undefined
const log = { debug: silent, info: silent, warn: silent, error: silent }

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Starts a run whose inputs only the functions on the stack hold. */
function start(engine: Engine): { live: LiveRun; inputs: WeakRef<object> } {
  const plan = engine.workspace.router.find('GET', '/fails')?.store as Plan
  const inputs: Readonly<Record<string, Value>> = { ids: Array.from({ length: 1_000 }, (_, n) => n) }
  const run = (): LiveRun => {
    const live = engine.runs.prepare(plan, engine.settings, { inputs, auth: null, options: null, owner: null })
    live.execution.start()
    return live
  }
  return { live: run(), inputs: new WeakRef(inputs) }
}

test('a failed run that is retained does not hold the inputs of its call', async () => {
  await using workspace = await tempWorkspace({
    'streamstack.yaml': '',
    'endpoints/fails.json': {
      ...endpoint('/fails', [send('{{ids.map((id) => id.toUpperCase())}}')]),
      input_parameters: { ids: { type: 'list', required: true } },
    },
  })
  const engine = await Engine.open({ dir: workspace.dir, log })
  try {
    const { live, inputs } = start(engine)
    expect(live.stream.end?.outcome).toBe('failed')
    await nextTurn()
    collectGarbage()
    await nextTurn()
    collectGarbage()
    expect(inputs.deref()).toBe(undefined)
    expect(engine.runs.get(live.run)).toBe(live)
  } finally {
    await engine.close()
  }
})
