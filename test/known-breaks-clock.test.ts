import { afterEach, describe, expect, test, vi } from 'vitest'
import { type Answer, contents, ndjsonLines } from '@streamstack/test-support/http-client'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'

const DAY_MS = 86_400_000
const JUMPS = [DAY_MS, -DAY_MS, 40 * 365 * DAY_MS, 0]
const TEXT = { 'content-type': 'text/plain' }
const realNow = Date.now

/** The clock of the machine shows another time from now on; how much time passes is another matter. */
function jump(ms: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: realNow() + ms })
}

afterEach(() => {
  vi.useRealTimers()
})

describe.each(['memory', 'sqlite'])('a clock that jumps, for streams by name: %s', (log) => {
  const named = (more: object = {}): Promise<TestServer> =>
    testServer({ 'streamstack.yaml': { streams: { access: 'open', log, long_poll_timeout: '50ms', ...more } } })
  const put = (server: TestServer, name: string, headers: object = {}): Promise<Answer> =>
    server.call(`/v1/stream/${name}`, { method: 'PUT', headers: { ...TEXT, ...headers } })
  const append = (server: TestServer, name: string, body: string): Promise<Answer> =>
    server.call(`/v1/stream/${name}`, { method: 'POST', headers: TEXT, body })

  test('loses, doubles and reorders no chunk, drops none for its age, and lets streams expire when their time has passed', async () => {
    await using server = await named({ max_age: '10h' })
    await put(server, 'a', { 'stream-ttl': '3600' })
    const reader = await server.open('/v1/stream/a?offset=-1&live=sse')
    const offsets: string[] = []
    for (const [index, ms] of JUMPS.entries()) {
      jump(ms)
      for (let count = 0; count < 5; count++) {
        const { status, headers } = await append(server, 'a', `${index}${count};`)
        expect([ms, status]).toEqual([ms, 204])
        offsets.push(String(headers['stream-next-offset']))
      }
      if (index === 0) await put(server, 'short', { 'stream-ttl': '1' })
      // Old chunks and expired streams are looked for every second: the second of these needs one.
      if (index === 2) {
        await put(server, 'shorter', { 'stream-ttl': '1' })
        for (const name of ['short', 'shorter']) {
          await expect.poll(async () => (await server.call(`/v1/stream/${name}`, { method: 'HEAD' })).status).toBe(404)
        }
      }
      expect((await server.call('/v1/stream/a', { method: 'HEAD' })).status).toBe(200)
    }
    await server.call('/v1/stream/a', { method: 'POST', headers: { 'stream-closed': 'true' } })
    const whole = JUMPS.map((_, index) => [0, 1, 2, 3, 4].map((count) => `${index}${count};`).join('')).join('')
    expect((await server.call('/v1/stream/a')).text).toBe(whole)
    expect((await reader.ended).text.match(/\d\d;/g)?.join('')).toBe(whole)
    expect(offsets).toEqual(offsets.toSorted())
    expect(new Set(offsets).size).toBe(offsets.length)
  })

  test('moves the time of day at which a stream is to expire', async () => {
    await using server = await named()
    await put(server, 'b', { 'stream-expires-at': new Date(realNow() + DAY_MS / 2).toISOString() })
    expect((await server.call('/v1/stream/b')).status).toBe(200)
    jump(DAY_MS)
    expect((await server.call('/v1/stream/b')).status).toBe(404)
  })

  test('the cursor of a live read never goes back', async () => {
    await using server = await named()
    await put(server, 'a')
    let cursor = 0
    for (const ms of JUMPS) {
      jump(ms)
      const { headers } = await server.call(`/v1/stream/a?offset=now&live=long-poll&cursor=${cursor}`)
      expect(Number(headers['stream-cursor'])).toBeGreaterThan(cursor)
      cursor = Number(headers['stream-cursor'])
    }
  })
})

describe('a clock that jumps, for runs', () => {
  const files = {
    'streamstack.yaml': {
      streams: { access: 'open', log: 'sqlite', retention: '10m' },
      limits: { max_duration: '1h' },
    },
    'endpoints/short.json': endpoint('/short', [send('short')]),
    'endpoints/kept.json': endpoint('/kept', [send('kept')], { settings: { delivery: 'durable' } }),
    'endpoints/ticks.json': endpoint('/ticks', [
      {
        function: 'For',
        count: 40,
        inner_functions: [send({ at: '{{loop_index}}', ms: '{{elapsed_time}}' }), { function: 'Sleep', duration: 10 }],
      },
    ]),
  }
  interface Listed {
    runs: { id: string; started_at: string }[]
    next_cursor: string | null
  }

  test('a run goes on, with all its chunks in order, and its time does not jump', async () => {
    await using server = await testServer(files)
    const reader = await server.open('/ticks?format=ndjson')
    for (const [index, ms] of JUMPS.entries()) {
      await reader.until(`"at":${index * 8}`)
      jump(ms)
    }
    const { text, headers } = await reader.ended
    const ticks = contents(text) as { at: number; ms: number }[]
    expect(ticks.map(({ at }) => at)).toEqual(Array.from({ length: 40 }, (_, at) => at))
    expect(ndjsonLines(text).at(-1)).toMatchObject({ outcome: 'completed', offset: 40 })
    const times = ticks.map(({ ms }) => ms)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    expect(times.every((ms) => ms >= 0 && ms < 60_000)).toBe(true)
    const again = await server.call(`${String(headers['stream-url'])}?format=ndjson`)
    expect(again.text).toBe(text)
  })

  test('they are listed in the order in which they started, page for page, and stay for their retention', async () => {
    await using server = await testServer(files)
    const started: string[] = []
    for (const ms of JUMPS) {
      jump(ms)
      for (const path of ['/short', '/kept', '/short']) {
        started.unshift(String((await server.call(path)).headers['stream-run']))
      }
    }
    const listed: string[] = []
    for (let cursor: string | null = ''; cursor !== null;) {
      const query: string = cursor === '' ? '' : `&cursor=${cursor}`
      const page = JSON.parse((await server.call(`/v1/runs?limit=5${query}`)).text) as Listed
      listed.push(...page.runs.map(({ id }) => id))
      cursor = page.next_cursor
    }
    expect(listed).toEqual(started)
    for (const id of started) expect((await server.call(`/v1/stream/runs/${id}?offset=0`)).status).toBe(200)
  })
})
