import { connect } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { type Answer, contents, ndjsonLines, problem } from '@streamstack/test-support/http-client'
import { sseEvents } from '@streamstack/test-support/sse-events'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'

const TEXT = { 'content-type': 'text/plain' }
const LOGS = ['memory', 'sqlite'] as const
const DELIVERIES = ['memory', 'durable'] as const
const LIVE = ['', '&live=long-poll', '&live=sse']

const named = (log: string, more: object = {}): { 'streamstack.yaml': object } => ({
  'streamstack.yaml': { streams: { access: 'open', log, long_poll_timeout: '100ms', ...more } },
})

const put = (server: TestServer, name: string, headers: object = {}, body = '') =>
  server.call(`/v1/stream/${name}`, { method: 'PUT', headers: { ...TEXT, ...headers }, body })
const append = (server: TestServer, name: string, body: string, headers: object = {}) =>
  server.call(`/v1/stream/${name}`, { method: 'POST', headers: { ...TEXT, ...headers }, body })
const offsetOf = ({ headers }: Answer): string => String(headers['stream-next-offset'])

/** Appends messages over one connection, all of them sent before the first answer; gives the offset of each. */
async function pipelined(server: TestServer, messages: readonly object[]): Promise<string[]> {
  const { hostname, port, host } = new URL(server.url)
  const socket = connect(Number(port), hostname)
  for (const message of messages) {
    const body = JSON.stringify(message)
    socket.write(
      `POST /v1/stream/a HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )
  }
  const offsets: string[] = []
  let text = ''
  for await (const data of socket.setEncoding('utf8')) {
    text += String(data)
    const answers = text.split('\r\n\r\n')
    text = answers.pop() ?? ''
    for (const answer of answers) {
      expect(answer).toMatch(/^HTTP\/1\.1 204 /)
      offsets.push(/^stream-next-offset: (\S+)/im.exec(answer)?.[1] ?? '')
    }
    if (offsets.length === messages.length) break
  }
  return offsets
}

/** A refusal that names the code and what to do, and gives away nothing of the stream. */
function expectRefusal(answer: Answer, status: number, code: string): void {
  const body = problem(answer)
  expect([answer.status, body['code']]).toEqual([status, code])
  expect(answer.headers['content-type']).toContain('application/problem+json')
  expect(String(body['detail'])).toMatch(/\S+ \S+ \S+/)
  expect(answer.text).not.toContain('secret')
}

/** Header values go over the wire as bytes. */
const asHeader = (text: string): string => Buffer.from(text).toString('latin1')

afterEach(() => {
  vi.useRealTimers()
})

describe('offsets that are given out within one millisecond', () => {
  test.each(LOGS)(
    'are unique and increase as text and as numbers, and each leads to what follows it: %s',
    async (log) => {
      await using server = await testServer(named(log))
      vi.useFakeTimers({ toFake: ['Date', 'performance'] })
      await put(server, 'a', { 'content-type': 'application/json' })
      const reader = await server.open('/v1/stream/a?offset=-1&live=sse')
      const producers = 16
      const each = 150
      const answers = await Promise.all(
        Array.from({ length: producers }, (_, producer) =>
          pipelined(
            server,
            Array.from({ length: each }, (_, count) => ({ producer, count })),
          ),
        ),
      )
      await server.call('/v1/stream/a', { method: 'POST', headers: { 'stream-closed': 'true' } })
      for (const offsets of answers) expect(offsets).toEqual(offsets.toSorted())
      const asText = answers.flat().toSorted()
      expect(new Set(asText).size).toBe(producers * each)
      expect(asText.map((offset) => Number(offset.slice(0, 16)))).toEqual(asText.map((_, index) => index + 1))

      const whole = JSON.parse((await server.call('/v1/stream/a')).text) as { producer: number; count: number }[]
      expect(whole).toHaveLength(producers * each)
      for (const [producer, offsets] of answers.entries()) {
        const own = whole.filter((message) => message.producer === producer).map(({ count }) => count)
        expect(own).toEqual(Array.from({ length: each }, (_, count) => count))
        const at = offsets[producer] ?? ''
        const rest = JSON.parse((await server.call(`/v1/stream/a?offset=${at}`)).text) as unknown[]
        expect(rest).toEqual(whole.slice(Number(at.slice(0, 16))))
      }

      const events = sseEvents((await reader.ended).text)
      const ids = events.map(({ id }) => id)
      expect(ids).toEqual(ids.toSorted())
      const changes = events.filter(({ event }) => event === 'data')
      expect(new Set(changes.map(({ id }) => id)).size).toBe(changes.length)
      expect(changes.flatMap(({ data }) => JSON.parse(data) as unknown[])).toEqual(whole)
    },
  )

  test.each(DELIVERIES)(
    'are unique and increase for the branches of a run, in every format that has them: %s',
    async (delivery) => {
      const branch = (name: string): unknown[] => [
        { function: 'For', count: 1_000, inner_functions: [send(`${name} {{loop_index}}`)] },
      ]
      await using server = await testServer({
        'endpoints/many.json': endpoint('/many', [{ function: 'Parallel', branches: ['a', 'b', 'c'].map(branch) }], {
          settings: { delivery },
        }),
      })
      vi.useFakeTimers({ toFake: ['Date'] })
      const numbers = Array.from({ length: 3_000 }, (_, index) => index + 1)
      const sse = await server.call('/many?format=sse')
      const chunks = sseEvents(sse.text).filter(({ event }) => event === '')
      expect(chunks.map(({ id }) => Number(id))).toEqual(numbers)
      const sortable = chunks.map(({ id }) => id.padStart(16, '0'))
      expect(sortable).toEqual(sortable.toSorted())
      const url = String(sse.headers['stream-url'])
      const lines = ndjsonLines((await server.call(`${url}?format=ndjson`)).text).slice(0, -1)
      expect(lines.map(({ offset }) => offset)).toEqual(numbers)
      expect(lines.map(({ content }) => content)).toEqual(chunks.map(({ data }) => JSON.parse(data)))
      for (const name of ['a', 'b', 'c']) {
        const own = lines.map(({ content }) => String(content)).filter((content) => content.startsWith(name))
        expect(own).toEqual(Array.from({ length: 1_000 }, (_, index) => `${name} ${index}`))
      }
      // The sortable spelling is the same cursor.
      const rest = await server.call(`${url}?format=ndjson&offset=${sortable[2_997]}`)
      expect(contents(rest.text)).toEqual(lines.slice(2_998).map(({ content }) => content))
    },
  )
})

const GARBAGE = [
  '-2',
  '-0',
  '+1',
  '0',
  '1',
  '1.5',
  '1e3',
  'NaN',
  'Infinity',
  'null',
  'undefined',
  'end',
  ' ',
  '\t',
  '٣',
  '💥',
  '\u0000',
  "' OR 1=1",
  '../../etc/passwd',
  '-1,-1',
  'NOW',
  '99999999999999999999',
  '9'.repeat(6_000),
  `${'9'.repeat(16)}_${'0'.repeat(16)}`,
]

describe.each(LOGS)('cursors of streams by name: %s', (log) => {
  test('that are garbage, of another stream, of one made anew, or past the end are refused in every mode', async () => {
    await using server = await testServer(named(log))
    const other = offsetOf(await put(server, 'other', {}, 'secret of another'))
    const former = offsetOf(await put(server, 'own', {}, 'secret of the former'))
    await server.call('/v1/stream/own', { method: 'DELETE' })
    const own = offsetOf(await put(server, 'own', {}, 'secret'))
    expect(former.slice(0, 16)).toBe(own.slice(0, 16))
    const beyond = own.replace(/^\d{16}/, '0000000000000002')
    for (const offset of [...GARBAGE, other, former, beyond, own.toUpperCase().replace('_', '-'), `${own} `]) {
      for (const live of LIVE) {
        const query = `/v1/stream/own?offset=${encodeURIComponent(offset)}${live}`
        expectRefusal(await server.call(query), 400, 'offset_invalid')
      }
    }
    for (const live of LIVE) {
      expectRefusal(await server.call(`/v1/stream/own?offset=${live}`), 400, 'header_invalid')
      expectRefusal(await server.call(`/v1/stream/own?offset=-1&offset=${own}${live}`), 400, 'header_invalid')
      expectRefusal(await server.call(`/v1/stream/none?offset=${own}${live}`), 404, 'stream_unknown')
    }
    expect((await server.call(`/v1/stream/own?offset=${own}`)).text).toBe('')
    expect((await server.call('/v1/stream/own?offset=-1')).text).toBe('secret')
  })

  test('an EventSource that repeats its URL goes on after its last event', async () => {
    await using server = await testServer(named(log))
    await put(server, 'a')
    const offsets = [offsetOf(await append(server, 'a', 'one')), offsetOf(await append(server, 'a', 'two'))]
    const first = await server.open('/v1/stream/a?offset=-1&live=sse')
    await first.until('"upToDate":true')
    await append(server, 'a', 'three')
    await first.until('three')
    first.leave()
    const known = sseEvents((await first.ended).text).findLast(({ event }) => event === 'data')
    expect(known?.data).toBe('three')
    await append(server, 'a', 'four')
    await append(server, 'a', '', { 'stream-closed': 'true' })
    const again = async (id: string): Promise<Answer> =>
      server.call('/v1/stream/a?offset=-1&live=sse', { headers: { 'Last-Event-ID': asHeader(id) } })
    const data = ({ text }: Answer): string =>
      sseEvents(text)
        .filter(({ event }) => event === 'data')
        .map((event) => event.data)
        .join(' ')
    expect(data(await again(known?.id ?? ''))).toBe('four')
    expect(data(await again(offsets[0] ?? ''))).toBe('twothreefour')
    // A client that has seen no event yet sends none, or says so.
    for (const none of ['', '-1']) expect(data(await again(none))).toBe('onetwothreefour')
    const other = offsetOf(await put(server, 'other', {}, 'x'))
    const unsendable = new Set([' ', '\t', '\u0000'])
    for (const id of [...GARBAGE.filter((one) => !unsendable.has(one)), other, offsets[0]?.replace('1_', '9_') ?? '']) {
      expectRefusal(await again(id), 400, 'offset_invalid')
    }
  })

  test('offset=now brings nothing of what was, and all that comes', async () => {
    await using server = await testServer(named(log))
    await put(server, 'a', {}, 'old')
    const page = await server.call('/v1/stream/a?offset=now')
    expect([page.status, page.text, page.headers['stream-up-to-date']]).toEqual([200, '', 'true'])
    const [sse, poll] = await Promise.all([
      server.open('/v1/stream/a?offset=now&live=sse'),
      server.call('/v1/stream/a?offset=now&live=long-poll'),
    ])
    await sse.until('"upToDate":true')
    expect([poll.status, offsetOf(poll)]).toEqual([204, offsetOf(page)])
    await append(server, 'a', 'new', { 'stream-closed': 'true' })
    const { text } = await sse.ended
    expect(text).toContain('new')
    expect(text).not.toContain('old')
    expect((await server.call(`/v1/stream/a?offset=${offsetOf(page)}`)).text).toBe('new')
  })

  test('after its expiry a stream is unknown, and its offsets do not fit the next of its name', async () => {
    await using server = await testServer(named(log))
    const before = offsetOf(await put(server, 'a', { 'stream-ttl': '1' }, 'secret'))
    const reader = await server.open(`/v1/stream/a?offset=${before}&live=sse`)
    reader.leave()
    await expect.poll(async () => (await server.call('/v1/stream/a', { method: 'HEAD' })).status).toBe(404)
    for (const live of LIVE) {
      expectRefusal(await server.call(`/v1/stream/a?offset=${before}${live}`), 404, 'stream_unknown')
    }
    expectRefusal(await append(server, 'a', 'x'), 404, 'stream_unknown')
    await put(server, 'a', {}, 'secret')
    for (const live of LIVE) {
      expectRefusal(await server.call(`/v1/stream/a?offset=${before}${live}`), 400, 'offset_invalid')
    }
  })

  test('below what is kept are told the first offset that is left, and reading from there leaves nothing out', async () => {
    await using server = await testServer(named(log, { max_bytes: '100kb' }))
    const first = offsetOf(await put(server, 'a', {}, `secret${'.'.repeat(9_994)}`))
    const bodies = Array.from({ length: 40 }, (_, count) => `${String(count).padStart(4, '0')}${'x'.repeat(9_996)}`)
    const offsets: string[] = []
    for (const body of bodies) offsets.push(offsetOf(await append(server, 'a', body)))
    // What is on disk is dropped a little later than what is in memory.
    await expect.poll(async () => (await server.call(`/v1/stream/a?offset=${first}`)).status).toBe(410)
    for (const live of LIVE) {
      for (const offset of ['-1', first]) {
        let answer = await server.call(`/v1/stream/a?offset=${offset}${live}`)
        let left = ''
        // What is on disk may still be shrinking: then the first offset that was left is gone as well, and says so.
        while (answer.status === 410) {
          expectRefusal(answer, 410, 'offset_expired')
          left = String(problem(answer)['first_offset'])
          expect(answer.headers['stream-first-offset']).toBe(left)
          answer = await server.call(`/v1/stream/a?offset=${left}`)
        }
        expect(left).not.toBe('')
        expect(answer.text).toBe(bodies.slice(offsets.indexOf(left) + 1).join(''))
        expect(answer.text.length).toBeGreaterThan(50_000)
      }
    }
    const back = await server.call('/v1/stream/a?offset=-1&live=sse', { headers: { 'Last-Event-ID': first } })
    expectRefusal(back, 410, 'offset_expired')
  })
})

describe.each(DELIVERIES)('cursors of runs: %s', (delivery) => {
  const log = delivery === 'memory' ? 'memory' : 'sqlite'
  const settings = { settings: { delivery } }
  const files = {
    'endpoints/done.json': endpoint('/done', [send('secret 1'), send('secret 2'), send('secret 3')], settings),
    'endpoints/open.json': endpoint('/open', [send('secret 1'), { function: 'Sleep', duration: 3_600_000 }], settings),
    ...named(log),
  }
  /** What runs count by are numbers, so these are offsets of theirs. */
  const NUMBERS = new Set(['0', '1'])
  const garbage = GARBAGE.filter((one) => !NUMBERS.has(one))

  test('that are garbage, of a stream by name or past the end are refused, of runs that go on as of those that are over', async () => {
    await using server = await testServer(files)
    const foreign = offsetOf(await put(server, 'a', {}, 'x'))
    const done = String((await server.call('/done')).headers['stream-url'])
    const going = await server.open('/open')
    await going.until('secret')
    const cursors = [...garbage, foreign, '4', '0000000000000004', '9007199254740993']
    for (const url of [done, String(going.headers['stream-url'])]) {
      for (const cursor of cursors) {
        for (const format of ['sse', 'ndjson', 'lines', 'json']) {
          const query = `${url}?format=${format}&offset=${encodeURIComponent(cursor)}`
          expectRefusal(await server.call(query), 400, 'offset_invalid')
        }
        if (/[\0\s]/.test(cursor) && cursor.trim().length < 2) continue
        const headers = { 'Last-Event-ID': asHeader(cursor) }
        expectRefusal(await server.call(url, { headers }), 400, 'offset_invalid')
        expectRefusal(await server.call(`${url}?offset=1`, { headers }), 400, 'offset_invalid')
      }
    }
    going.leave()
  })

  test('never start the endpoint again', async () => {
    await using server = await testServer(files)
    await server.call('/done?idempotency_key=k')
    const runs = async (): Promise<number> =>
      (JSON.parse((await server.call('/v1/runs')).text) as { runs: unknown[] }).runs.length
    expect(await runs()).toBe(1)
    for (const id of [...garbage.filter((one) => one.trim().length > 0 && one !== '\u0000'), '4', '77']) {
      const headers = { 'Last-Event-ID': asHeader(id) }
      for (const path of ['/done', '/done?idempotency_key=k']) {
        expectRefusal(await server.call(path, { headers }), 400, 'offset_invalid')
      }
      expectRefusal(await server.call('/done?idempotency_key=other', { headers }), 404, 'run_unknown')
    }
    expect(await runs()).toBe(1)
  })

  test('a run that is forgotten is unknown, whatever offset is asked for', async () => {
    await using server = await testServer({
      ...files,
      'streamstack.yaml': { streams: { retention: 1, durable_retention: '1s', access: 'open', log } },
    })
    const url = String((await server.call('/done?idempotency_key=k')).headers['stream-url'])
    await new Promise((resolve) => setTimeout(resolve, delivery === 'memory' ? 20 : 1_100))
    // Runs that are past their time are let go of when the next one ends.
    await server.call('/done')
    for (const id of ['1', '3', '99', 'garbage']) {
      expectRefusal(await server.call(url, { headers: { 'Last-Event-ID': id } }), 404, 'run_unknown')
    }
    const headers = { 'Last-Event-ID': '1' }
    expectRefusal(await server.call('/done?idempotency_key=k', { headers }), 404, 'run_unknown')
  })
})
