import type { Value } from '@streamstack/protocol'
import { endpoint, send } from '@streamstack/test-support/test-server'
import { describe, expect, test } from 'vitest'
import type { LiveRun } from './index.ts'
import { ended, openedEngine } from './testing/opened-engine.ts'

/** Each does more than a turn of the event loop may hold, or is refused for doing too much. */
const heavy = {
  spread: '{{ids.reduce((all, id) => ({ ...all, [id]: true }), {})}}',
  sort: '{{sortBy(ids, (id) => text + id).length}}',
  'text building': '{{ids.map((id) => (text + id).toUpperCase()).length}}',
  comparison: '{{ids.filter((id) => (text + id) < (text + (id + 1))).length}}',
  'computed keys': '{{ids.map((id) => ({ [text + id]: id })).length}}',
  'list of lists': '{{ids.map((id) => ids.map((one) => one + id)).length}}',
  'one that is let through': '{{range(0, 250000).map((n) => n + 1).length}}',
}

const inputs: Readonly<Record<string, Value>> = {
  ids: Array.from({ length: 8_000 }, (_, n) => n),
  text: 'x'.repeat(100_000),
}

const inputParameters = { ids: { type: 'list', required: true }, text: { type: 'text', required: true } }

const attempt = (content: string): object => ({
  function: 'Try/Catch Block',
  try_block: [send(content)],
  catch_block: [],
})

interface Started {
  readonly path: string
  readonly caller: string
  /** Turn of the event loop. */
  readonly turn: number
}

interface Opened extends AsyncDisposable {
  /** The steps of the watched function that began so far, in their order. */
  readonly steps: readonly Started[]
  /** `caller`: subject of the caller; default: none. */
  start(path: string, caller?: string, given?: typeof inputs): LiveRun
}

async function opened(
  stacks: Readonly<Record<string, readonly object[]>>,
  watched = 'Streaming API Response',
): Promise<Opened> {
  const files = Object.entries(stacks).map(([path, stack]) => [
    `endpoints${path}.json`,
    { ...endpoint(path, stack), input_parameters: inputParameters },
  ])
  const settings = { outbound: { allow: ['127.0.0.1:9'] } }
  const one = await openedEngine({ 'streamstack.yaml': settings, ...Object.fromEntries(files) })
  const steps: Started[] = []
  let turn = 0
  let isOpen = true
  const count = (): void => {
    turn++
    if (isOpen) setImmediate(count)
  }
  count()
  return {
    steps,
    start: (path, caller = '', given = inputs) =>
      one.startRead(path, {
        inputs: given,
        owner: caller === '' ? null : { subject: caller },
        trace: ({ event, function: name }) => {
          if (event === 'start' && name === watched) steps.push({ path, caller, turn })
        },
      }),
    async [Symbol.asyncDispose]() {
      isOpen = false
      await one[Symbol.asyncDispose]()
    },
  }
}

const turnsOf = (steps: readonly Started[], path: string): number[] =>
  steps.filter((step) => step.path === path).map(({ turn }) => turn)

