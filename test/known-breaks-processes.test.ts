import { type ChildProcess, spawn } from 'node:child_process'
import { afterEach, describe, expect, test } from 'vitest'
import {
  type Answer,
  type NdjsonLine,
  type OpenCall,
  call,
  contents,
  ndjsonLines,
  openCall,
  problem,
} from '@streamstack/test-support/http-client'
import { type ServerProcess, serverProcess } from '@streamstack/test-support/server-process'
import { sseEvents } from '@streamstack/test-support/sse-events'
import { tempWorkspace } from '@streamstack/test-support/temp-workspace'
import { endpoint, send, testServer } from '@streamstack/test-support/test-server'

const TEXT = { 'content-type': 'text/plain' }
const JSON_TYPE = { 'content-type': 'application/json' }
const HEARTBEAT = ': keep-alive'

const ticks = {
  function: 'For',
  count: 100_000,
  inner_functions: [send('tick {{loop_index}}'), { function: 'Sleep', duration: 5 }],
}

const files = {
  'streamstack.yaml': {
    log: { level: 'silent' },
    server: { stop_grace: '300ms' },
    streams: { access: 'open', log: 'sqlite', heartbeat: '100ms', long_poll_timeout: '300ms' },
  },
  'endpoints/ticks.json': endpoint('/ticks', [ticks]),
  'endpoints/durable.json': endpoint('/durable', [ticks], { settings: { delivery: 'durable' } }),
}

/** Appends numbers to a stream, one after the other, until the server is gone; tells those that were told as kept. */
async function produce(url: string, name: string, kept: number[]): Promise<void> {
  for (let number = kept.length; ; number++) {
    const headers = { ...JSON_TYPE, 'Producer-Id': 'p', 'Producer-Epoch': '0', 'Producer-Seq': String(number) }
    try {
      const { status } = await call(url, `/v1/stream/${name}`, { method: 'POST', headers, body: { number } })
      if (status !== 200 && status !== 204) return
      kept.push(number)
    } catch {
      return
    }
  }
}

const numbersOf = (events: readonly { event: string; data: string }[]): number[] =>
  events
    .filter(({ event }) => event === 'data')
    .flatMap(({ data }) => JSON.parse(data) as { number: number }[])
    .map(({ number }) => number)

const upTo = (count: number): number[] => Array.from({ length: count }, (_, number) => number)

/** A reader of a run must know how it ended: an outcome, or a connection that broke. */
function expectHonest(format: string, { text, ending, status }: Answer): void {
  const ended = format === 'sse' || format === 'ndjson' ? /"outcome":"(\w+)"/.exec(text)?.[1] : undefined
  const whole = ending === 'clean' && status === 200
  if (ended === undefined) expect([format, whole]).toEqual([format, false])
  expect([format, ended]).not.toEqual([format, 'completed'])
  if (format === 'json' && ending === 'clean') expect(JSON.parse(text)).not.toMatchObject({ outcome: 'completed' })
  if (format === 'ndjson') {
    const sent = wholeLines(text)
      .filter(({ type }) => type === 'chunk')
      .map(({ content }) => content)
    expect(sent).toEqual(sent.map((_, index) => `tick ${index}`))
    expect(sent.length).toBeGreaterThan(3)
  }
}

/** A line that was cut off is none. */
const wholeLines = (text: string): NdjsonLine[] => ndjsonLines(text.slice(0, text.lastIndexOf('\n') + 1))

/** How a run may have ended that was not let go on. */
const OUTCOMES = { SIGTERM: ['cancelled', 'abandoned'], SIGKILL: ['abandoned'] }

const FORMATS = ['sse', 'ndjson', 'lines', 'text', 'json']

interface Readers {
  readonly runs: { format: string; open: Promise<Answer> }[]
  /** Of one run, from its start. */
  readonly runUrl: string
  readonly live: OpenCall
  readonly poll: Promise<Answer | null>
}

/** Ten readers of runs, one that follows a stream by name, and one that waits at the end of another. */
async function attachReaders({ url }: ServerProcess): Promise<Readers> {
  const first = await openCall(url, '/ticks?format=ndjson')
  await first.until('tick 3')
  const runUrl = String(first.headers['stream-url'])
  const runs = [{ format: 'ndjson', open: first.ended }]
  for (const format of [...FORMATS, ...FORMATS.slice(0, 4)]) {
    // The answer of `json` begins when the run is over.
    if (format === 'json') runs.push({ format, open: call(url, `${runUrl}?format=json`).catch(brokenBefore) })
    else {
      const open = await openCall(url, `${runs.length % 2 === 0 ? runUrl : '/ticks'}?format=${format}`)
      await open.until('tick 3')
      runs.push({ format, open: open.ended })
    }
  }
  await call(url, '/v1/stream/quiet', { method: 'PUT', headers: TEXT })
  const poll = call(url, '/v1/stream/quiet?offset=now&live=long-poll').catch(() => null)
  const live = await openCall(url, '/v1/stream/numbers?offset=-1&live=sse')
  await live.until('"number":3')
  return { runs, runUrl, live, poll }
}

