import { once } from 'node:events'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { connect } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { ServerMessage } from '@streamstack/protocol'
import { describe, expect, test } from 'vitest'
import { makeApiKey, makeToken } from '@streamstack/test-support/credentials'
import { commandLine } from '@streamstack/test-support/command-line'
import { serve } from 'streamstack'
import { parsePrometheus, valueOf } from '@streamstack/test-support/prometheus-text'
import { ndjsonLines } from '@streamstack/test-support/http-client'
import { serverProcess } from '@streamstack/test-support/server-process'
import { smallDisk } from '@streamstack/test-support/small-disk'
import { tempWorkspace } from '@streamstack/test-support/temp-workspace'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'
import { openWebSocket } from '@streamstack/test-support/websocket-client'

const SECRET = 'a secret of the tests, as long as a key has to be'

const bearer = async (sub: string, claims: Record<string, string> = {}): Promise<Record<string, string>> => ({
  Authorization: `Bearer ${await makeToken({ secret: SECRET, sub, expiresSeconds: 600, claims })}`,
})

const files = {
  'streamstack.yaml': {
    auth: { jwt: { secret: SECRET } },
    audit: { enabled: true, inputs: { order: 'clear', email: 'hash', list: 'clear' } },
  },
  'endpoints/open.json': endpoint('/open/:id', [send('a{{order}}')], {
    method: 'POST',
    inputs: {
      order: { type: 'text' },
      email: { type: 'text' },
      list: { type: 'list' },
      note: { type: 'text' },
    },
  }),
  'endpoints/mine.json': endpoint('/mine', [send('mine')], { settings: { authentication: true } }),
  'endpoints/boss.json': endpoint('/boss', [send('boss')], { settings: { authentication: true, roles: ['boss'] } }),
  'endpoints/once.json': endpoint('/once', [send('once')], { settings: { rate_limit: { calls: 1, per: '1h' } } }),
  'endpoints/fails.json': endpoint('/fails', [
    send('one'),
    { function: 'Throw Error', message: 'nothing for the audit' },
  ]),
  'channels/news.json': { channel: 'news/{topic}', publish: true, subscribe: true },
}

type Entry = Record<string, unknown> & { type: string }

/** Entries as files have them. */
function entriesIn(dir: string): readonly Entry[] {
  const folder = join(dir, '.streamstack', 'audit')
  return readdirSync(folder)
    .filter((name) => name.endsWith('.jsonl'))
    .toSorted()
    .flatMap((name) => readFileSync(join(folder, name), 'utf8').trimEnd().split('\n'))
    .map((line) => JSON.parse(line) as Entry)
}

/** Ends the server, so that everything is written, and returns the entries of calls and refusals. */
async function calls(server: TestServer): Promise<readonly Entry[]> {
  await server.close()
  return entriesIn(server.dir).filter(({ type }) => type === 'call' || type === 'refusals')
}

function isAbout(message: ServerMessage, type: ServerMessage['type'], id: string): boolean {
  return message.type === type && 'id' in message && message.id === id
}

