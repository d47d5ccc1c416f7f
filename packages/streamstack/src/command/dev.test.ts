import { execFile } from 'node:child_process'
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { commandLine } from '@streamstack/test-support/command-line'

const endpoint = (path: string, content: string): string =>
  `endpoint_settings: { method: GET, path: ${path} }\nfunction_stack:\n  - { function: Streaming API Response, content: ${content} }\n`

const urlIn = (out: string): string => /http:\/\/127\.0\.0\.1:\d+/.exec(out)?.[0] ?? ''
const text = async (url: string): Promise<string> => (await fetch(`${url}?format=text`)).text()

test('the printed curl lines work when pasted', async () => {
  using line = commandLine()
  line.write({
    'endpoints/ask.json':
      '{"endpoint_settings":{"path":"/api/ask/:id"},"input_parameters":{"id":{"type":"integer"},"message":{"type":"text","required":true},"options":{"type":"object","properties":{"chunk_size":"words"}}},"function_stack":[{"function":"Streaming API Response","content":"{{id}} {{message}}"}]}',
    'endpoints/find.yaml': `${endpoint('/api/find', "'{{kind}} {{far}}'")}input_parameters: { kind: { type: text, required: true, values: ["it's"] }, far: { type: number, required: true, min: 3 } }\n`,
  })
  const running = line.start('dev', '--port', '0')
  const lines = (await running.until(/Ctrl-C/)).split('\n').filter((one) => one.startsWith('  curl '))
  expect(lines).toHaveLength(2)
  const answers: string[] = []
  for (const one of lines)
    answers.push((await promisify(execFile)('sh', ['-c', `${one} -sS --fail -H 'Accept: text/plain'`])).stdout)
  expect(answers).toEqual(['1 Hello, stream!\n', "it's 3\n"])
  expect(await running.stop()).toMatchObject({ code: 0, err: '' })
})

describe('the line to paste for a login', () => {
  const login =
    'endpoint_settings: { method: POST, path: /login }\ninput_parameters: { email: { type: text, required: true }, password: { type: text, required: true } }\nfunction_stack:\n  - { function: Get Record, table: users, field: email, value: "{{email}}", as: user }\n  - { function: Verify Password, password: "{{password}}", hash: "{{user?.hash}}" }\n  - { function: Precondition, condition: "{{is_valid}}", status: 401 }\n  - { function: Response, content: in }\n'
  const register =
    'endpoint_settings: { method: POST, path: /register }\ninput_parameters: { email: { type: text, required: true, format: email }, password: { type: text, required: true, min_length: 12 } }\nfunction_stack:\n  - { function: Hash Password, password: "{{password}}" }\n  - { function: Add Record, table: users, record: { email: "{{email}}", hash: "{{password_hash}}" } }\n  - { function: Response, content: registered }\n'
  const users = 'columns: { email: { type: text, unique: true }, hash: text }\n'

  test.each([
    ['works behind that of the registration', { 'endpoints/register.yaml': register }, ['registered', 'in']],
    ['is missing where callers cannot register', {}, []],
  ])('%s', async (_, files, expected) => {
    using line = commandLine()
    line.write({ 'endpoints/login.yaml': login, 'tables/users.yaml': users, ...files })
    const running = line.start('dev', '--port', '0')
    const lines = (await running.until(/Ctrl-C/)).split('\n').filter((one) => one.startsWith('  curl '))
    const answers: string[] = []
    for (const one of lines) answers.push((await promisify(execFile)('sh', ['-c', `${one} -sS --fail`])).stdout)
    expect(answers).toEqual(expected)
    await running.stop()
  })
})

test('each dashboard is listed with its address, which answers', async () => {
  using line = commandLine()
  const components = 'components: [{ component: Activity Feed, source: channel news }]'
  line.write({
    'channels/news.yaml': 'publish: true\nsubscribe: true\n',
    'dashboards/shop.yaml': `access: public\n${components}\n`,
    'dashboards/ops.yaml': `${components}\n`,
  })
  const running = line.start('dev', '--port', '0')
  const out = await running.until(/Ctrl-C/)
  expect(out).toMatch(/^Dashboard: http:\S+\/dashboards\/ops \(token\)$/m)
  const shop = /^Dashboard: (http:\S+\/dashboards\/shop)$/m.exec(out)?.[1] ?? ''
  expect(await (await fetch(shop)).json()).toMatchObject({ widgets: [{ type: 'feed' }] })
  await running.stop()
})

