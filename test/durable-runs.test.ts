import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, describe, expect, test } from 'vitest'
import { makeToken } from '@streamstack/test-support/credentials'
import { commandLine } from '@streamstack/test-support/command-line'
import { type StreamstackServer, serve } from 'streamstack'
import {
  type Answer,
  type CallOptions,
  call,
  contents,
  ndjsonLines,
  openCall,
  problem,
} from '@streamstack/test-support/http-client'
import { type SmallDisk, smallDisk } from '@streamstack/test-support/small-disk'
import { type TempWorkspace, tempWorkspace } from '@streamstack/test-support/temp-workspace'
import { withEnoughTime } from '@streamstack/test-support/enough-time'
import { endpoint, send } from '@streamstack/test-support/test-server'

const SECRET = 'a secret of the tests, as long as a key has to be'
const FORMATS = ['sse', 'ndjson', 'json', 'lines', 'text']
const KEPT_FOR_EVER = { function: 'Sleep', duration: 3_600_000 }

const durable = { delivery: 'durable' }
const counting = (count: number, ...more: object[]): object => ({
  function: 'For',
  count,
  inner_functions: [send({ n: '{{loop_index}}' }, { left: '{{3 - loop_index}}' }), ...more],
})

/** A workspace whose server is stopped and started again. */
class Served implements AsyncDisposable {
  readonly #workspace: TempWorkspace
  readonly #data: string | undefined
  #server: StreamstackServer

  private constructor(workspace: TempWorkspace, server: StreamstackServer, data: string | undefined) {
    this.#workspace = workspace
    this.#server = server
    this.#data = data
  }

  static async open(files: Record<string, unknown>, data?: string): Promise<Served> {
    const settings = files['streamstack.yaml'] as object | undefined
    const workspace = await tempWorkspace({ ...files, 'streamstack.yaml': { log: { level: 'silent' }, ...settings } })
    return new Served(workspace, await start(workspace.dir, data), data)
  }

  get url(): string {
    return this.#server.url
  }

  get dir(): string {
    return this.#workspace.dir
  }

  call(path: string, options?: CallOptions): Promise<Answer> {
    return call(this.url, path, options)
  }

  /** A stop and a start; nothing of the process before is left. */
  async restart(between: () => void = () => undefined): Promise<void> {
    await this.#server.close()
    between()
    this.#server = await start(this.dir, this.#data)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.close()
    await this.#workspace[Symbol.asyncDispose]()
  }
}

function start(dir: string, data: string | undefined): Promise<StreamstackServer> {
  return serve({ dir, port: 0, ...(data === undefined ? {} : { data }) })
}

const runOf = ({ headers }: Answer): string => headers['stream-run'] as string
const urlOf = ({ headers }: Answer): string => headers['stream-url'] as string
const bearer = async (sub: string): Promise<Record<string, string>> => ({
  Authorization: `Bearer ${await makeToken({ secret: SECRET, sub, expiresSeconds: 600 })}`,
})

