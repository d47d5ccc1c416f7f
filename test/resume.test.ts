import { describe, expect, test } from 'vitest'
import { type OpenCall, contents, ndjsonLines, problem } from '@streamstack/test-support/http-client'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'

const COUNT = 12
const numbers = (from: number, to = COUNT): number[] => Array.from({ length: to - from }, (_, i) => from + i)

const counting = { function: 'For', count: COUNT, inner_functions: [send('{{loop_index}}', { n: '{{loop_index}}' })] }

const files = {
  'endpoints/count.json': endpoint('/count', [counting]),
  'endpoints/slow.json': endpoint('/slow', [
    { function: 'For', count: COUNT, inner_functions: [send('{{loop_index}}'), { function: 'Sleep', duration: 20 }] },
  ]),
  'endpoints/half.json': endpoint('/half', [counting, { function: 'Throw Error', message: 'half-way' }]),
  'endpoints/open.json': endpoint('/open', [counting, { function: 'Sleep', duration: 3_600_000 }]),
}

async function finishedRun(server: TestServer, path = '/count'): Promise<string> {
  return (await server.call(path)).headers['stream-url'] as string
}

describe('a run that is over', () => {
  test('can be read again from every offset, by query and by header', async () => {
    await using server = await testServer(files)
    const url = await finishedRun(server)
    for (let offset = 0; offset <= COUNT; offset++) {
      const byQuery = await server.call(`${url}?format=ndjson&offset=${offset}`)
      const byHeader = await server.call(`${url}?format=ndjson`, { headers: { 'Last-Event-ID': String(offset) } })
      expect(contents(byQuery.text)).toEqual(numbers(offset))
      expect(byHeader.text).toBe(byQuery.text)
      expect(ndjsonLines(byQuery.text).at(-1)).toEqual({
        type: 'end',
        outcome: 'completed',
        offset: COUNT,
        error: null,
      })
    }
  })

  test.each(['', '?offset=-1', '?offset=0', '?offset=0000000000000000', '?offset='])(
    'is read from its start: %s',
    async (query) => {
      await using server = await testServer(files)
      const url = await finishedRun(server)
      const answer = await server.call(`${url}${query}`, { headers: { Accept: 'application/x-ndjson' } })
      expect(contents(answer.text)).toEqual(numbers(0))
    },
  )

  test('is the same in every format as it was the first time', async () => {
    await using server = await testServer(files)
    for (const format of ['sse', 'ndjson', 'lines', 'text', 'json']) {
      const first = await server.call(`/count?format=${format}`)
      const again = await server.call(`${first.headers['stream-url'] as string}?format=${format}`)
      expect(again.text).toBe(first.text)
      expect(again.headers['content-type']).toBe(first.headers['content-type'])
    }
  })

  test('the header goes before the query, as a browser repeats its URL', async () => {
    await using server = await testServer(files)
    const url = await finishedRun(server)
    const answer = await server.call(`${url}?format=ndjson&offset=2`, { headers: { 'Last-Event-ID': '9' } })
    expect(contents(answer.text)).toEqual(numbers(9))
  })

  test.each(['abc', '1.5', '-2', '+1', '1e3', ' 1', '99999999999999999999', '0x1', '13', '१'])(
    'refuses the offset %j',
    async (offset) => {
      await using server = await testServer(files)
      const url = await finishedRun(server)
      const answer = await server.call(`${url}?offset=${encodeURIComponent(offset)}`)
      expect(answer.status).toBe(400)
      expect(problem(answer)['code']).toBe('offset_invalid')
      expect(answer.text).not.toContain('"data"')
    },
  )

  test('that failed is failed for every later reader', async () => {
    await using server = await testServer(files)
    const url = await finishedRun(server, '/half')
    const lines = ndjsonLines((await server.call(`${url}?format=ndjson&offset=${COUNT}`)).text)
    expect(lines.map(({ type }) => type)).toEqual(['error', 'end'])
    const last = ndjsonLines((await server.call(`${url}?format=ndjson&offset=${COUNT + 1}`)).text)
    expect(last).toMatchObject([{ type: 'end', outcome: 'failed', error: { message: 'half-way' } }])
    expect((await server.call(`${url}?format=text`)).ending).toBe('broken')
  })

  test('is forgotten after its retention, like one that never was', async () => {
    await using server = await testServer({ ...files, 'streamstack.yaml': { streams: { retention: 1 } } })
    const url = await finishedRun(server)
    await new Promise((resolve) => setTimeout(resolve, 20))
    // Runs that are past their time are let go of when the next one ends.
    await finishedRun(server)
    const forgotten = await server.call(url)
    expect(forgotten.status).toBe(404)
    expect(problem(forgotten)['code']).toBe('run_unknown')
    expect(forgotten.text).toBe((await server.call('/v1/stream/runs/00000000-0000-4000-8000-000000000000')).text)
  })

  test('makes room for others: the oldest goes first', async () => {
    await using server = await testServer({
      'streamstack.yaml': { streams: { window_bytes: '64kb', retained_bytes: '200kb' } },
      'endpoints/big.json': endpoint('/big', [send('x'.repeat(30_000)), send('y'.repeat(30_000))]),
    })
    const urls: string[] = []
    for (let i = 0; i < 6; i++) urls.push(await finishedRun(server, '/big'))
    const statuses = await Promise.all(urls.map(async (url) => (await server.call(url)).status))
    expect(statuses[0]).toBe(404)
    expect(statuses.at(-1)).toBe(200)
    expect(statuses).toEqual(statuses.toSorted((a, b) => b - a))
  })
})