test('a workspace with channels alone is served, with lines to publish and to read', async () => {
  using line = commandLine()
  line.write({
    'channels/inner.yaml': 'description: For steps\n',
    'channels/members.yaml': 'publish: token\nsubscribe: token\n',
    'channels/rooms.yaml':
      'channel: rooms/{room}\ndescription: To talk in\npublish: true\nsubscribe: true\nhistory: { count: 5 }\n',
    'streamstack.yaml': 'auth: { jwt: { secret: "0123456789abcdef0123456789abcdef" } }\n',
  })
  const running = line.start('dev', '--port', '0')
  const out = await running.until(/Ctrl-C/)
  expect(out).toMatch(/^ {2}channel rooms\/\{room\} +To talk in$/m)
  expect(out).toMatch(/^ {2}channel members +\(token\)$/m)
  expect(out).toMatch(/^ {2}channel inner +For steps \(steps only\)$/m)
  expect(out).not.toContain('endpoints/')
  const [publish = '', read = '', ...more] = out.split('\n').filter((one) => one.startsWith('  curl '))
  expect(more).toEqual([])
  const sh = async (command: string): Promise<string> => (await promisify(execFile)('sh', ['-c', command])).stdout
  expect(JSON.parse(await sh(`${publish} -sS --fail`))).toHaveProperty('offset')
  expect(await sh(`${read}'?format=lines' -sS --fail --max-time 1 || true`)).toContain('Hello, channel!')
  expect(await (await fetch(urlIn(out))).json()).toMatchObject({
    endpoints: [],
    channels: [{ name: 'rooms/{room}', description: 'To talk in' }],
  })
  expect(await running.stop()).toMatchObject({ code: 0, err: '' })
})

test('saved files are live: added, broken, mended, removed', async () => {
  using line = commandLine()
  line.write({ 'endpoints/a.yaml': endpoint('/a', 'one') })
  const running = line.start('dev', '--port', '0')
  const url = urlIn(await running.until(/Ctrl-C/))
  line.write({ 'endpoints/b.yaml': endpoint('/b', 'two') })
  await running.until(/\+ GET \/b added/)
  expect(await text(`${url}/b`)).toBe('two')
  line.write({ 'endpoints/a.yaml': endpoint('/a', 'three').replace('content', 'contnt') })
  const broken = await running.until(/! GET \/a is broken and goes on with its last good version/)
  expect(broken).not.toContain('mended')
  await running.until(/endpoints\/a\.yaml:3:\d+ .*Did you mean `content`/)
  expect(await text(`${url}/a`)).toBe('one')
  line.write({ 'endpoints/a.yaml': endpoint('/a', 'three') })
  await running.until(/~ GET \/a updated[^]*All errors are mended/)
  expect(await text(`${url}/a`)).toBe('three')
  rmSync(join(line.cwd, 'endpoints/b.yaml'))
  await running.until(/- GET \/b removed/)
  expect((await fetch(`${url}/b`)).status).toBe(404)
  expect(await running.stop()).toMatchObject({ code: 0 })
})

test('one broken endpoint does not keep the others from being served', async () => {
  using line = commandLine()
  line.write({
    'endpoints/a.yaml': endpoint('/a', 'one'),
    'endpoints/b.yaml': 'function_stack: [{ function: Nonsense }]\n',
  })
  const running = line.start('dev', '--port', '0')
  const out = await running.until(/Ctrl-C/)
  expect(out).toMatch(/endpoints\/b\.yaml:1:\d+ .*Nonsense/)
  expect(await text(`${urlIn(out)}/a`)).toBe('one')
  await running.stop()
})

test('settings with an error, and a workspace without endpoints, are not served', async () => {
  using line = commandLine()
  line.write({
    'a/endpoints/a.yaml': endpoint('/a', 'one'),
    'a/streamstack.yaml': 'server: { port: many }\n',
    'b/streamstack.yaml': '',
  })
  const settings = await line.run('dev', 'a')
  expect(settings).toMatchObject({ code: 1, err: expect.stringMatching(/a\/streamstack\.yaml:1:\d+ .*server\.port/) })
  expect(settings.out).not.toContain('http://')
  expect(await line.run('dev', 'b')).toMatchObject({ code: 1, out: expect.stringContaining('endpoints/') })
})

test('a port in use and a data folder that cannot be made are one line with the cure', async () => {
  using line = commandLine()
  line.write({ 'endpoints/a.yaml': endpoint('/a', 'one'), file: '' })
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const { port } = other.address() as { port: number }
  const inUse = await line.run('dev', '--port', String(port))
  other.close()
  expect(inUse.code).toBe(1)
  expect(inUse.err).toMatch(/^error: Port \d+ on 127\.0\.0\.1 is in use\. .*--port\.\n$/)
  const noFolder = await line.run('dev', '--port', '0', '--data', 'file/inside')
  expect(noFolder.code).toBe(1)
  expect(noFolder.err).toMatch(/^error: The data folder .*--data.*\ncaused by: .*mkdir.*\n$/)
})