describe('a durable run', () => {
  test('shows a chunk when it is on disk and not before', async () => {
    await using served = await Served.open({
      'endpoints/a.json': endpoint('/a', [counting(30, { function: 'Sleep', duration: 2 })], { settings: durable }),
    })
    const open = await openCall(served.url, '/a?format=ndjson')
    const file = new DatabaseSync(join(served.dir, '.streamstack/streams.sqlite'), { readOnly: true })
    const kept = file.prepare('SELECT (SELECT count(*) FROM journal) + (SELECT count(*) FROM chunks) AS count')
    for (let n = 0; n < 30; n++) {
      await open.until(`{"n":${n}}`)
      expect(kept.get()?.['count']).toBeGreaterThan(n)
    }
    const { text } = await open.ended
    // With the end.
    expect([kept.get()?.['count'], ndjsonLines(text).at(-1)?.offset]).toEqual([31, 30])
    file.close()
  })

  test('that is over reads the same in every format, before and after a restart', async () => {
    await using served = await Served.open({
      'endpoints/completed.json': endpoint('/completed', [counting(3)], { settings: durable }),
      'endpoints/failed.json': endpoint(
        '/failed',
        [counting(3), { function: 'Throw Error', message: 'no', code: 'sold_out' }],
        { settings: durable },
      ),
      'endpoints/large.json': endpoint(
        '/large',
        [{ function: 'For', count: 400, inner_functions: [send('y'.repeat(2_000))] }],
        { settings: durable },
      ),
    })
    const answers = new Map<string, Answer>()
    for (const path of ['/completed', '/failed', '/large']) {
      const url = urlOf(await served.call(`${path}?format=ndjson`))
      for (const format of FORMATS) {
        for (const query of [`?format=${format}`, `?format=${format}&include_metadata=true&offset=2`]) {
          answers.set(url + query, await served.call(url + query))
        }
      }
    }
    await served.restart()
    for (const [url, before] of answers) {
      const after = await served.call(url)
      expect([after.status, after.ending, after.headers['content-type']]).toEqual([
        before.status,
        before.ending,
        before.headers['content-type'],
      ])
      expect(after.text).toBe(before.text)
    }
    const outcomes = [...answers].filter(([url]) => url.endsWith('format=ndjson')).map(([, { text }]) => text)
    expect(outcomes.map((text) => ndjsonLines(text).at(-1)?.outcome)).toEqual(['completed', 'failed', 'completed'])
    expect(outcomes.map((text) => contents(text).length)).toEqual([3, 3, 400])
  })

  test('that failed before its first chunk has the status of its error, also after a restart', async () => {
    const step = {
      function: 'Throw Error',
      message: 'No seats left.',
      code: 'sold_out',
      status: 409,
      retry_after: 7,
      recoverable: true,
    }
    await using served = await Served.open({ 'endpoints/a.json': endpoint('/a', [step], { settings: durable }) })
    const first = await served.call('/a')
    await served.restart()
    for (const answer of [first, await served.call(`/v1/stream/runs/${problem(first)['run'] as string}`)]) {
      expect(answer.status).toBe(409)
      expect(answer.headers['retry-after']).toBe('7')
      expect(problem(answer)).toMatchObject({
        code: 'sold_out',
        detail: 'No seats left.',
        outcome: 'failed',
        recoverable: true,
        retry_after: 7,
      })
    }
  })

  test('keeps the headers that its steps have set', async () => {
    await using served = await Served.open({
      'endpoints/a.json': endpoint(
        '/a',
        [{ function: 'Set Response Header', header: 'X-Seats', value: '7' }, send('a')],
        { settings: durable },
      ),
    })
    const first = await served.call('/a')
    const again = async (): Promise<Answer> => served.call(urlOf(first))
    expect([first.headers['x-seats'], (await again()).headers['x-seats']]).toEqual(['7', '7'])
    await served.restart()
    expect((await again()).headers['x-seats']).toBe('7')
  })

  test('that was cancelled is so for ever, and cancelling what is over changes nothing', async () => {
    await using served = await Served.open({
      'endpoints/open.json': endpoint('/open', [send('a'), KEPT_FOR_EVER], { settings: durable }),
      'endpoints/done.json': endpoint('/done', [send('a')], { settings: durable }),
    })
    const open = await openCall(served.url, '/open?format=ndjson')
    await open.until('"a"')
    const cancel = (run: string): Promise<Answer> => served.call(`/v1/runs/${run}/cancel`, { method: 'POST' })
    expect((await cancel(open.headers['stream-run'] as string)).status).toBe(202)
    const cancelled = await open.ended
    const done = await served.call('/done?format=ndjson')
    await served.restart()
    for (const answer of [cancelled, done]) {
      const outcome = answer === done ? 'completed' : 'cancelled'
      const told = await cancel(runOf(answer))
      expect([told.status, problem(told)['outcome']]).toEqual([202, outcome])
      const again = await served.call(`${urlOf(answer)}?format=ndjson`)
      expect(again.text).toBe(answer.text)
      expect(ndjsonLines(again.text).at(-1)).toMatchObject({ outcome, offset: 1 })
    }
  })

  test('can be read for as long as it is retained, counted from its last use, and then is unknown', async () => {
    await withEnoughTime(async (seconds) => {
      await using served = await Served.open({
        'streamstack.yaml': { streams: { durable_retention: `${seconds}s` } },
        'endpoints/a.json': endpoint('/a', [send('a')], { settings: durable }),
      })
      // The first call waits for the thread that writes to start, which on a busy machine takes most of the retention.
      await served.call('/a')
      const first = await served.call('/a')
      expect((await served.call(urlOf(first))).status).toBe(200)
      await expect.poll(async () => (await served.call(`/v1/runs/${runOf(first)}`)).status).toBe(404)
      const gone = await served.call(urlOf(first))
      expect([gone.status, problem(gone)['code']]).toEqual([404, 'run_unknown'])
    })
  })

  test('says where it begins when its oldest chunks had to go', async () => {
    await using served = await Served.open({
      'streamstack.yaml': { streams: { max_bytes: '20kb' } },
      'endpoints/a.json': endpoint(
        '/a',
        [{ function: 'For', count: 100, inner_functions: [send('x'.repeat(1_000))] }],
        { settings: durable },
      ),
    })
    const first = await served.call('/a?format=ndjson')
    expect(contents(first.text)).toHaveLength(100)
    // Old chunks are dropped beside the work.
    await expect.poll(async () => (await served.call(`${urlOf(first)}?format=ndjson`)).status).toBe(410)
    const gone = problem(await served.call(`${urlOf(first)}?format=ndjson`))
    expect(gone).toMatchObject({ code: 'offset_expired', first_offset: expect.any(Number) })
    const from = gone['first_offset'] as number
    const rest = await served.call(`${urlOf(first)}?format=ndjson&offset=${from}`)
    expect(contents(rest.text)).toHaveLength(100 - from)
    expect(ndjsonLines(rest.text).at(-1)).toMatchObject({ outcome: 'completed', offset: 100 })
  })

  test('wants a log on disk: the workspace says so, and how', async () => {
    using line = commandLine()
    line.write({
      'streamstack.yaml': 'streams: { log: memory }\n',
      'endpoints/a.yaml':
        'endpoint_settings: { method: GET, path: /a, delivery: durable }\nfunction_stack:\n  - { function: Streaming API Response, content: a }\n',
    })
    const { code, out, err } = await line.run('check')
    expect(code).toBe(1)
    expect(out + err).toMatch(/endpoints\/a\.yaml.*`delivery: durable`.*set it to sqlite/)
  })
})

