import { readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { commandLine } from '@streamstack/test-support/command-line'

const endpoint = (path: string, content: string): string =>
  `endpoint_settings: { method: GET, path: ${path} }\nfunction_stack:\n  - { function: Streaming API Response, content: ${content} }\n`

const urlIn = (out: string): string => /http:\/\/127\.0\.0\.1:\d+/.exec(out)?.[0] ?? ''

/** Every line of a log, which is JSON and nothing else. */
const entries = (log: string): Record<string, unknown>[] =>
  log
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

test('the log is JSON lines: problems, calls, failed runs', async () => {
  using line = commandLine()
  line.write({
    'endpoints/a.yaml': endpoint('/items/:id', 'one'),
    'endpoints/b.yaml': 'function_stack: [{ function: Nonsense }]\n',
    'endpoints/c.yaml':
      'endpoint_settings: { method: GET, path: /c }\nfunction_stack: [{ function: Throw Error, message: Out of paper }]\n',
  })
  const running = line.start('serve', '--port', '0')
  const out = await running.until(/Ctrl-C/)
  const url = urlIn(out)
  await (await fetch(`${url}/items/7?token=hidden`, { headers: { Origin: 'http://shop.example' } })).text()
  await (await fetch(`${url}/none`)).text()
  await (await fetch(`${url}/c`)).text()
  const { code, err, out: all } = await running.stop()
  expect(code).toBe(0)
  expect(all).toBe(`Streamstack is served at ${url}. Ctrl-C stops.\n`)
  expect(err).not.toContain('hidden')
  const log = entries(err)
  expect(log).toContainEqual(
    expect.objectContaining({
      level: 50,
      place: expect.stringMatching(/^endpoints\/b\.yaml:1:\d+$/),
      msg: expect.stringContaining('Nonsense'),
    }),
  )
  expect(log).toContainEqual(expect.objectContaining({ msg: 'serving', url, mode: 'serve' }))
  expect(log).toContainEqual(
    expect.objectContaining({ level: 40, msg: expect.stringContaining('`server.hosts` is not set') }),
  )
  const calls = log.filter(({ msg }) => msg === 'call')
  expect(calls).toHaveLength(3)
  expect(calls[0]).toMatchObject({
    level: 30,
    method: 'GET',
    path: '/items/7',
    status: 200,
    address: '127.0.0.1',
    endpoint: 'a',
    outcome: 'completed',
    chunks: 1,
    first_chunk_ms: expect.any(Number),
    duration_ms: expect.any(Number),
    run: expect.any(String),
    refused_origin: 'http://shop.example',
  })
  expect(calls[1]).toMatchObject({ path: '/none', status: 404, error: 'endpoint_unknown' })
  expect(calls[1]).not.toHaveProperty('outcome')
  expect(calls[2]).toMatchObject({ path: '/c', outcome: 'failed', endpoint: 'c' })
  expect(log).toContainEqual(expect.objectContaining({ level: 40, msg: 'a run failed: Out of paper', endpoint: 'c' }))
})

test('files that change are read again, unless told not to', async () => {
  using line = commandLine()
  line.write({ 'endpoints/a.yaml': endpoint('/a', 'one') })
  const fixed = line.start('serve', '--port', '0', '--no-watch', '--data', 'other')
  const watching = line.start('serve', '--port', '0')
  const [fixedUrl, url] = [urlIn(await fixed.until(/Ctrl-C/)), urlIn(await watching.until(/Ctrl-C/))]
  rmSync(join(line.cwd, 'endpoints/a.yaml'))
  line.write({ 'endpoints/b.yaml': endpoint('/b', 'two') })
  await expect.poll(async () => (await fetch(`${url}/b`)).status).toBe(200)
  expect((await fetch(`${fixedUrl}/b`)).status).toBe(404)
  expect((await fetch(`${fixedUrl}/a`)).status).toBe(200)
  const { err } = await watching.stop()
  expect(entries(err)).toContainEqual(
    expect.objectContaining({ msg: 'files were read again', changed: expect.arrayContaining(['endpoints/b.yaml']) }),
  )
  await fixed.stop()
})

test('log.level decides what is written', async () => {
  using line = commandLine()
  line.write({ 'endpoints/a.yaml': endpoint('/a', 'one'), 'streamstack.yaml': 'log: { level: error }\n' })
  const running = line.start('serve', '--port', '0')
  await (await fetch(`${urlIn(await running.until(/Ctrl-C/))}/a`)).text()
  expect(await running.stop()).toMatchObject({ code: 0, err: '' })
})

test('the data folder is for its owner alone, and so is every file in it', async () => {
  using line = commandLine()
  line.write({
    'endpoints/a.yaml': endpoint('/a', 'one').replace('path: /a', 'path: /a, delivery: durable'),
    'tables/t.yaml': 'columns: { name: text }\nseed: seed.csv\n',
    'seed.csv': 'id,name\nx,A\n1,B\n',
  })
  const running = line.start('serve', '--port', '0')
  await (await fetch(`${urlIn(await running.until(/Ctrl-C/))}/a`)).text()
  const folder = join(line.cwd, '.streamstack')
  const modes = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name): [string, number] => [
    name,
    statSync(join(folder, name)).mode & 0o077,
  ])
  await running.stop()
  expect(statSync(folder).mode & 0o777).toBe(0o700)
  expect(modes.map(([name]) => name)).toEqual(
    expect.arrayContaining(['records.sqlite', 'records.sqlite-wal', 'streams.sqlite', 't.rejected.ndjson']),
  )
  expect(modes.filter(([, others]) => others !== 0)).toEqual([])
})