describe('heavy work', () => {
  test.each(Object.entries(heavy))(
    '%s: one evaluation in a turn, however many callers ask for it',
    async (_, content) => {
      await using one = await opened({ '/heavy': [attempt(content)], '/light': [send('a'), send('b')] })
      const callers = Array.from({ length: 5 }, () => one.start('/heavy'))
      const other = one.start('/light')
      await ended(other)
      expect(turnsOf(one.steps, '/heavy').length).toBeLessThan(3)
      expect(await Promise.all(callers.map((live) => ended(live)))).toStrictEqual(callers.map(() => 'completed'))
      const turns = turnsOf(one.steps, '/heavy')
      expect(turns).toHaveLength(callers.length)
      expect(new Set(turns).size).toBe(callers.length)
    },
  )

  test('a body that is long as JSON counts as work as well', async () => {
    const body = { function: 'External API Request', url: 'http://127.0.0.1:9/', method: 'POST', body: '{{ids}}' }
    const stack = [{ function: 'Try/Catch Block', try_block: [body], catch_block: [] }]
    await using one = await opened({ '/heavy': stack }, body.function)
    const ids = Array.from({ length: 400_000 }, (_, n) => n)
    const callers = Array.from({ length: 5 }, () => one.start('/heavy', '', { ...inputs, ids }))
    expect(await Promise.all(callers.map((live) => ended(live)))).toStrictEqual(callers.map(() => 'completed'))
    const turns = turnsOf(one.steps, '/heavy')
    expect(turns).toHaveLength(5)
    expect(new Set(turns).size).toBe(5)
  })

  test('the evaluations of one run are apart from each other, too', async () => {
    const steps = Array.from({ length: 4 }, () => send(heavy['one that is let through']))
    await using one = await opened({ '/heavy': steps })
    await ended(one.start('/heavy'))
    const turns = turnsOf(one.steps, '/heavy')
    expect(turns).toHaveLength(4)
    expect(new Set(turns).size).toBe(4)
  })

  test('runs that go on after a wait take turns', async () => {
    await using one = await opened({
      '/heavy': [{ function: 'Sleep', duration: 20 }, send(heavy['one that is let through'])],
    })
    const callers = Array.from({ length: 5 }, () => one.start('/heavy'))
    await Promise.all(callers.map((live) => ended(live)))
    const turns = turnsOf(one.steps, '/heavy')
    expect(turns).toHaveLength(5)
    expect(new Set(turns).size).toBe(5)
  })

  test('callers of one endpoint take turns, however many runs one of them has', async () => {
    await using one = await opened({ '/heavy': [send(heavy['one that is let through']), send('done')] })
    // From now on the endpoint is known to be heavy.
    await ended(one.start('/heavy'))
    const runs = [...Array.from({ length: 20 }, () => one.start('/heavy', 'many')), one.start('/heavy', 'one')]
    await Promise.all(runs.map((live) => ended(live)))
    const callers = one.steps.map(({ caller }) => caller).filter((caller) => caller !== '')
    expect(callers).toHaveLength(42)
    expect(callers.filter((caller) => caller === 'one')).toHaveLength(2)
    expect(callers.lastIndexOf('one')).toBeLessThan(6)
  })

  test('several endpoints share one turn', async () => {
    const content = heavy['one that is let through']
    await using one = await opened({ '/a': [send(content)], '/b': [send(content)], '/c': [send(content)] })
    const callers = ['/a', '/b', '/c', '/a', '/b', '/c'].map((path) => one.start(path))
    await Promise.all(callers.map((live) => ended(live)))
    const turns = one.steps.map(({ turn }) => turn)
    expect(new Set(turns).size).toBe(6)
  })

  test('an endpoint with one call does not wait for all calls of another', async () => {
    const content = heavy['one that is let through']
    await using one = await opened({ '/many': [send(content)], '/few': [send(content)] })
    // Both are known to do heavy work.
    await Promise.all(['/many', '/few'].map((path) => ended(one.start(path))))
    const many = Array.from({ length: 20 }, () => one.start('/many'))
    await ended(one.start('/few'))
    expect(one.steps.length).toBeLessThan(2 + 6)
    await Promise.all(many.map((live) => ended(live)))
  })

  test('a run that is cancelled while it waits for its turn ends before the others have had theirs', async () => {
    await using one = await opened({ '/heavy': [send(heavy['one that is let through'])] })
    const callers = Array.from({ length: 20 }, () => one.start('/heavy'))
    const last = callers.at(-1) as LiveRun
    last.cancel('enough')
    expect(await ended(last)).toBe('cancelled')
    expect(one.steps.length).toBeLessThan(5)
    await Promise.all(callers.map((live) => ended(live)))
    expect(one.steps).toHaveLength(19)
  })

  test('plain runs do not wait for turns', async () => {
    await using one = await opened({ '/light': [send('{{ids.length}}'), send('{{text.length}}')] })
    const callers = Array.from({ length: 20 }, () => one.start('/light'))
    // Nothing was awaited since.
    expect(callers.map(({ stream }) => stream.end?.outcome)).toStrictEqual(callers.map(() => 'completed'))
  })
})
