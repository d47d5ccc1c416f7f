import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { type Answer, call, contents, ndjsonLines, openCall, problem } from '@streamstack/test-support/http-client'
import { type SmallDisk, smallDisk } from '@streamstack/test-support/small-disk'
import { serverProcess } from '@streamstack/test-support/server-process'
import { sseEvents } from '@streamstack/test-support/sse-events'
import { tempWorkspace } from '@streamstack/test-support/temp-workspace'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'

const MIB = 1024 * 1024
const TEXT = { 'content-type': 'text/plain' }

const probe = smallDisk(MIB)
probe?.[Symbol.dispose]()
const canMount = probe !== null
if (!canMount) console.warn('Full disks are not tested: this process may not mount a file system of its own.')

let disk: SmallDisk | null = null

afterEach(() => {
  disk?.[Symbol.dispose]()
  disk = null
})

/** A server whose data folder is a disk of its own. */
async function serverOn(small: SmallDisk, files: Record<string, unknown> = {}): Promise<TestServer> {
  const data = join(small.dir, 'data')
  mkdirSync(data, { recursive: true })
  return testServer({ 'streamstack.yaml': { streams: { access: 'open', log: 'sqlite' } }, ...files }, { data })
}

describe.skipIf(!canMount)('a full disk, for streams by name', () => {
  const append = (server: TestServer, name: string, body: string, headers: object = {}): Promise<Answer> =>
    server.call(`/v1/stream/${name}`, { method: 'POST', headers: { ...TEXT, ...headers }, body })
  const put = (server: TestServer, name: string): Promise<Answer> =>
    server.call(`/v1/stream/${name}`, { method: 'PUT', headers: TEXT })
  const textOf = async (server: TestServer, name: string): Promise<string> => {
    let text = ''
    for (let offset = '-1'; ;) {
      const page = await server.call(`/v1/stream/${name}?offset=${offset}`)
      expect(page.status).toBe(200)
      text += page.text
      offset = String(page.headers['stream-next-offset'])
      if (page.headers['stream-up-to-date'] === 'true') return text
    }
  }
  const message = (count: number): string => `<${count}:${'x'.repeat(count % 3 === 0 ? 12_000 : 200)}>`

  test('refuses appends and keeps what it has told, and goes on when there is room again, without a restart', async () => {
    disk = smallDisk(2 * MIB) as SmallDisk
    disk.take(MIB)
    let kept = ''
    {
      await using server = await serverOn(disk)
      await put(server, 'a')
      const reader = await server.open('/v1/stream/a?offset=-1&live=sse')
      await reader.until('upToDate')
      let count = 0
      for (let status = 204; status === 204 && count < 1_000; count++) {
        const answer = await append(server, 'a', message(count))
        status = answer.status
        if (status === 204) kept += message(count)
        else expect([status, problem(answer)['code']]).toEqual([507, 'storage_full'])
      }
      expect(kept.length).toBeGreaterThan(100_000)
      disk.fill()
      // Many at once, of producers, and a new stream with them: nothing is told as kept that is not.
      const producer = { 'Producer-Id': 'p', 'Producer-Epoch': '0', 'Producer-Seq': '0' }
      const large = 'y'.repeat(60_000)
      const created = put(server, 'new')
      const all = await Promise.all([
        ...Array.from({ length: 20 }, () => append(server, 'a', large)),
        ...Array.from({ length: 5 }, () => append(server, 'a', large, producer)),
      ])
      for (const answer of all) {
        expect([answer.status, problem(answer)['code']]).toEqual([507, 'storage_full'])
        expect(answer.text).not.toContain(disk.dir)
      }
      // What was kept cannot be moved to its place now: it is read from where it is, and does not delay the stop of the server.
      await new Promise((resolve) => setTimeout(resolve, 200))
      expect(await textOf(server, 'a')).toBe(kept)
      expect((await server.call('/v1/stream/new')).status).toBe((await created).status === 201 ? 200 : 404)

      disk.free()
      // What was refused is new when it comes again, and counts once.
      for (const status of [200, 204]) expect((await append(server, 'a', message(0), producer)).status).toBe(status)
      kept += message(0)
      // Long enough for what was kept to be moved to its place on disk meanwhile.
      for (let more = 0; more < 40; more++) {
        expect((await append(server, 'a', message(1))).status).toBe(204)
        kept += message(1)
        expect(await textOf(server, 'a')).toBe(kept)
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
      expect((await put(server, 'new')).status).toBeOneOf([200, 201])
      expect(await textOf(server, 'a')).toBe(kept)
      await append(server, 'a', '', { 'Stream-Closed': 'true' })
      const live = sseEvents((await reader.ended).text).filter(({ event }) => event === 'data')
      expect(live.map(({ data }) => data).join('')).toBe(kept)
    }
    // Nor is anything else found when it is opened again, and on a full disk it says why it cannot be.
    disk.fill()
    await expect(serverOn(disk)).rejects.toMatchObject({ code: expect.stringMatching(/^storage_/) })
    disk.free()
    await using again = await serverOn(disk)
    expect(await textOf(again, 'a')).toBe(kept)
  })
})

describe.skipIf(!canMount)('a full disk, for a run that is kept on it', () => {
  test('ends the run without claiming that it is whole, and the next one is kept again', async () => {
    disk = smallDisk(2 * MIB) as SmallDisk
    disk.take(MIB)
    const files = {
      'endpoints/long.json': endpoint(
        '/long',
        [{ function: 'For', count: '{{count}}', inner_functions: [send('{{loop_index}}' + 'x'.repeat(5_000))] }],
        { inputs: { count: { type: 'integer', default: 2_000 } }, settings: { delivery: 'durable' } },
      ),
    }
    await using server = await serverOn(disk, files)
    const numbers = (text: string): number[] =>
      contents(text.slice(0, text.lastIndexOf('\n') + 1)).map((content) => Number.parseInt(String(content), 10))
    const cut = await server.call('/long?format=ndjson')
    const seen = numbers(cut.text)
    expect(seen).toEqual(seen.map((_, index) => index))
    expect(seen.length).toBeGreaterThan(10)
    expect(cut.text).not.toContain('"outcome":"completed"')
    if (cut.ending === 'clean') expect(cut.text).toMatch(/"outcome":"(failed|abandoned)"/)
    disk.free()
    const again = await server.call(`${String(cut.headers['stream-url'])}?format=ndjson`)
    expect(numbers(again.text).slice(0, seen.length)).toEqual(seen)
    expect(ndjsonLines(again.text).at(-1)).toMatchObject({ outcome: expect.stringMatching(/failed|abandoned/) })
    const next = await server.call('/long?format=ndjson&count=20')
    expect(numbers(next.text)).toHaveLength(20)
    expect(ndjsonLines(next.text).at(-1)).toMatchObject({ outcome: 'completed' })
  })
})

describe.skipIf(!canMount)('a full disk, for records', () => {
  const files = {
    'tables/notes.yaml': { columns: { id: { type: 'integer', primary: true }, text: 'text' } },
    'endpoints/add.json': endpoint(
      '/add',
      [{ function: 'Add Record', table: 'notes', record: { id: '{{id}}', text: '{{text}}' } }, send('added')],
      { method: 'POST', inputs: { id: { type: 'integer', required: true }, text: { type: 'text', required: true } } },
    ),
    'endpoints/edit.json': endpoint(
      '/edit',
      [
        { function: 'Edit Record', table: 'notes', field: 'id', value: '{{id}}', record: { text: '{{text}}' } },
        send('edited'),
      ],
      { method: 'POST', inputs: { id: { type: 'integer', required: true }, text: { type: 'text', required: true } } },
    ),
    'endpoints/all.json': endpoint('/all', [
      { function: 'Get Records', table: 'notes', sort: 'id', as: 'found' },
      { function: 'For Each', input: '{{found}}', inner_functions: [send('{{item}}')] },
    ]),
  }

  test('neither adds nor edits one without being able to keep it, and says so', async () => {
    disk = smallDisk(2 * MIB) as SmallDisk
    disk.take(MIB)
    const kept = new Map<number, string>()
    const rows = async (server: TestServer): Promise<unknown> =>
      contents((await server.call('/all?format=ndjson')).text).map((row) => Object.values(row as object))
    const write = async (server: TestServer, path: string, id: number, text: string): Promise<number> => {
      const answer = await server.call(`${path}?format=ndjson`, { body: { id, text } })
      if (answer.status === 200) {
        expect(ndjsonLines(answer.text).at(-1)).toMatchObject({ outcome: 'completed' })
        kept.set(id, text)
      } else {
        expect(problem(answer)).toMatchObject({ code: 'storage_failed', detail: expect.stringContaining('full') })
        expect(answer.text).not.toContain('added')
      }
      return answer.status
    }
    {
      await using server = await serverOn(disk, files)
      let id = 1
      while (id < 500 && (await write(server, '/add', id, 'x'.repeat(id % 2 === 0 ? 20_000 : 50))) === 200) id++
      expect(kept.size).toBeGreaterThan(10)
      disk.fill()
      for (let more = 0; more < 3; more++) expect(await write(server, '/add', id + more, 'y'.repeat(60_000))).toBe(503)
      for (const edited of [1, 2]) expect(await write(server, '/edit', edited, 'z'.repeat(60_000))).toBe(503)
      expect(await rows(server)).toEqual([...kept])
      disk.free()
      expect(await write(server, '/add', id, 'again')).toBe(200)
      expect(await write(server, '/edit', 1, 'edited')).toBe(200)
      expect(await rows(server)).toEqual([...kept])
    }
    await using again = await serverOn(disk, files)
    expect(await rows(again)).toEqual([...kept])
  })
})

describe.skipIf(!canMount)('a disk that is full when the server starts', () => {
  const files = {
    'streamstack.yaml': { streams: { access: 'open', log: 'sqlite' }, log: { level: 'silent' } },
    'endpoints/hello.json': endpoint('/hello', [send('hello')]),
    'endpoints/count.json': endpoint('/count', [{ function: 'Count Records', table: 'notes' }, send('{{count}}')]),
    'endpoints/note.json': endpoint('/note', [
      { function: 'Add Record', table: 'notes', record: { text: 'x' } },
      send('kept'),
    ]),
    'endpoints/durable.json': endpoint(
      '/durable',
      [{ function: 'For', count: 100_000, inner_functions: [send('tick'), { function: 'Sleep', duration: 5 }] }],
      { settings: { delivery: 'durable' } },
    ),
    'tables/notes.json': { columns: { text: { type: 'text' } }, seed: [{ text: 'first' }] },
  }
  const expectFull = (answer: Answer, dir: string): void => {
    expect([answer.status, problem(answer)['code']]).toBeOneOf([
      [503, 'storage_failed'],
      [507, 'storage_full'],
    ])
    expect(String(problem(answer)['detail'])).toMatch(/disk .* is full/)
    expect(answer.text).not.toContain(dir)
  }
  const eventually = (call: () => Promise<Answer>, wanted: number): Promise<void> =>
    expect.poll(async () => (await call()).status, { interval: 50 }).toBe(wanted)

  test('with nothing on it yet: what needs no disk is served, the rest when there is room', async () => {
    disk = smallDisk(2 * MIB) as SmallDisk
    const data = join(disk.dir, 'data')
    mkdirSync(data)
    disk.fill()
    await using server = await testServer(files, { data })
    expect((await server.call('/hello?format=text')).text).toBe('hello')
    for (const path of ['/count', '/note', '/durable']) expectFull(await server.call(path), disk.dir)
    disk.free()
    await eventually(() => server.call('/note'), 200)
    expect((await server.call('/count?format=text')).text).toBe('1')
  })

  test('with data on it: runs that a crash cut off get their outcome as soon as there is room', async () => {
    disk = smallDisk(4 * MIB) as SmallDisk
    await using workspace = await tempWorkspace({
      ...files,
      'streamstack.yaml': { ...files['streamstack.yaml'], data: join(disk.dir, 'data') },
    })
    let run: string
    {
      await using killed = await serverProcess(workspace.dir)
      const open = await openCall(killed.url, '/durable?format=ndjson')
      await open.until('"offset":5')
      run = String(open.headers['stream-url'])
      await killed.end('SIGKILL')
    }
    disk.fill()
    await using server = await serverProcess(workspace.dir)
    expect((await call(server.url, '/hello?format=text')).text).toBe('hello')
    disk.free()
    await eventually(() => call(server.url, run), 200)
    const lines = ndjsonLines((await call(server.url, `${run}?format=ndjson`)).text)
    expect(lines.at(-1)).toMatchObject({ type: 'end', outcome: 'abandoned' })
    await eventually(() => call(server.url, '/count'), 200)
  })
})