test('a damaged file of the data folder is named with its cause and the cure', async () => {
  using line = commandLine()
  line.write({ 'endpoints/a.yaml': endpoint('/a', 'one'), 'tables/t.yaml': 'columns: { name: text }\n' })
  await line.run('run', 'GET', '/a')
  const file = join(line.cwd, '.streamstack/records.sqlite')
  // Its header stays: a file that is no database at all is another fault.
  const bytes = readFileSync(file)
  writeFileSync(file, bytes.fill(0xaa, 100))
  const damaged = await line.run('serve', '--port', '0')
  expect(damaged.code).toBe(1)
  expect(entries(damaged.err).at(-1)).toMatchObject({
    level: 60,
    msg: expect.stringMatching(/records\.sqlite in the data folder is damaged\. .*restore a backup/),
    err: { message: expect.stringContaining('malformed') },
  })
  expect(damaged.err).not.toContain('server log')
  writeFileSync(file, bytes.fill(0xaa))
  const nothing = await line.run('run', 'GET', '/a')
  expect(nothing.err).toMatch(/records\.sqlite in the data folder is no database/)
})

test('why it does not start is JSON, too, and so is what it tells of seeds', async () => {
  using line = commandLine()
  line.write({ 'endpoints/a.yaml': endpoint('/a', 'one'), 'streamstack.yaml': 'server: { port: many }\n' })
  const broken = await line.run('serve')
  expect(broken).toMatchObject({ code: 1, out: '' })
  expect(entries(broken.err)).toEqual([
    expect.objectContaining({ level: 60, place: 'streamstack.yaml:1:17', msg: expect.stringContaining('server.port') }),
  ])
  line.write({
    'streamstack.yaml': '',
    'tables/t.yaml': 'columns: { name: text }\nseed: [{ name: Ada }]\n',
    'tables/u.yaml': 'columns: { name: text }\nseed: missing.csv\n',
  })
  const running = line.start('serve', '--port', '0')
  await running.until(/Ctrl-C/)
  const log = entries((await running.stop()).err)
  expect(log).toContainEqual(expect.objectContaining({ level: 30, table: 't', records: 1 }))
  expect(log).toContainEqual(expect.objectContaining({ level: 50, place: 'tables/u.yaml:2:7' }))
  line.write({ 'endpoints/a.yaml': 'function_stack: [{ function: Nonsense }]\n' })
  const empty = await line.run('serve', '--port', '0')
  expect(entries(empty.err).at(-1)).toMatchObject({ level: 60, msg: expect.stringContaining('no endpoint') })
})

test('an entry of the access log names the caller, and never the token', async () => {
  using line = commandLine()
  line.write({
    'endpoints/a.yaml': endpoint('/a', 'one').replace('path: /a', 'path: /a, authentication: true'),
    'streamstack.yaml': `auth: { jwt: { secret: ${'s'.repeat(40)} } }\n`,
  })
  const token = (await line.run('token', '--sub', 'ada')).out.trim()
  const running = line.start('serve', '--port', '0')
  const url = urlIn(await running.until(/Ctrl-C/))
  await (await fetch(`${url}/a`, { headers: { Authorization: `Bearer ${token}` } })).text()
  await (await fetch(`${url}/a`, { headers: { Authorization: `Bearer ${token}x` } })).text()
  // A key that a user pasted in the wrong place.
  await (await fetch(`${url}/ssk_${'k'.repeat(43)}`)).text()
  const { err } = await running.stop()
  const calls = entries(err).filter(({ msg }) => msg === 'call')
  expect(calls).toMatchObject([
    { status: 200, caller: 'ada' },
    { status: 401, error: 'unauthenticated', reason: 'signature' },
    { status: 404, path: '/ssk_***' },
  ])
  expect(calls[1]).not.toHaveProperty('caller')
  expect(err).not.toContain(token.split('.')[2])
  expect(err).not.toContain('kkkk')
})