describe('who comes back after a restart', () => {
  const files = {
    'streamstack.yaml': { auth: { jwt: { secret: SECRET } } },
    'endpoints/a.json': endpoint('/a', [counting(4)], {
      method: 'POST',
      settings: durable,
      inputs: { text: { type: 'text' } },
    }),
    'endpoints/own.json': endpoint('/own', [counting(4)], {
      method: 'POST',
      settings: { ...durable, authentication: true },
    }),
  }
  const post = (
    served: Served,
    path: string,
    key: string,
    more: { text?: string; headers?: object } = {},
  ): Promise<Answer> =>
    served.call(`${path}?format=ndjson`, {
      method: 'POST',
      body: path === '/a' ? { text: more.text ?? 'one' } : {},
      headers: { 'Idempotency-Key': key, ...more.headers },
    })

  test('with a key and the same call gets the run, with another call 422, and with another key a run of its own', async () => {
    await using served = await Served.open(files)
    const first = await post(served, '/a', 'k')
    await served.restart()
    const again = await post(served, '/a', 'k')
    expect([runOf(again), again.text]).toEqual([runOf(first), first.text])
    const rest = await post(served, '/a', 'k', { headers: { 'Last-Event-ID': '3' } })
    expect(contents(rest.text)).toEqual([{ n: 3 }])
    const other = await post(served, '/a', 'k', { text: 'two' })
    expect([other.status, problem(other)['code']]).toEqual([422, 'idempotency_conflict'])
    expect(runOf(await post(served, '/a', 'other'))).not.toBe(runOf(first))
    const cancelled = await served.call('/v1/runs/cancel', { method: 'POST', headers: { 'Idempotency-Key': 'k' } })
    expect(problem(cancelled)).toEqual({ run: runOf(first), outcome: 'completed' })
  })

  test('is who started it, or finds nothing: by URL, by key, in lists', async () => {
    await using served = await Served.open(files)
    const ann = await bearer('ann')
    const bob = await bearer('bob')
    const first = await post(served, '/own', 'k', { headers: ann })
    await served.restart()
    const read = async (path: string, headers: object): Promise<number> =>
      (await served.call(path, { headers: { ...headers } })).status
    for (const path of [urlOf(first), `/v1/runs/${runOf(first)}`]) {
      expect([await read(path, ann), await read(path, bob)]).toEqual([200, 404])
      expect(await read(path, {})).toBe(404)
    }
    expect(runOf(await post(served, '/own', 'k', { headers: ann }))).toBe(runOf(first))
    expect(runOf(await post(served, '/own', 'k', { headers: bob }))).not.toBe(runOf(first))
    const listed = async (headers: object): Promise<string> =>
      (await served.call('/v1/runs', { headers: { ...headers } })).text
    expect(await listed(ann)).toContain(runOf(first))
    expect(await listed(bob)).not.toContain(runOf(first))
  })
})