const brokenBefore = (): Answer => ({ status: 0, headers: {}, text: '', ending: 'broken' })

/** The stream is served on, whole; its follower goes on where it was; its producer sends again what it was not told of. */
async function expectServedOn(url: string, live: Answer, kept: number[]): Promise<void> {
  const seen = sseEvents(live.text)
  expect(live.text).not.toContain('streamClosed')
  expect(numbersOf(seen)).toEqual(upTo(numbersOf(seen).length))
  const told = kept.length
  const again = await openCall(url, '/v1/stream/numbers?offset=-1&live=sse', {
    headers: { 'Last-Event-ID': seen.at(-1)?.id ?? '' },
  })
  for (let more = 0; more < 5; more++) {
    const number = kept.length
    const headers = { ...JSON_TYPE, 'Producer-Id': 'p', 'Producer-Epoch': '0', 'Producer-Seq': String(number) }
    const { status } = await call(url, '/v1/stream/numbers', { method: 'POST', headers, body: { number } })
    // The first of them may have been kept without a word.
    expect(status).toBeOneOf(more === 0 ? [200, 204] : [200])
    kept.push(number)
  }
  await call(url, '/v1/stream/numbers', { method: 'POST', headers: { 'stream-closed': 'true' } })
  const rest = numbersOf(sseEvents((await again.ended).text))
  expect([...numbersOf(seen), ...rest]).toEqual(upTo(told + 5))
  const page = await call(url, '/v1/stream/numbers')
  expect((JSON.parse(page.text) as { number: number }[]).map(({ number }) => number)).toEqual(upTo(told + 5))
}

describe('the server goes away while it streams', () => {
  test.each(['SIGTERM', 'SIGKILL'] as const)(
    '%s: no reader takes that for the end, and the next one serves on',
    async (signal) => {
      await using workspace = await tempWorkspace(files)
      const kept: number[] = []
      let readers: Readers
      let durable: OpenCall
      {
        await using server = await serverProcess(workspace.dir)
        await call(server.url, '/v1/stream/numbers', { method: 'PUT', headers: JSON_TYPE })
        const producing = produce(server.url, 'numbers', kept)
        readers = await attachReaders(server)
        durable = await openCall(server.url, '/durable?format=ndjson')
        await durable.until('tick 9')
        const code = await server.end(signal)
        expect(code).toBe(signal === 'SIGTERM' ? 0 : null)
        await producing
      }
      const answers = await Promise.all(readers.runs.map(({ open }) => open))
      expect(answers).toHaveLength(10)
      for (const [index, answer] of answers.entries()) {
        const format = readers.runs[index]?.format ?? ''
        expectHonest(format, answer)
        if (signal === 'SIGKILL') expect([format, answer.ending]).toEqual([format, 'broken'])
      }
      const live = await readers.live.ended
      if (signal === 'SIGKILL') expect(live.ending).toBe('broken')
      const polled = await readers.poll
      expect(polled?.text ?? '').toBe('')

      await using next = await serverProcess(workspace.dir)
      await expectServedOn(next.url, live, kept)
      // A run that is kept on disk can be read to its last chunk, and says that it was cut off.
      const lines = wholeLines((await durable.ended).text)
      const seenChunks = lines.filter(({ type }) => type === 'chunk')
      const rest = await call(
        next.url,
        `${String(durable.headers['stream-url'])}?format=ndjson&offset=${seenChunks.at(-1)?.offset}`,
      )
      expect(rest.status).toBe(200)
      const all = [...seenChunks, ...ndjsonLines(rest.text).filter(({ type }) => type === 'chunk')]
      expect(all.map(({ content }) => content)).toEqual(all.map((_, index) => `tick ${index}`))
      expect(ndjsonLines(rest.text).at(-1)).toMatchObject({ type: 'end', outcome: expect.toBeOneOf(OUTCOMES[signal]) })
      // One that was kept in memory did not survive, which no reader may take for its end.
      const again = await call(next.url, `${readers.runUrl}?format=ndjson`)
      if (again.status === 200)
        expect(ndjsonLines(again.text).at(-1)).toMatchObject({ outcome: expect.toBeOneOf(['abandoned', 'cancelled']) })
      else expect([again.status, problem(again)['code']]).toEqual([404, 'run_unknown'])
    },
  )
})