describe('a run that goes on', () => {
  test('gives late readers everything so far at once, then what comes', async () => {
    await using server = await testServer(files)
    const first = await server.open('/slow?format=ndjson')
    await first.until('"offset":3')
    const url = first.headers['stream-url'] as string
    const late = await Promise.all(
      Array.from({ length: 20 }, (_, i) => server.call(`${url}?format=ndjson&offset=${i % 4}`)),
    )
    for (const [i, { text }] of late.entries()) {
      expect(contents(text)).toEqual(numbers(i % 4))
      expect(ndjsonLines(text).at(-1)).toMatchObject({ type: 'end', outcome: 'completed' })
    }
    expect(contents((await first.ended).text)).toEqual(numbers(0))
  })

  test('loses nothing for a reader that hangs up and comes back', async () => {
    await using server = await testServer(files)
    const first = await server.open('/slow?format=ndjson')
    await first.until('"offset":2')
    first.leave()
    const seen = contents(wholeLines(first.text))
    const rest = await server.call(`${first.headers['stream-url'] as string}?format=ndjson&offset=${seen.length}`)
    expect([...seen, ...contents(rest.text)]).toEqual(numbers(0))
  })

  test('answers a reader of json when it is over', async () => {
    await using server = await testServer(files)
    const first = await server.open('/slow?format=ndjson')
    await first.until('"offset":2')
    const whole = await server.call(`${first.headers['stream-url'] as string}?format=json`)
    expect(JSON.parse(whole.text)).toMatchObject({
      outcome: 'completed',
      chunks: numbers(0).map((content) => ({ content })),
    })
  })

  test('is cancelled for all its readers at once, and keeps what was sent', async () => {
    await using server = await testServer(files)
    const first = await server.open('/open?format=ndjson')
    await first.until(`"offset":${COUNT}`)
    const url = first.headers['stream-url'] as string
    const others = await Promise.all([1, 2, 3].map((offset) => server.open(`${url}?format=sse&offset=${offset}`)))
    const cancelled = await server.call(`/v1/runs/${first.headers['stream-run'] as string}/cancel`, { method: 'POST' })
    expect(JSON.parse(cancelled.text)).toMatchObject({ outcome: 'cancelled' })
    const lines = ndjsonLines((await first.ended).text)
    expect(lines.at(-1)).toMatchObject({ type: 'end', outcome: 'cancelled', error: { code: 'cancelled' } })
    expect(lines.filter(({ type }) => type === 'error')).toEqual([])
    for (const other of others) expect((await other.ended).text).toContain('"outcome":"cancelled"')
    expect(contents((await server.call(`${url}?format=ndjson`)).text)).toEqual(numbers(0))
    // Cancelling what is over changes nothing.
    const again = await server.call(`/v1/runs/${first.headers['stream-run'] as string}/cancel`, { method: 'POST' })
    expect(JSON.parse(again.text)).toMatchObject({ outcome: 'cancelled' })
  })
})

