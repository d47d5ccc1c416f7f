import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Value } from '@streamstack/protocol'
import { endpoint, send } from '@streamstack/test-support/test-server'
import { expect, test } from 'vitest'
import { collectGarbage } from '@streamstack/test-support/collect-garbage'
import type { LiveRun } from './index.ts'
import { type OpenedEngine, openedEngine } from './testing/opened-engine.ts'

/** Starts a run whose inputs only the functions on the stack hold. */
function start(one: OpenedEngine): { live: LiveRun; inputs: WeakRef<object> } {
  const inputs: Readonly<Record<string, Value>> = { ids: Array.from({ length: 1_000 }, (_, n) => n) }
  const run = (): LiveRun => one.start('/fails', { inputs })
  return { live: run(), inputs: new WeakRef(inputs) }
}

test('a failed run that is retained does not hold the inputs of its call', async () => {
  await using one = await openedEngine({
    'endpoints/fails.json': {
      ...endpoint('/fails', [send('{{ids.map((id) => id.toUpperCase())}}')]),
      input_parameters: { ids: { type: 'list', required: true } },
    },
  })
  const { live, inputs } = start(one)
  expect(live.stream.end?.outcome).toBe('failed')
  await nextTurn()
  collectGarbage()
  await nextTurn()
  collectGarbage()
  expect(inputs.deref()).toBe(undefined)
  expect(one.engine.runs.get(live.run)).toMatchObject({ failure: { code: 'input_unusable' } })
})
