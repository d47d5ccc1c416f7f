import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Chunk } from '@streamstack/protocol'
import { endpoint, send } from '@streamstack/test-support/test-server'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { collectGarbage } from '@streamstack/test-support/collect-garbage'
import type { StreamReader } from '../stream/index.ts'
import type { LiveRun } from './index.ts'
import type { RunView } from './run-view.ts'
import { type OpenedEngine, ended, openedEngine } from './testing/opened-engine.ts'

const files = {
  'endpoints/lines.json': {
    ...endpoint('/lines', [
      { function: 'Set Header', name: 'X-Shop', value: 'north' },
      {
        function: 'For Each',
        input: '{{lines}}',
        as: 'line',
        inner_functions: [send('{{line}}', { metadata: { n: 1 } })],
      },
    ]),
    input_parameters: { lines: { type: 'list', required: true } },
  },
  'endpoints/fails.json': endpoint('/fails', [send('first'), { function: 'Throw Error', message: 'no stock' }]),
}

function prepared(one: OpenedEngine, path: string, lines: readonly string[]): LiveRun {
  return one.prepared(path, { inputs: { lines }, owner: { subject: 'ann' }, keepsInputs: true })
}

/** All that lists, answers and readers can know of a run. */
async function shown(view: RunView): Promise<object> {
  const {
    run,
    url,
    endpoint: name,
    route,
    owner,
    contentType,
    startedAtMs,
    endedAtMs,
    chunksSent,
    inputs,
    times,
    usage,
  } = view
  const { failure, plainAnswer, responseHeaders, stream } = view
  const { end, lastOffset } = stream
  const facts = { run, url, name, route, owner, contentType, startedAtMs, endedAtMs, chunksSent, inputs, times, usage }
  return {
    ...facts,
    failure,
    plainAnswer,
    headers: [...responseHeaders],
    end,
    lastOffset,
    chunks: await chunksOf(view),
  }
}

async function chunksOf({ stream }: RunView): Promise<Chunk[]> {
  const chunks: Chunk[] = []
  for (;;) {
    const batch = await stream.read(chunks.length)
    if (batch === null) return chunks
    chunks.push(...batch.chunks.slice(batch.from, batch.to))
  }
}

const reader: StreamReader = { position: 0, wake: () => undefined }

test('a run that is over and has no readers is held in a smaller form, of which everything can be read that could be before', async () => {
  await using one = await openedEngine(files)
  const { engine } = one
  const lines = fc.array(fc.string({ unit: 'binary', maxLength: 40 }), { maxLength: 60 })
  await fc.assert(
    fc.asyncProperty(lines, fc.constantFrom('/lines', '/fails'), async (given, path) => {
      const live = prepared(one, path, given)
      live.attach(reader)
      live.execution.start()
      await ended(live)
      // Its reader still needs it.
      expect(engine.runs.get(live.run)).toBe(live)
      const before = await shown(live)
      live.detach(reader)
      const held = (await engine.runs.get(live.run)) as RunView
      expect(held).not.toBe(live)
      expect(await shown(held)).toEqual(before)
      // A reader that comes back, leaves, and comes back again.
      for (let time = 0; time < 2; time++) {
        held.attach(reader)
        expect(await shown(held)).toEqual(before)
        held.detach(reader)
      }
    }),
    { numRuns: 60 },
  )
})

test('nothing of its execution is held', async () => {
  await using one = await openedEngine(files)
  const { engine } = one
  const start = async (attach: boolean): Promise<readonly [id: string, parts: readonly WeakRef<object>[]]> => {
    const live = prepared(one, '/lines', ['a', 'b'])
    if (attach) live.attach(reader)
    live.execution.start()
    await ended(live)
    if (attach) live.detach(reader)
    const { execution, stream } = live
    return [live.run, [live, execution, execution.state, stream].map((part: object) => new WeakRef(part))]
  }
  for (const attach of [true, false]) {
    const [id, parts] = await start(attach)
    for (let time = 0; time < 2; time++) {
      await nextTurn()
      collectGarbage()
    }
    expect(parts.map((part) => part.deref())).toEqual(parts.map(() => undefined))
    expect(await chunksOf((await engine.runs.get(id)) as RunView)).toHaveLength(2)
  }
})