describe('the producer is killed', () => {
  let child: ChildProcess | null = null
  afterEach(() => {
    child?.kill('SIGKILL')
    child = null
  })

  /** Runs a script that prints a line when it is ready. */
  async function start(script: string): Promise<string> {
    const started = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    child = started
    return new Promise((resolve) =>
      started.stdout.setEncoding('utf8').once('data', (line: string) => resolve(line.trim())),
    )
  }
  async function kill(): Promise<void> {
    const closed = new Promise((resolve) => child?.once('close', resolve))
    child?.kill('SIGKILL')
    await closed
  }

  test('followers of a stream by name keep waiting, and receive what the next producer sends', async () => {
    await using server = await testServer(files)
    const url = `${server.url}/v1/stream/numbers`
    await server.call('/v1/stream/numbers', { method: 'PUT', headers: JSON_TYPE })
    const live = await server.open('/v1/stream/numbers?offset=-1&live=sse')
    await start(
      `for (let number = 0; ; number++) {
        await fetch('${url}', { method: 'POST', body: JSON.stringify({ number }), headers: { 'content-type': 'application/json', 'producer-id': 'p', 'producer-epoch': '0', 'producer-seq': String(number) } })
        if (number === 20) console.log('running')
      }`,
    )
    await kill()
    const beats = (): number => live.text.split(HEARTBEAT).length
    const before = beats()
    await expect.poll(beats).toBeGreaterThan(before + 2)
    const count = numbersOf(sseEvents(live.text)).length
    const poll = await server.call('/v1/stream/numbers?offset=now&live=long-poll')
    expect(poll.status).toBe(204)
    const takeOver = { ...JSON_TYPE, 'producer-id': 'p', 'producer-epoch': '1', 'producer-seq': '0' }
    const taken = await server.call('/v1/stream/numbers', {
      method: 'POST',
      headers: takeOver,
      body: { number: count },
    })
    expect(taken.status).toBe(200)
    const late = await server.call(`/v1/stream/numbers?offset=${String(poll.headers['stream-next-offset'])}`)
    expect(late.text).toBe(JSON.stringify([{ number: count }]))
    await server.call('/v1/stream/numbers', { method: 'POST', headers: { 'stream-closed': 'true' } })
    expect(numbersOf(sseEvents((await live.ended).text))).toEqual(upTo(count + 1))
  })

  const upstream = `
    import { createServer } from 'node:http'
    const server = createServer((request, response) => {
      response.writeHead(200, { 'content-type': 'application/x-ndjson' })
      let number = 0
      setInterval(() => response.write(JSON.stringify({ number: number++ }) + '\\n'), 5)
    })
    server.listen(0, '127.0.0.1', () => console.log(server.address().port))`
  const relay = (port: string) => ({
    'streamstack.yaml': { outbound: { allow: ['127.0.0.1/32'] }, streams: { heartbeat: '100ms' } },
    'endpoints/relay.json': endpoint('/relay', [
      {
        function: 'External API Request (Streaming)',
        url: `http://127.0.0.1:${port}/`,
        items: 'ndjson',
        inner_functions: [send('{{item.number}}')],
      },
      send('never reached'),
    ]),
  })

  test.each(['sse', 'ndjson', 'lines', 'json'])('those who read a run hear that it failed: %s', async (format) => {
    await using server = await testServer(relay(await start(upstream)))
    const first = await server.open('/relay?format=ndjson')
    await first.until('"content":5,')
    const url = `${String(first.headers['stream-url'])}?format=${format}`
    const other = server.call(url)
    await kill()
    const { text } = await first.ended
    expect(ndjsonLines(text).at(-1)).toMatchObject({ outcome: 'failed', error: { code: 'upstream_failed' } })
    const sent = contents(text)
    expect(sent).toEqual(upTo(sent.length))
    const answer = await other
    expect(answer.text).not.toContain('never reached')
    if (format === 'lines') expect(answer.ending).toBe('broken')
    else if (format === 'json') expect(problem(answer)).toMatchObject({ code: 'upstream_failed', outcome: 'failed' })
    else expect(answer.text).toContain('"outcome":"failed"')
  })

  test('those who read a run whose source stands still are kept waiting, and can end it', async () => {
    await using server = await testServer(relay(await start(upstream)))
    const reader = await server.open('/relay?format=sse')
    await reader.until('data: 5\n')
    child?.kill('SIGSTOP')
    const beats = (): number => reader.text.split('\n:').length
    const before = beats()
    await expect.poll(beats).toBeGreaterThan(before + 2)
    await server.call(`/v1/runs/${String(reader.headers['stream-run'])}/cancel`, { method: 'POST' })
    expect((await reader.ended).text).toContain('"outcome":"cancelled"')
    child?.kill('SIGCONT')
  })
})
