import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { endpoint, send } from '@streamstack/test-support/test-server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { activeMemory } from '../stream/index.ts'
import type { LiveRun } from './index.ts'
import { openedEngine } from './testing/opened-engine.ts'

/** Characters of the text that each large run holds. */
const TEXT_LENGTH = 15_000_000

const inputs = { text: 'x'.repeat(1_000) }

const hold = { function: 'Sleep', duration: 3_600_000 }

/** Answers with a text of 8,000,000 characters. */
const upstream = createServer((_, response) => response.end('x'.repeat(8_000_000)))
beforeAll(() => new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve)))
afterAll(() => {
  upstream.closeAllConnections()
  upstream.close()
})

const stacksOf = (upstreamPort: number): Readonly<Record<string, readonly object[]>> => ({
  '/text': [{ step: 'Grow', variables: { big: `{{text.repeat(${TEXT_LENGTH / 1_000})}}` } }, send('held'), hold],
  '/caught': [
    {
      function: 'Try/Catch Block',
      try_block: [{ step: 'Grow', variables: { big: `{{text.repeat(${TEXT_LENGTH / 1_000})}}` } }, send('held'), hold],
      catch_block: [send('caught'), hold],
    },
  ],
  '/list': [
    { step: 'Grow', variables: { big: `{{range(0, 20).map((n) => text.repeat(${TEXT_LENGTH / 20_000}) + n)}}` } },
    send('held'),
    hold,
  ],
  '/upstream': [
    { function: 'External API Request', url: `http://127.0.0.1:${upstreamPort}/`, as: 'answer' },
    send('held'),
    hold,
  ],
  '/small': [send('a'), send('b')],
})

interface Opened extends AsyncDisposable {
  start(path: string, address?: string): LiveRun
}

async function opened(): Promise<Opened> {
  const { port } = upstream.address() as AddressInfo
  const one = await openedEngine({
    'streamstack.yaml': { outbound: { allow: [`127.0.0.1:${port}`] } },
    ...Object.fromEntries(
      Object.entries(stacksOf(port)).map(([path, stack]) => [
        `endpoints${path}.json`,
        { ...endpoint(path, stack), input_parameters: { text: 'text' } },
      ]),
    ),
  })
  return {
    start: (path, address = '192.0.2.1') => one.startRead(path, { inputs, address }),
    [Symbol.asyncDispose]: () => one[Symbol.asyncDispose](),
  }
}

const isSettled = ({ stream }: LiveRun): boolean => stream.end !== null || stream.lastOffset > 0

/** Runs `act` while others hold such a part of the budget; afterwards all runs end and give back what they held. */
async function withHeld(part: number, act: (runs: LiveRun[]) => Promise<void>): Promise<void> {
  const before = activeMemory.heldBytes
  const used = Math.floor(activeMemory.bytesMax * part) - before
  activeMemory.hold(used)
  const runs: LiveRun[] = []
  try {
    await act(runs)
  } finally {
    activeMemory.hold(-used)
  }
  for (const live of runs) live.cancel('enough')
  await expect.poll(() => runs.every(({ stream }) => stream.end !== null)).toBe(true)
  expect(activeMemory.heldBytes).toBe(before)
}

/** Starts one run after the other until one ends. */
async function fill(runs: LiveRun[], start: (n: number) => LiveRun): Promise<void> {
  const most = Math.ceil(activeMemory.bytesMax / 8 / TEXT_LENGTH) + 3
  while (runs.length < most && runs.every(({ stream }) => stream.end === null)) {
    const live = start(runs.length)
    runs.push(live)
    await expect.poll(() => isSettled(live), { interval: 5 }).toBe(true)
  }
}

const refused = { outcome: 'failed', offset: 0, error: { code: 'unavailable' } }

describe('what the variables of runs hold', () => {
  test.each(['/text', '/caught', '/list', '/upstream'])(
    '%s: is bounded by the memory of the server; other endpoints and other callers go on',
    async (path) => {
      await using one = await opened()
      await withHeld(1, async (runs) => {
        await fill(runs, () => one.start(path))
        expect(runs.filter(({ stream }) => stream.end !== null).map(({ stream }) => stream.end)).toMatchObject([
          refused,
        ])
        const small = one.start('/small')
        await expect.poll(() => small.stream.end?.outcome).toBe('completed')
        const other = one.start(path, '192.0.2.2')
        runs.push(other)
        await expect.poll(() => isSettled(other), { interval: 5 }).toBe(true)
        expect(other.stream.end).toBe(null)
      })
    },
  )

  test('many callers share a bound, and other endpoints still go on', async () => {
    await using one = await opened()
    await withHeld(1.5, async (runs) => {
      await fill(runs, (n) => one.start('/text', `192.0.2.${n}`))
      expect(runs.at(-1)?.stream.end).toMatchObject(refused)
      const small = one.start('/small')
      await expect.poll(() => small.stream.end?.outcome).toBe('completed')
    })
  })

  test('one run alone may hold what its limits allow', async () => {
    await using one = await opened()
    await withHeld(1, async (runs) => {
      const live = one.start('/text')
      runs.push(live)
      await expect.poll(() => isSettled(live)).toBe(true)
      expect(live.stream.end).toBe(null)
    })
  })
})