describe('a run that sent more than the stream keeps', () => {
  const LONG = 3_000
  const long = async (): Promise<TestServer> =>
    testServer({
      'streamstack.yaml': { streams: { window_bytes: '64kb' } },
      'endpoints/long.json': endpoint('/long', [
        { function: 'For', count: LONG, inner_functions: [send('{{loop_index}} ' + 'x'.repeat(100))] },
      ]),
    })

  test('names the first offset that can still be read', async () => {
    await using server = await long()
    const first = await server.call('/long?format=ndjson')
    expect(contents(first.text)).toHaveLength(LONG)
    const url = first.headers['stream-url'] as string
    const expired = await server.call(`${url}?format=ndjson&offset=1`)
    expect(expired.status).toBe(410)
    const { code, first_offset: offset } = problem(expired)
    expect(code).toBe('offset_expired')
    const rest = ndjsonLines((await server.call(`${url}?format=ndjson&offset=${String(offset)}`)).text)
    expect(rest[0]?.offset).toBe((offset as number) + 1)
    expect(rest.at(-2)?.offset).toBe(LONG)
    expect((await server.call(`${url}?offset=${(offset as number) - 1}`)).status).toBe(410)
  })

  test('a reader of the start is told so instead of being given the rest', async () => {
    await using server = await long()
    const url = await finishedRun(server, '/long')
    const answer = await server.call(url)
    expect(answer.status).toBe(410)
    expect(answer.text).not.toContain('xxx')
  })
})

describe('on_disconnect', () => {
  const run = async (settings: object, count: number): Promise<TestServer> =>
    testServer({
      'endpoints/ticks.json': endpoint(
        '/ticks',
        [{ function: 'For', count, inner_functions: [send('{{loop_index}}'), { function: 'Sleep', duration: 20 }] }],
        { settings },
      ),
    })
  const left = async (server: TestServer): Promise<OpenCall> => {
    const open = await server.open('/ticks?format=ndjson')
    await open.until('"offset":1')
    open.leave()
    await open.ended
    return open
  }

  test('continue: the run goes on without readers', async () => {
    await using server = await run({ on_disconnect: 'continue' }, 8)
    const open = await left(server)
    const told = async (): Promise<string> =>
      (await server.call(`/v1/runs/${open.headers['stream-run'] as string}`)).text
    await expect.poll(told, { interval: 20 }).toContain('"outcome":"completed"')
    const answer = await server.call(`${open.headers['stream-url'] as string}?format=ndjson`)
    expect(contents(answer.text)).toEqual(numbers(0, 8))
    expect(answer.text).toContain('"outcome":"completed"')
  })

  test('cancel: the run ends when its grace time is over', async () => {
    await using server = await run({ on_disconnect: 'cancel', disconnect_grace: 50 }, 10_000)
    const open = await left(server)
    // A description of the run is no reader of it.
    const told = async (): Promise<string> =>
      (await server.call(`/v1/runs/${open.headers['stream-run'] as string}`)).text
    await expect.poll(told, { interval: 20 }).not.toContain('"outcome":null')
    const lines = ndjsonLines((await server.call(`${open.headers['stream-url'] as string}?format=ndjson`)).text)
    expect(lines.at(-1)).toMatchObject({ type: 'end', outcome: 'cancelled' })
  })

  test('cancel: a reader that reconnects within the grace time misses nothing', async () => {
    await using server = await run({ on_disconnect: 'cancel', disconnect_grace: 5_000 }, 10)
    const open = await left(server)
    const seen = contents(wholeLines(open.text))
    const rest = await server.call(`${open.headers['stream-url'] as string}?format=ndjson&offset=${seen.length}`)
    expect([...seen, ...contents(rest.text)]).toEqual(numbers(0, 10))
    expect(rest.text).toContain('"outcome":"completed"')
  })

  test('cancel: one reader that stays is enough', async () => {
    await using server = await run({ on_disconnect: 'cancel', disconnect_grace: 10 }, 12)
    const first = await server.open('/ticks?format=ndjson')
    await first.until('"offset":1')
    const second = await server.open(`${first.headers['stream-url'] as string}?format=ndjson`)
    first.leave()
    const answer = await second.ended
    expect(contents(answer.text)).toEqual(numbers(0, 12))
  })
})

/** A line that was cut off is none. */
function wholeLines(text: string): string {
  return text.slice(0, text.lastIndexOf('\n') + 1)
}