describe('what is recorded', () => {
  test('a call: who, from where, which endpoint and run, listed inputs, how it ended', async () => {
    await using server = await testServer(files)
    const body = { order: 'A-17', email: 'ann@example.com', list: [1], note: 'not listed' }
    await server.call('/open/room-9?format=lines', { body })
    await server.call('/mine', { headers: await bearer('ann') })
    await server.call('/fails')
    const entries = await calls(server)
    expect(entries).toHaveLength(3)
    expect(entries[0]).toMatchObject({
      type: 'call',
      caller: 'anonymous',
      subject: null,
      address: '127.0.0.1',
      transport: 'http',
      method: 'POST',
      route: '/open/:id',
      endpoint: 'open',
      inputs: {
        order: 'A-17',
        email: expect.stringMatching(/^hmac-sha256:[0-9a-f]{64}$/),
        list: expect.stringMatching(/^hmac-sha256:[0-9a-f]{64}$/),
      },
      outcome: 'completed',
      status: 200,
      bytes: expect.any(Number),
      duration_ms: expect.any(Number),
    })
    expect(entries[1]).toMatchObject({ caller: 'token', subject: 'ann', outcome: 'completed' })
    // The id of a run without an owner is what lets one read it.
    expect(entries[0]?.['run']).toMatch(/^sha256:/)
    expect(entries[1]?.['run']).not.toMatch(/^sha256:/)
    expect(entries[2]).toMatchObject({ outcome: 'failed', status: 200 })
    expect(JSON.stringify(entries)).not.toMatch(/room-9|not listed|ann@example|nothing for the audit/)
  })

  test('every refusal, with its reason, and whose it was', async () => {
    await using server = await testServer(files)
    const ann = await bearer('ann')
    const run = (await server.call('/mine', { headers: ann })).headers['stream-run'] as string
    const eve = await bearer('eve')
    const other = { ...ann, Authorization: `${ann['Authorization']}x` }
    const refused: [string, Parameters<TestServer['call']>[1], object][] = [
      ['/mine', {}, { status: 401, error: 'unauthenticated', reason: 'missing', route: '/mine', subject: null }],
      ['/mine', { headers: other }, { status: 401, reason: 'signature' }],
      ['/boss', { headers: eve }, { status: 403, error: 'forbidden', subject: 'eve' }],
      ['/metrics', { headers: eve }, { status: 403, route: '/metrics', subject: 'eve' }],
      [
        `/v1/runs/${run}`,
        { headers: eve },
        { status: 404, error: 'run_unknown', reason: 'other_owner', subject: 'eve', run },
      ],
      [`/v1/stream/runs/made-up-${run}`, { headers: eve }, { status: 404, error: 'run_unknown', run: null }],
      ['/nowhere-secret', {}, { status: 404, error: 'endpoint_unknown', route: null }],
      ['/open/1', { body: { order: 5 } }, { status: 400, error: 'input_invalid' }],
      [
        '/open/1',
        { body: {}, headers: { Origin: 'https://evil.example' } },
        { status: 403, error: 'forbidden', route: null },
      ],
      ['/once', {}, { status: 200, outcome: 'completed' }],
      ['/once', {}, { status: 429, error: 'rate_limited' }],
      ['/v1/channels/nowhere', {}, { status: 404, error: 'channel_unknown' }],
      ['/v1/stream/some-name', { method: 'PUT' }, { status: 401 }],
    ]
    for (const [path, options] of refused) await server.call(path, options)
    const entries = (await calls(server)).slice(1)
    for (const [path, , expected] of refused) {
      const { outcome = 'refused' } = expected as { outcome?: string }
      expect(entries, path).toContainEqual(expect.objectContaining({ ...expected, outcome, type: 'call' }))
    }
    expect(JSON.stringify(entries)).not.toMatch(/nowhere-secret|made-up|evil/)
  })

  test('routine calls have no entry: health, pages without a right, preflights', async () => {
    await using server = await testServer(files)
    for (const path of ['/healthz', '/readyz', '/', '/openapi.json', '/v1/models']) await server.call(path)
    await server.call('/mine', { method: 'OPTIONS' })
    expect(await calls(server)).toEqual([])
  })

  test('what is asked for over a WebSocket, message by message', async () => {
    await using server = await testServer(files)
    const socket = await openWebSocket(server.url)
    socket.send({ type: 'call', id: '1', endpoint: 'POST /open/1', inputs: { order: 'A-18' } })
    await socket.until((message) => isAbout(message, 'end', '1'))
    socket.send({ type: 'publish', id: '2', channel: 'news/sport', content: 'not for the audit' })
    await socket.until((message) => isAbout(message, 'published', '2'))
    socket.send({ type: 'call', id: '3', endpoint: 'GET /mine' })
    await socket.until((message) => isAbout(message, 'error', '3'))
    socket.send({ type: 'subscribe', id: '4', channel: 'news/sport' })
    await socket.until((message) => isAbout(message, 'open', '4'))
    socket.send({ type: 'auth', token: 'no.such.token' })
    await socket.closed
    const entries = await calls(server)
    for (const expected of [
      { route: '/open/:id', endpoint: 'open', outcome: 'completed', inputs: { order: 'A-18' } },
      { method: 'POST', route: '/v1/channels/{name...}', resource: 'news/sport', outcome: 'answered' },
      { route: '/mine', endpoint: 'mine', outcome: 'refused', status: 401, error: 'unauthenticated' },
      { method: 'GET', route: '/v1/channels/{name...}', resource: 'news/sport', outcome: 'disconnected' },
      { route: '/v1/ws', outcome: 'refused', status: 401 },
      { route: '/v1/ws', outcome: 'answered', status: 101 },
    ]) {
      expect(entries).toContainEqual(expect.objectContaining({ ...expected, transport: 'websocket' }))
    }
    expect(JSON.stringify(entries)).not.toMatch(/not for the audit|no\.such/)
  })

  test('a call over HTTP/2, with the bytes of its body', async () => {
    const fixture = (name: string): string => join(import.meta.dirname, 'fixtures', 'tls', `${name}.pem`)
    const settings = {
      ...files['streamstack.yaml'],
      server: { tls: { cert: fixture('cert'), key: fixture('key') } },
    }
    await using server = await testServer({ ...files, 'streamstack.yaml': settings })
    const session = connect(server.url, { ca: readFileSync(fixture('cert')) })
    session.on('error', () => undefined)
    for (const path of ['/fails?format=ndjson', '/mine'])
      await once(session.request({ ':path': path }).resume(), 'close')
    session.close()
    const [failed, refused] = await calls(server)
    expect(failed).toMatchObject({ endpoint: 'fails', outcome: 'failed', status: 200 })
    expect(failed?.['bytes']).toBeGreaterThanOrEqual('one\n'.length)
    expect(refused).toMatchObject({ endpoint: 'mine', status: 401 })
    expect(refused?.['bytes']).toBeGreaterThan(100)
  })

  test('only refusals, where the settings say so', async () => {
    const settings = { ...files['streamstack.yaml'], audit: { enabled: true, calls: 'refused' } }
    await using server = await testServer({ ...files, 'streamstack.yaml': settings })
    await server.call('/open/1', { body: {} })
    await server.call('/mine')
    expect(await calls(server)).toMatchObject([{ status: 401 }])
  })

  test('nothing, and no file, without the setting', async () => {
    await using server = await testServer({ ...files, 'streamstack.yaml': { auth: { jwt: { secret: SECRET } } } })
    await server.call('/open/1', { body: {} })
    await server.close()
    expect(readdirSync(join(server.dir, '.streamstack'))).not.toContain('audit')
  })
})