test('lists hold runs of memory and of the disk, the newest first, in pages, by outcome and by endpoint', async () => {
  await using served = await Served.open({
    'streamstack.yaml': { streams: { access: 'open' } },
    'endpoints/kept.json': endpoint('/kept', [send('a')], { settings: durable }),
    'endpoints/fails.json': endpoint('/fails', [{ function: 'Throw Error', message: 'no' }], { settings: durable }),
    'endpoints/passing.json': endpoint('/passing', [send('a')]),
    'endpoints/open.json': endpoint('/open', [send('a'), KEPT_FOR_EVER], {
      settings: { ...durable, on_disconnect: 'continue' },
    }),
  })
  interface Listed {
    readonly runs: readonly { id: string; route: string; outcome: string | null; offset: number }[]
    readonly next_cursor: string | null
  }
  const list = async (query = ''): Promise<Listed> =>
    JSON.parse((await served.call(`/v1/runs?limit=3${query}`)).text) as Listed
  const all = async (query = ''): Promise<string[]> => {
    const found: string[] = []
    for (let cursor = ''; ;) {
      const page = await list(`${query}${cursor}`)
      found.push(...page.runs.map(({ route, outcome }) => `${route} ${outcome ?? 'running'}`))
      if (page.next_cursor === null) return found
      expect(page.runs).toHaveLength(3)
      cursor = `&cursor=${page.next_cursor}`
    }
  }
  for (const path of ['/kept', '/passing', '/fails', '/kept', '/passing', '/fails', '/kept']) await served.call(path)
  const open = await openCall(served.url, '/open')
  await open.until('a')
  const before = ['GET /open running', 'GET /kept completed', 'GET /fails failed', 'GET /passing completed']
  expect(await all()).toEqual([...before, ...before.slice(1), 'GET /kept completed'])
  expect(await all('&outcome=failed')).toEqual(['GET /fails failed', 'GET /fails failed'])
  expect(await all('&outcome=running')).toEqual(['GET /open running'])
  await served.restart()
  expect(await all()).toEqual([
    // A stop is no crash: it had its outcome in time.
    'GET /open cancelled',
    'GET /kept completed',
    'GET /fails failed',
    'GET /kept completed',
    'GET /fails failed',
    'GET /kept completed',
  ])
  await served.call('/passing')
  expect((await list('&endpoint=GET%20/passing')).runs).toHaveLength(1)
  expect((await all('&outcome=completed'))[0]).toBe('GET /passing completed')
})