test('stopping tells readers that their run was cancelled', async () => {
  using line = commandLine()
  line.write({ 'endpoints/a.yaml': `${endpoint('/a', 'one')}  - { function: Sleep, duration: 600000 }\n` })
  const running = line.start('dev', '--port', '0')
  const url = urlIn(await running.until(/Ctrl-C/))
  const answer = await fetch(`${url}/a?format=ndjson`)
  const rest = answer.text()
  expect(await running.stop()).toMatchObject({ code: 0 })
  expect(JSON.parse((await rest).trimEnd().split('\n').at(-1) ?? '')).toMatchObject({
    type: 'end',
    outcome: 'cancelled',
  })
})

test('an empty table gets its seed, once, and a seed that is missing is said with its place', async () => {
  using line = commandLine()
  line.write({
    'endpoints/a.yaml':
      'endpoint_settings: { method: GET, path: /a }\nfunction_stack:\n  - { function: Count Records, table: people, as: people }\n  - { function: Count Records, table: places, as: places }\n  - { function: Streaming API Response, content: "{{people}} {{places}}" }\n',
    'tables/people.yaml': 'columns: { name: text }\nseed: [{ name: Ada }, { name: Grace }]\n',
    'tables/places.yaml': 'columns: { name: text }\nseed: seeds/places.csv\n',
    'tables/gone.yaml': 'columns: { name: text }\nseed: seeds/gone.csv\n',
    'seeds/places.csv': 'name\nLund\nOslo\nBern\n',
  })
  const first = await line.run('run', 'GET', '/a')
  expect(first).toMatchObject({ code: 0, out: '2 3\n' })
  expect(first.err).toMatch(/tables\/gone\.yaml:2:7 .*stays empty/)
  const second = await line.run('run', 'GET', '/a')
  expect(second.out).toBe('2 3\n')
  expect(second.err).not.toContain('people')
})

describe('calls', () => {
  const failing =
    'endpoint_settings: { method: GET, path: /broken }\nfunction_stack:\n  - { function: Throw Error, message: Out of paper, code: paper }\n'

  test('are shown one a line, with what became of them', async () => {
    using line = commandLine()
    line.write({ 'endpoints/a.yaml': endpoint('/a', 'one'), 'endpoints/b.yaml': failing })
    const running = line.start('dev', '--port', '0')
    const url = urlIn(await running.until(/Ctrl-C/))
    await text(`${url}/a?secret=hidden`)
    await running.until(/GET {4}\/a 200 completed, first chunk [\d.]+ ms, [\d.]+ ms, 1 chunk\n/)
    await text(`${url}/none`)
    await running.until(/GET {4}\/none 404 endpoint_unknown, [\d.]+ ms\n +There is no such endpoint/)
    await text(`${url}/broken`)
    await running.until(/\/broken \d+ failed/)
    const { out, err } = await running.stop()
    expect(out).not.toContain('hidden')
    expect(err).toMatch(/^\S+ warn: endpoints\/b\.yaml:3:\d+ a run failed: Out of paper \[paper\]\n$/)
  })

  test('of pages that may not read them name the setting that lets them', async () => {
    using line = commandLine()
    line.write({ 'endpoints/a.yaml': endpoint('/a', 'one') })
    const running = line.start('dev', '--port', '0')
    const url = urlIn(await running.until(/Ctrl-C/))
    await (await fetch(`${url}/a`, { headers: { Origin: url } })).text()
    const before = await running.until(/\/a 200 completed/)
    expect(before).not.toContain('server.cors.origins')
    await (await fetch(`${url}/a`, { headers: { Origin: 'http://shop.example' } })).text()
    await running.until(/Pages of http:\/\/shop\.example may not .*`server\.cors\.origins` in streamstack\.yaml/)
    await running.stop()
  })

  test('cannot write to the terminal what it would act on', async () => {
    using line = commandLine()
    line.write({ 'endpoints/a.yaml': endpoint('/a', 'one') })
    const running = line.start('dev', '--port', '0')
    const { port } = new URL(urlIn(await running.until(/Ctrl-C/)))
    const socket = connect(Number(port), '127.0.0.1')
    socket.end('GET /red HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://\u009b31m\r\nConnection: close\r\n\r\n')
    socket.resume()
    await running.until(/ 404 endpoint_unknown/)
    const { out } = await running.stop()
    expect(out.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u)
  })
})