test('a flood of refusals is counted, and told as few entries', async () => {
  await using server = await testServer(files)
  for (let n = 0; n < 300; n++) await server.call(`/nowhere/${n}`)
  await server.call('/open/1', { body: { order: 'B-1' } })
  const entries = await calls(server)
  expect(entries.length).toBeLessThan(20)
  const counted = entries.reduce((sum, { type, count, outcome }) => {
    if (type === 'refusals') return sum + (count as number)
    return outcome === 'refused' ? sum + 1 : sum
  }, 0)
  expect(counted).toBe(300)
  expect(entries).toContainEqual(expect.objectContaining({ inputs: { order: 'B-1' } }))
})

test('a secret appears nowhere, wherever it was sent', async () => {
  const { key, hash } = makeApiKey()
  const planted = 'sk-planted0123456789abcdefghij'
  const settings = {
    ...files['streamstack.yaml'],
    auth: { jwt: { secret: SECRET }, keys: { ci: { hash, roles: ['boss'] } } },
    variables: { hidden: planted },
  }
  await using server = await testServer({ ...files, 'streamstack.yaml': settings })
  const body = { order: `key ${planted} and ${key}`, email: planted, note: planted, list: [planted] }
  const headers = { 'X-Key': planted, Cookie: `a=${planted}`, Origin: `https://${planted}.example` }
  await server.call(`/open/${planted}?q=${planted}`, { body })
  await server.call(`/open/${planted}?q=${planted}`, { body, headers })
  await server.call('/boss', { headers: { Authorization: `Bearer ${key}` } })
  await server.call('/boss', { headers: { Authorization: `Basic ${btoa(`:${key}`)}` } })
  await server.call(`/${planted}/${key}`)
  await server.call(`/v1/runs/${planted}`)
  await server.call(`/v1/channels/news/${planted}`, { body: { content: planted } })
  await server.call('/mine', { headers: await bearer(`me ${planted}`) })
  await server.call('/mine', { headers: { Authorization: `Bearer ${planted}` } })
  await server.call('/mine', { headers: { 'Idempotency-Key': planted, ...(await bearer('ann')) } })
  await server.close()
  const folder = join(server.dir, '.streamstack', 'audit')
  for (const name of readdirSync(folder)) {
    const text = readFileSync(join(folder, name), 'utf8')
    for (const secret of ['planted0123456789', key, key.slice(4), SECRET, hash.slice(20)]) {
      expect(text, name).not.toContain(secret)
    }
  }
  expect(entriesIn(server.dir)).toContainEqual(expect.objectContaining({ subject: 'key:ci', endpoint: 'boss' }))
})

