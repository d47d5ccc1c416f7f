import { describe, expect, test } from 'vitest'
import { tempWorkspace } from '@streamstack/test-support/temp-workspace'
import { endpoint, send } from '@streamstack/test-support/test-server'
import type { Plan } from '../plan/index.ts'
import { Engine, type LiveRun, type RunOwner } from './index.ts'
import type { ListedRun } from './listed-run.ts'

const silent = (): void => undefined
const log = { debug: silent, info: silent, warn: silent, error: silent }
const ann = { subject: 'ann' }

interface Opened extends AsyncDisposable {
  start(path: string, owner?: RunOwner): LiveRun
  list(owner?: RunOwner, goingOn?: boolean): AsyncGenerator<ListedRun, void, undefined>
}

/** `/short` is over at once; `/long` goes on until it is cancelled. */
async function opened(): Promise<Opened> {
  const durable = { settings: { delivery: 'durable', on_disconnect: 'continue' } }
  const workspace = await tempWorkspace({
    'streamstack.yaml': '',
    'endpoints/short.json': endpoint('/short', [send('a')], durable),
    'endpoints/long.json': endpoint('/long', [send('a'), { function: 'Sleep', duration: 3_600_000 }], durable),
  })
  const engine = await Engine.open({ dir: workspace.dir, log })
  return {
    start(path, owner = ann) {
      const plan = engine.workspace.router.find('GET', path)?.store as Plan
      const live = engine.runs.prepare(plan, engine.settings, { inputs: {}, auth: null, options: null, owner })
      live.execution.start()
      return live
    },
    list: (owner = ann, goingOn = false) => engine.runs.newestFirst({ owner, before: null, goingOn }),
    async [Symbol.asyncDispose]() {
      await engine.close()
      await workspace[Symbol.asyncDispose]()
    },
  }
}

async function over(live: LiveRun): Promise<void> {
  await new Promise<void>((resolve) => live.stream.onEnd(() => resolve()))
}

async function all(list: AsyncIterable<ListedRun>): Promise<ListedRun[]> {
  const listed: ListedRun[] = []
  for await (const one of list) listed.push(one)
  return listed
}

const told = ({ run, outcome }: ListedRun): object => ({ run, outcome })

describe('a run that ends while a list is looked through', () => {
  test('is in it once, as it ended', async () => {
    await using one = await opened()
    const runs = [one.start('/long'), one.start('/long'), one.start('/long')] as const
    await expect.poll(() => runs.every(({ stream }) => stream.lastOffset === 1)).toBe(true)
    const list = one.list()
    expect((await list.next()).value).toMatchObject({ run: runs[2].run, outcome: null })
    runs[1].cancel('enough')
    await over(runs[1])
    expect((await all(list)).map(told)).toEqual([
      { run: runs[1].run, outcome: 'cancelled' },
      { run: runs[0].run, outcome: null },
    ])
  })

  test('is in it once when it is among those that are read from the store after that', async () => {
    await using one = await opened()
    const long = one.start('/long')
    const short = Array.from({ length: 150 }, () => one.start('/short'))
    await Promise.all(short.map(over))
    const list = one.list()
    const first = (await list.next()).value as ListedRun
    long.cancel('enough')
    await over(long)
    const rest = (await all(list)).map(told)
    expect([told(first), ...rest]).toEqual([
      ...short.toReversed().map(({ run }) => ({ run, outcome: 'completed' })),
      { run: long.run, outcome: 'cancelled' },
    ])
  })
})

test('lists tell callers apart, with and without a subject or a token, in memory as in the store', async () => {
  await using one = await opened()
  const owners: RunOwner[] = [ann, { subject: 'bob' }, { subject: null }, { subject: 'null' }, null]
  for (const owner of owners) {
    const short = one.start('/short', owner)
    await over(short)
    const long = one.start('/long', owner)
    const both = await all(one.list(owner))
    expect(both.map(told)).toEqual([
      { run: long.run, outcome: null },
      { run: short.run, outcome: 'completed' },
    ])
    expect(await Promise.all(both.map(async (listed) => (await listed.open())?.owner))).toEqual([owner, owner])
    expect((await all(one.list(owner, true))).map(told)).toEqual([{ run: long.run, outcome: null }])
  }
  expect(await all(one.list({ subject: 'someone' }))).toEqual([])
})