describe('a workspace that has no secret for its tokens', () => {
  const guarded =
    'endpoint_settings: { method: GET, path: /mine, authentication: { type: jwt, roles: [editor] } }\nfunction_stack: [{ function: Streaming API Response, content: "{{auth.sub}}" }]\n'
  const settings = 'env: [JWT_SECRET]\nauth: { jwt: { secret: "{{env.JWT_SECRET}}", issuer: us } }\n'
  const tokenIn = (out: string): string => /^ {2}(ey\S+)$/m.exec(out)?.[1] ?? ''

  test.each([
    ['because nothing is set', ''],
    ['because its variable has no value', settings],
  ])('gets one that stays, %s', async (_, yaml) => {
    using line = commandLine()
    line.write({ 'endpoints/a.yaml': guarded, 'streamstack.yaml': yaml })
    const running = line.start('dev', '--port', '0')
    const out = await running.until(/Ctrl-C/)
    expect(out).not.toMatch(/auth\.jwt.* is not set|has no value/)
    const call = async (url: string, token: string): Promise<[number, string]> => {
      const answer = await fetch(`${url}/mine?format=text`, { headers: { Authorization: `Bearer ${token}` } })
      return [answer.status, await answer.text()]
    }
    expect(await call(urlIn(out), tokenIn(out))).toEqual([200, 'developer'])
    expect((await call(urlIn(out), 'none'))[0]).toBe(401)
    const file = join(line.cwd, '.streamstack/developer-secret')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(out).not.toContain(readFileSync(file, 'utf8').trim())
    await running.stop()
    // Tokens go on being valid after a restart, and `token` makes more of them.
    const again = line.start('dev', '--port', '0')
    const url = urlIn(await again.until(/Ctrl-C/))
    expect(await call(url, tokenIn(out))).toEqual([200, 'developer'])
    const made = await line.run('token', '--sub', 'ada', '--role', 'editor')
    expect(await call(url, made.out.trim())).toEqual([200, 'ada'])
    await again.stop()
  })

  test('gets none in production', async () => {
    using line = commandLine()
    line.write({ 'endpoints/a.yaml': guarded })
    const running = line.start('serve', '--port', '0')
    const url = urlIn(await running.until(/Ctrl-C/))
    expect((await fetch(`${url}/mine`, { headers: { Authorization: 'Bearer none' } })).status).toBe(503)
    await running.stop()
    expect(existsSync(join(line.cwd, '.streamstack/developer-secret'))).toBe(false)
    line.write({ 'streamstack.yaml': settings })
    const refused = await line.run('serve', '--port', '0')
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('{{env.JWT_SECRET}} has no value') })
  })

  test('keeps its own once it is set', async () => {
    using line = commandLine()
    line.write({ 'endpoints/a.yaml': guarded, 'streamstack.yaml': settings, '.env': `JWT_SECRET=${'s'.repeat(40)}\n` })
    const running = line.start('dev', '--port', '0')
    const out = await running.until(/Ctrl-C/)
    await running.stop()
    expect(tokenIn(out)).not.toBe('')
    expect(existsSync(join(line.cwd, '.streamstack/developer-secret'))).toBe(false)
  })
})

test('other machines do not reach it, whatever the settings say', async () => {
  using line = commandLine()
  line.write({ 'endpoints/a.yaml': endpoint('/a', 'one'), 'streamstack.yaml': 'server: { host: 0.0.0.0 }\n' })
  const running = line.start('dev', '--port', '0')
  expect(await running.until(/Ctrl-C/)).toMatch(/http:\/\/127\.0\.0\.1:\d+/)
  await running.stop()
  const refused = await line.run('dev', '--port', '0', '--host', '0.0.0.0')
  expect(refused).toMatchObject({
    code: 1,
    err: expect.stringMatching(/this machine only.*0\.0\.0\.0.*streamstack serve/),
  })
})

test('settings that hold from the next start on are named when they change', async () => {
  using line = commandLine()
  line.write({ 'endpoints/a.yaml': endpoint('/a', 'one') })
  const running = line.start('dev', '--port', '0')
  await running.until(/Ctrl-C/)
  line.write({ 'streamstack.yaml': 'server: { port: 9 }\nstreams: { heartbeat: 5s, retention: 1m }\n' })
  const out = await running.until(/stop and start the server/)
  expect(out).toMatch(/ server\.port, streams\.heartbeat changed: stop and start the server for that/)
  await running.stop()
})