describe('changes of keys and settings', () => {
  test('a reload tells which, and never a value', async () => {
    const { hash } = makeApiKey()
    await using server = await testServer(files, { watch: true })
    const settings = files['streamstack.yaml']
    const write = async (more: object): Promise<void> => {
      await server.write('streamstack.yaml', {
        log: { level: 'silent' },
        server: { errors: 'detailed' },
        ...settings,
        ...more,
      })
    }
    const comes = (expected: object): Promise<void> =>
      expect.poll(() => entriesIn(server.dir)).toContainEqual(expect.objectContaining(expected))
    const fingerprint = hash.slice('sha256:'.length, 'sha256:'.length + 8)
    await write({ auth: { ...settings.auth, keys: { ci: { hash } } }, limits: { active_runs: 77 } })
    await comes({ type: 'key', action: 'created', name: 'ci', fingerprint })
    await comes({ type: 'settings', settings: ['limits.active_runs'] })
    await write({ auth: { ...settings.auth, keys: { ci: { hash, roles: ['boss'] } } }, limits: { active_runs: 77 } })
    await comes({ type: 'key', action: 'changed', name: 'ci' })
    await write({})
    await comes({ type: 'key', action: 'revoked', name: 'ci', fingerprint })
    await comes({ type: 'reload', files: ['streamstack.yaml'] })
  })

  test('what changed while the server was stopped is told at its next start', async () => {
    const settings = { ...files['streamstack.yaml'], log: { level: 'silent' } }
    await using workspace = await tempWorkspace({ ...files, 'streamstack.yaml': settings })
    const once = async (): Promise<void> => (await serve({ dir: workspace.dir, port: 0 })).close()
    await once()
    await workspace.write('streamstack.yaml', { ...settings, limits: { max_duration: '5m' } })
    await once()
    expect(entriesIn(workspace.dir).map(({ type }) => type)).toEqual(['start', 'stop', 'start', 'settings', 'stop'])
    expect(entriesIn(workspace.dir)[3]).toMatchObject({ settings: ['limits.max_duration'] })
  })
})

describe('as a stream', () => {
  test('those with the right read it, from any entry, and as it goes on; others are refused', async () => {
    await using server = await testServer(files)
    const audit = '/v1/stream/system/audit'
    expect((await server.call(audit)).status).toBe(401)
    for (const scope of ['system:read', 'streams:read']) {
      expect((await server.call(audit, { headers: await bearer('ops', { scope }) })).status).toBe(403)
    }
    const headers = await bearer('auditor', { scope: 'audit:read' })
    const reader = await server.open(`${audit}?format=ndjson`, { headers })
    await reader.until('"type":"start"')
    await server.call('/open/1', { body: { order: 'C-3' } })
    await reader.until('C-3')
    reader.leave()
    const later = await server.open(`${audit}?format=ndjson&offset=2`, { headers })
    await later.until('C-3')
    const first = ndjsonLines(later.text)[0] as { offset: number; content: { seq: number } }
    expect([first.offset, first.content.seq]).toEqual([3, 3])
    later.leave()
    // By the open protocol, too.
    const page = await server.call(`${audit}?offset=-1`, { headers })
    expect(page.status).toBe(200)
  })

  test('many entries are read whole, in order, over several files', async () => {
    await using server = await testServer(files)
    const headers = await bearer('auditor', { scope: 'audit:read' })
    for (let n = 0; n < 300; n++) await server.call('/open/1', { body: { order: `D-${n}-${'x'.repeat(150)}` } })
    const reader = await server.open('/v1/stream/system/audit?format=ndjson&offset=70', { headers })
    await reader.until('D-299-')
    reader.leave()
    const offsets = ndjsonLines(reader.text).map((line) => (line as { offset: number }).offset)
    expect(offsets.slice(0, 200)).toEqual(Array.from({ length: 200 }, (_, index) => 71 + index))
  })

  test('what was done to the files is told to the operator alone', async () => {
    const settings = { ...files['streamstack.yaml'], server: { errors: 'public' } }
    await using server = await testServer({ ...files, 'streamstack.yaml': settings })
    const headers = await bearer('auditor', { scope: 'audit:read' })
    for (let n = 0; n < 5; n++) await server.call('/open/1', { body: {} })
    await expect.poll(() => entriesIn(server.dir).length).toBeGreaterThan(4)
    const folder = join(server.dir, '.streamstack', 'audit')
    const path = join(folder, readdirSync(folder).find((name) => name.endsWith('.jsonl')) ?? '')
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll('"seq":2,', '"seq":7,'))
    const socket = await openWebSocket(server.url, { headers })
    socket.send({ type: 'read', id: 'a', stream: '/v1/stream/system/audit' })
    const told = JSON.stringify(await socket.until((message) => isAbout(message, 'error', 'a')))
    socket.close()
    for (const format of ['ndjson', 'json']) {
      const { text } = await server.call(`/v1/stream/system/audit?format=${format}`, { headers })
      for (const answer of [text, told]) {
        expect(answer).toContain('storage_failed')
        expect(answer).not.toMatch(/audit verify|where it should be/)
      }
    }
  })

  test('while it is off there is no such stream', async () => {
    await using server = await testServer({ ...files, 'streamstack.yaml': { auth: { jwt: { secret: SECRET } } } })
    const answer = await server.call('/v1/stream/system/audit', { headers: await bearer('a', { scope: 'audit:read' }) })
    expect([answer.status, answer.text]).toEqual([404, expect.stringContaining('audit')])
  })
})

