import { describe, expect, test } from 'vitest'
import { endpoint, send } from '@streamstack/test-support/test-server'
import type { LiveRun, RunOwner } from './index.ts'
import type { ListedRun } from './listed-run.ts'
import { ended, openedEngine } from './testing/opened-engine.ts'

const ann = { subject: 'ann' }

interface Opened extends AsyncDisposable {
  start(path: string, owner?: RunOwner): LiveRun
  list(owner?: RunOwner, goingOn?: boolean): AsyncGenerator<ListedRun, void, undefined>
}

/** `/short` is over at once; `/long` goes on until it is cancelled. */
async function opened(): Promise<Opened> {
  const durable = { settings: { delivery: 'durable', on_disconnect: 'continue' } }
  const one = await openedEngine({
    'endpoints/short.json': endpoint('/short', [send('a')], durable),
    'endpoints/long.json': endpoint('/long', [send('a'), { function: 'Sleep', duration: 3_600_000 }], durable),
  })
  return {
    start: (path, owner = ann) => one.start(path, { owner }),
    list: (owner = ann, goingOn = false) => one.engine.runs.newestFirst({ owner, before: null, goingOn }),
    [Symbol.asyncDispose]: () => one[Symbol.asyncDispose](),
  }
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
    await ended(runs[1])
    expect((await all(list)).map(told)).toEqual([
      { run: runs[1].run, outcome: 'cancelled' },
      { run: runs[0].run, outcome: null },
    ])
  })

  test('is in it once when it is among those that are read from the store after that', async () => {
    await using one = await opened()
    const long = one.start('/long')
    const short = Array.from({ length: 150 }, () => one.start('/short'))
    await Promise.all(short.map(ended))
    const list = one.list()
    const first = (await list.next()).value as ListedRun
    long.cancel('enough')
    await ended(long)
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
    await ended(short)
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