test('lists hold the runs of one caller alone, also those of a data folder from before there were lists', async () => {
  const own = { method: 'POST', settings: { ...durable, authentication: true } }
  await using served = await Served.open({
    'streamstack.yaml': { auth: { jwt: { secret: SECRET } } },
    'endpoints/a.json': endpoint('/a', [send('a')], own),
    'endpoints/fails.json': endpoint('/fails', [{ function: 'Throw Error', message: 'no' }], own),
    'endpoints/open.json': endpoint('/open', [send('a')], { method: 'POST', settings: durable }),
  })
  const names = ['ann', 'ann ', 'null', '"', 'b\u0001\u{1f600}']
  const started = new Map<string, string[]>(names.map((name) => [name, []]))
  for (let round = 0; round < 4; round++) {
    await served.call('/open', { method: 'POST' })
    for (const [name, runs] of started) {
      const headers = await bearer(name)
      const answer = await served.call(round === 2 ? '/fails' : '/a', { method: 'POST', headers })
      runs.unshift(round === 2 ? (problem(answer)['run'] as string) : runOf(answer))
    }
  }
  const list = async (name: string, query = ''): Promise<string[]> => {
    const found: string[] = []
    for (let cursor = ''; ;) {
      const { text } = await served.call(`/v1/runs?limit=3${query}${cursor}`, { headers: await bearer(name) })
      const page = JSON.parse(text) as { runs: { id: string }[]; next_cursor: string | null }
      found.push(...page.runs.map(({ id }) => id))
      if (page.next_cursor === null) return found
      cursor = `&cursor=${page.next_cursor}`
    }
  }
  const expectLists = async (): Promise<void> => {
    for (const [name, runs] of started) {
      expect(await list(name)).toEqual(runs)
      expect(await list(name, '&outcome=failed')).toEqual([runs[1]])
      expect(await list(name, '&endpoint=fails')).toEqual([runs[1]])
      expect(await list(name, '&outcome=running')).toEqual([])
    }
    expect(await list('bob')).toEqual([])
  }
  await expectLists()
  await served.restart(() => {
    const file = new DatabaseSync(join(served.dir, '.streamstack/streams.sqlite'))
    file.exec('DROP INDEX streams_listed; ALTER TABLE streams DROP COLUMN listed_under; PRAGMA user_version = 2')
    file.close()
  })
  await expectLists()
})

const probe = smallDisk(1024 * 1024)
probe?.[Symbol.dispose]()
const canMount = probe !== null
if (!canMount) console.warn('Full disks are not tested: this process may not mount a file system of its own.')

describe.skipIf(!canMount)('on a disk that gets full', () => {
  let disk: SmallDisk
  afterEach(() => disk[Symbol.dispose]())

  test.each([
    ['a plain loop', (inner: object) => ({ function: 'For', count: 9_000_000, inner_functions: [inner] })],
    [
      'a loop that catches every error',
      (inner: object) => ({
        function: 'For',
        count: 9_000_000,
        inner_functions: [{ function: 'Try/Catch Block', try_block: [inner], catch_block: [send('caught')] }],
      }),
    ],
  ])('a run ends, abandoned, with what was kept: %s', async (_, loop) => {
    // To be whole again, the file needs more room than its chunks have taken.
    disk = smallDisk(24 * 1024 * 1024) as SmallDisk
    disk.take(20 * 1024 * 1024)
    const data = join(disk.dir, 'data')
    mkdirSync(data)
    const settings = { ...durable, on_disconnect: 'continue' }
    await using served = await Served.open(
      { 'endpoints/a.json': endpoint('/a', [loop(send('x'.repeat(1_000)))], { settings }) },
      data,
    )
    const first = await served.call('/a?format=ndjson')
    const end = ndjsonLines(first.text).at(-1)
    expect(end).toMatchObject({ type: 'end', outcome: 'abandoned', error: { code: 'storage_full', recoverable: true } })
    expect(first.text).not.toContain('caught')
    expect(first.text).not.toContain(disk.dir)
    const kept = contents(first.text).length
    expect(kept).toBeGreaterThan(100)
    expect(end?.offset).toBe(kept)
    const shown = problem(await served.call(`/v1/runs/${runOf(first)}`))
    expect(shown).toMatchObject({ outcome: 'abandoned', offset: kept })
    // Where nothing can be kept, nothing is begun.
    disk.fill()
    let refused = await served.call('/a?format=ndjson')
    // The log of the database may have had room for a few chunks: then they are told, and so is the end.
    for (let more = 0; refused.status === 200 && more < 10; more++) {
      expect(ndjsonLines(refused.text).at(-1)).toMatchObject({ outcome: 'abandoned', error: { code: 'storage_full' } })
      refused = await served.call('/a?format=ndjson')
    }
    expect([refused.status, problem(refused)['code']]).toEqual([507, 'storage_full'])
    disk.free()
    await served.restart()
    const again = await served.call(`${urlOf(first)}?format=ndjson`)
    expect(contents(again.text)).toHaveLength(kept)
    expect(ndjsonLines(again.text).at(-1)).toMatchObject({ outcome: 'abandoned', offset: kept })
  })
})