describe('when the server is killed or its disk is full', () => {
  test('kill -9 loses no more than the last batch, and the chain goes on after the restart', async () => {
    await using workspace = await tempWorkspace(files)
    const one = async (url: string, order: string): Promise<void> => {
      await (
        await fetch(`${url}/open/1`, { method: 'POST', body: JSON.stringify({ order }), headers: JSON_TYPE })
      ).text()
    }
    for (const round of [1, 2]) {
      const server = await serverProcess(workspace.dir)
      for (let n = 0; n < 20; n++) await one(server.url, `kept-${round}-${n}`)
      await expect.poll(() => JSON.stringify(entriesIn(workspace.dir))).toContain(`kept-${round}-19`)
      const storm = Promise.allSettled(Array.from({ length: 30 }, (_, n) => one(server.url, `storm-${round}-${n}`)))
      await server.end('SIGKILL')
      await storm
    }
    const server = await serverProcess(workspace.dir)
    await server.end('SIGTERM')
    using line = commandLine()
    const { code, out } = await line.run('audit', 'verify', workspace.dir, '--json')
    expect(code, out).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ first: 1, tornBytes: 0, fault: null })
    const text = JSON.stringify(entriesIn(workspace.dir))
    for (const round of [1, 2]) for (let n = 0; n < 20; n++) expect(text).toContain(`"kept-${round}-${n}"`)
    expect(entriesIn(workspace.dir).filter(({ type }) => type === 'start')).toHaveLength(3)
  })

  test.for([
    ['refuse', 503],
    ['continue', 200],
  ] as const)(
    'on_failure: %s answers calls with %i while nothing can be written',
    async ([onFailure, status], { skip }) => {
      using disk = smallDisk(4 * 1_048_576)
      if (disk === null) return skip('Only root on Linux may mount a disk.')
      const folder = join(disk.dir, 'audit')
      const audit = { enabled: true, on_failure: onFailure, folder }
      const settings = { auth: { jwt: { secret: SECRET } }, audit }
      await using server = await testServer({ ...files, 'streamstack.yaml': settings })
      const operator = { headers: await bearer('ops', { scope: 'system:read' }) }
      const failing = async (): Promise<number | undefined> =>
        valueOf(parsePrometheus((await server.call('/metrics', operator)).text), 'streamstack_audit_failing')
      expect(await failing()).toBe(0)
      disk.fill()
      await server.call('/open/1', { body: {} })
      await expect.poll(failing).toBe(1)
      const answer = await server.call('/open/1', { body: {} })
      expect(answer.status).toBe(status)
      if (status === 503) expect(answer.headers['retry-after']).toBe('5')
      expect((await server.call('/healthz')).status).toBe(200)
      disk.free()
      await expect.poll(failing).toBe(0)
      expect((await server.call('/open/1', { body: {} })).status).toBe(200)
      await server.close()
      using line = commandLine()
      expect(await line.run('audit', 'verify', '--folder', folder)).toMatchObject({ code: 0 })
    },
  )
})

test('an audit has one writer, and a server that cannot open its audit does not start', async () => {
  await using folder = await tempWorkspace({ file: '' })
  const settings = { ...files['streamstack.yaml'], audit: { enabled: true, folder: join(folder.dir, 'audit') } }
  await using first = await testServer({ ...files, 'streamstack.yaml': settings })
  await expect(testServer({ ...files, 'streamstack.yaml': settings })).rejects.toThrow(
    'Another server writes this audit',
  )
  await first.close()
  await using _second = await testServer({ ...files, 'streamstack.yaml': settings })
  const broken = { ...settings, audit: { enabled: true, folder: join(folder.dir, 'file') } }
  await expect(testServer({ ...files, 'streamstack.yaml': broken })).rejects.toThrow(/audit .* cannot be opened/)
})

test('heads go to the log and to a webhook, and find what was cut', async () => {
  const heads: { authorization: string | undefined; body: { seq: number; hash: string } }[] = []
  const notary = createServer((request, response) => {
    let text = ''
    request.on('data', (data: Buffer) => (text += data.toString()))
    request.on('end', () => {
      heads.push({
        authorization: request.headers.authorization,
        body: JSON.parse(text) as { seq: number; hash: string },
      })
      response.end()
    })
  }).listen(0, '127.0.0.1')
  const port = await new Promise<number>((resolve) =>
    notary.on('listening', () => resolve((notary.address() as AddressInfo).port)),
  )
  const webhook = `http://127.0.0.1:${port}/heads`
  await using server = await testServer({
    ...files,
    'streamstack.yaml': {
      name: 'shop',
      outbound: { allow: [`127.0.0.1:${port}`] },
      audit: { enabled: true, head: { every: '1s', webhook, authorization: 'Bearer notary' } },
    },
  })
  for (let n = 0; n < 5; n++) await server.call('/open/1', { body: {} })
  await server.close()
  notary.close()
  const { authorization, body } = heads.at(-1) ?? {}
  expect(authorization).toBe('Bearer notary')
  expect(body).toMatchObject({ type: 'audit_head', workspace: 'shop', seq: 7 })
  const head = `${body?.seq}:${body?.hash}`
  using line = commandLine()
  const verify = (): Promise<{ code: number; out: string }> => line.run('audit', 'verify', server.dir, '--head', head)
  expect(await verify()).toMatchObject({ code: 0, out: expect.stringContaining(`Head: ${head}`) })
  line.write({ 'server.log': `{"level":30,"audit_head":"${head}","msg":"audit head"}\n` })
  expect(await line.run('audit', 'verify', server.dir, '--heads', 'server.log')).toMatchObject({ code: 0 })
  const folder = join(server.dir, '.streamstack', 'audit')
  const path = join(folder, readdirSync(folder).find((name) => name.endsWith('.jsonl')) ?? '')
  const text = readFileSync(path, 'utf8')
  writeFileSync(path, text.slice(0, text.trimEnd().lastIndexOf('\n') + 1))
  expect(await verify()).toMatchObject({
    code: 1,
    out: expect.stringContaining('CUT: Entries 7 to 7 are missing at the end'),
  })
  expect(await line.run('audit', 'verify', server.dir)).toMatchObject({ code: 0 })
})

describe('the command', () => {
  test('export writes lines that hash as documented, CSV, and parts', async () => {
    await using server = await testServer(files)
    await server.call('/open/1', { body: { order: '=1+1', email: 'ann@example.com' } })
    await server.call('/mine', { headers: await bearer('ann') })
    await server.close()
    using line = commandLine()
    const { out } = await line.run('audit', 'export', server.dir)
    expect(
      out
        .trimEnd()
        .split('\n')
        .map((text) => JSON.parse(text) as Entry),
    ).toEqual(entriesIn(server.dir))
    const csv = (await line.run('audit', 'export', server.dir, '--format', 'csv', '--type', 'call')).out.split('\n')
    expect(csv[0]).toMatch(/^seq,time,type,caller,subject,address/)
    expect(csv.filter((row) => row !== '')).toHaveLength(3)
    const some = await line.run('audit', 'export', server.dir, '--subject', 'ann')
    expect(some.out.trimEnd().split('\n')).toHaveLength(1)
    expect((await line.run('audit', 'export', server.dir, '--to', '2026-01-01')).out).toBe('')
    const hash = (await line.run('audit', 'hash', 'ann@example.com', server.dir)).out.trim()
    expect(out).toContain(`"email":"${hash}"`)
  })

  test('without an audit it says how to turn one on', async () => {
    using line = commandLine()
    line.write({ 'streamstack.yaml': 'name: none\n' })
    for (const what of ['verify', 'export']) {
      const { code, err } = await line.run('audit', what)
      expect([code, err]).toEqual([1, expect.stringContaining('audit: { enabled: true }')])
    }
  })
})

const JSON_TYPE = { 'Content-Type': 'application/json' }
