import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync, readdirSync, rmSync, statSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { commandLine } from '@streamstack/test-support/command-line'

const hello = `endpoint_settings: { method: GET, path: /api/hello/:name }
input_parameters:
  name: { type: text, required: true }
  times: { type: integer, default: 2 }
function_stack:
  - function: For
    count: '{{times}}'
    inner_functions:
      - function: Streaming API Response
        content: 'Hello {{name}}'
`

const failing = `endpoint_settings: { method: GET, path: /api/failing }
function_stack:
  - function: Streaming API Response
    content: first
  - function: Throw Error
    message: No more paper.
    code: paper
`

const people = `columns:
  id: { type: integer, primary: true }
  name: { type: text, required: true }
  born: integer
`

describe('the command line itself', () => {
  test('help names every command', async () => {
    using line = commandLine()
    const { code, out } = await line.run('--help')
    expect(code).toBe(0)
    for (const command of ['init', 'dev', 'serve', 'check', 'run', 'import', 'token', 'schema'])
      expect(out).toContain(command)
    expect(out).not.toContain('\u001B[')
  })

  test('an unknown command and an unknown option are errors with a suggestion', async () => {
    using line = commandLine()
    const command = await line.run('chekc')
    expect(command.code).toBe(1)
    expect(command.err).toContain('Did you mean check?')
    const option = await line.run('check', '--jsno')
    expect(option.code).toBe(1)
    expect(option.err).toContain('Did you mean --json?')
    expect(option.err).not.toContain('    at ')
  })

  test('the version is that of the package', async () => {
    using line = commandLine()
    expect((await line.run('--version')).out).toMatch(/^\d+\.\d+\.\d+\n$/)
  })
})

describe('init', () => {
  test('makes a workspace without a problem, with a secret that only its owner reads', async () => {
    using line = commandLine()
    const made = await line.run('init', 'api')
    expect(made).toMatchObject({ code: 0, err: '' })
    expect(made.out).toContain('npx streamstack dev api')
    expect(await line.run('check', 'api')).toMatchObject({ code: 0, out: expect.stringContaining('no problems') })
    expect(statSync(join(line.cwd, 'api/.env')).mode & 0o777).toBe(0o600)
    const secret = readFileSync(join(line.cwd, 'api/.env'), 'utf8')
    expect(secret).toMatch(/^JWT_SECRET=\S{32,}$/m)
    expect(made.out).not.toContain(/JWT_SECRET=(\S+)/.exec(secret)?.[1])
    expect(readFileSync(join(line.cwd, 'api/.gitignore'), 'utf8').split('\n')).toContain('.env')
  })

  test('its endpoints stream', async () => {
    using line = commandLine()
    await line.run('init', 'api')
    const chat = await line.run(
      'run',
      'POST',
      '/api/stream-chat',
      'api',
      '--input',
      '{"message":"Hi","options":{"delay":1}}',
      '--format',
      'text',
    )
    expect(chat.code).toBe(0)
    expect(chat.out).toMatch(/^You said: Hi /)
    const notes = await line.run('run', 'GET', '/api/notes', 'api')
    expect(
      notes.out
        .trimEnd()
        .split('\n')
        .map((chunk) => (JSON.parse(chunk) as unknown[]).length),
    ).toEqual([2, 1])
  })

  test('refuses a folder that is not empty', async () => {
    using line = commandLine()
    line.write({ 'api/precious.txt': 'x' })
    const { code, err } = await line.run('init', 'api')
    expect(code).toBe(1)
    expect(err).toContain('not empty')
    expect(readdirSync(join(line.cwd, 'api'))).toEqual(['precious.txt'])
  })
})

describe('check', () => {
  test('prints every problem with its place, sorted, and touches nothing', async () => {
    using line = commandLine()
    line.write({
      'ws/endpoints/b.yaml': hello.replace('content:', 'contnt:'),
      'ws/endpoints/a.yaml': failing.replace('Throw Error', 'Thorw Error'),
      'ws/streamstack.yaml': 'server: { prot: 1 }\n',
    })
    const { code, out } = await line.run('check', 'ws')
    expect(code).toBe(1)
    const lines = out.trimEnd().split('\n')
    expect(lines.at(-1)).toMatch(/error.* in 2 endpoints/)
    const places = lines.slice(0, -1).map((one) => /^(\S+):(\d+):(\d+) \S/.exec(one)?.[1])
    expect(places).not.toContain(undefined)
    expect(places).toEqual(places.toSorted((left, right) => ((left ?? '') < (right ?? '') ? -1 : 1)))
    expect(out).toContain('`port`')
    expect(readdirSync(join(line.cwd, 'ws')).sort()).toEqual(['endpoints', 'streamstack.yaml'])
  })

  test('warnings alone are no failure, and --json is JSON', async () => {
    using line = commandLine()
    line.write({ 'endpoints/a.yaml': hello.replace('path:', 'authentication: true, path:') })
    const { code, out } = await line.run('check', '--json')
    expect(code).toBe(0)
    expect(JSON.parse(out)).toEqual([
      expect.objectContaining({ file: 'endpoints/a.yaml', line: expect.any(Number), severity: 'warning' }),
    ])
  })
})

describe('check of files that others name', () => {
  const fixture = (name: string): string =>
    readFileSync(join(import.meta.dirname, `../../../../test/fixtures/tls/${name}.pem`), 'utf8')
  const otherKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
    type: 'pkcs8',
    format: 'pem',
  })
  const settings = 'name: x\nserver:\n  tls: { cert: tls/cert.pem, key: tls/key.pem }\n'

  test.each<[string, Record<string, string>, RegExp]>([
    [
      'neither is there',
      {},
      /^streamstack\.yaml:3:16 .*`server\.tls\.cert` cannot be read \(ENOENT\).*\nstreamstack\.yaml:3:35 .*`server\.tls\.key`/,
    ],
    [
      'the certificate is none',
      { 'tls/cert.pem': 'x', 'tls/key.pem': fixture('key') },
      /^streamstack\.yaml:3:16 .*no certificate/,
    ],
    [
      'the key is none',
      { 'tls/cert.pem': fixture('cert'), 'tls/key.pem': fixture('cert') },
      /^streamstack\.yaml:3:35 .*no private key/,
    ],
    [
      'they do not belong together',
      { 'tls/cert.pem': fixture('cert'), 'tls/key.pem': String(otherKey) },
      /^streamstack\.yaml:3:16 .*is not the private key of/,
    ],
  ])('of TLS: %s', async (_, files, expected) => {
    using line = commandLine()
    line.write({ 'streamstack.yaml': settings, 'endpoints/a.yaml': hello, ...files })
    const { code, out } = await line.run('check')
    expect([code, out]).toEqual([1, expect.stringMatching(expected)])
    expect(out).not.toContain(line.cwd)
    line.write({ 'tls/cert.pem': fixture('cert'), 'tls/key.pem': fixture('key') })
    expect(await line.run('check')).toMatchObject({ code: 0, out: expect.stringMatching(/^no problems/) })
  })

  test('a seed that is not there', async () => {
    using line = commandLine()
    line.write({ 'endpoints/a.yaml': hello, 'tables/t.yaml': 'columns: { name: text }\nseed: seeds/t.csv\n' })
    expect(await line.run('check')).toMatchObject({
      code: 1,
      out: expect.stringMatching(/^tables\/t\.yaml:2:7 There is no file seeds\/t\.csv/),
    })
  })
})

describe('run', () => {
  test('takes path parameters, query and input, and writes the asked format', async () => {
    using line = commandLine()
    line.write({ 'endpoints/hello.yaml': hello })
    expect(await line.run('run', 'GET', '/api/hello/Ada?times=1')).toMatchObject({
      code: 0,
      out: 'Hello Ada\n',
      err: '',
    })
    const ndjson = await line.run('run', 'get', '/api/hello/Ada', '--input', '{"times":3}', '--format', 'ndjson')
    const lines = ndjson.out
      .trimEnd()
      .split('\n')
      .map((one) => JSON.parse(one) as { type: string })
    expect(lines.map(({ type }) => type)).toEqual(['chunk', 'chunk', 'chunk', 'end'])
    const json = await line.run('run', 'GET', '/api/hello/Ada', '--format', 'json')
    expect(JSON.parse(json.out)).toMatchObject({ outcome: 'completed', chunks: [{ content: 'Hello Ada' }, {}] })
  })

  test('a failed run keeps what was sent, names the step and exits with 1', async () => {
    using line = commandLine()
    line.write({ 'endpoints/failing.yaml': failing })
    const { code, out, err } = await line.run('run', 'GET', '/api/failing')
    expect(code).toBe(1)
    expect(out.split('\n')[0]).toBe('first')
    expect(err).toContain('endpoints/failing.yaml:5:5 failed: No more paper.')
    expect(err).not.toContain('    at ')
  })

  test('inputs are checked as over HTTP, and nothing runs when they do not fit', async () => {
    using line = commandLine()
    line.write({ 'endpoints/hello.yaml': hello })
    const { code, out, err } = await line.run('run', 'GET', '/api/hello/Ada', '--input', '{"times":"often"}')
    expect(code).toBe(1)
    expect(out).toBe('')
    expect(err).toContain('times')
  })

  test('an endpoint that wants a token wants --auth, and its claims are `auth`', async () => {
    using line = commandLine()
    line.write({
      'endpoints/me.yaml':
        'endpoint_settings: { method: GET, path: /me, roles: [admin] }\nfunction_stack:\n  - { function: Streaming API Response, content: "{{auth.sub}}" }\n',
    })
    expect(await line.run('run', 'GET', '/me')).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('--auth'),
    })
    expect(await line.run('run', 'GET', '/me', '--auth', '{"sub":"ada"}')).toMatchObject({ code: 1, out: '' })
    const allowed = await line.run('run', 'GET', '/me', '--auth', '{"sub":"ada","roles":["admin"]}')
    expect(allowed).toMatchObject({ code: 0, out: 'ada\n' })
  })

  test('--trace tells the steps on stderr and leaves stdout alone', async () => {
    using line = commandLine()
    line.write({ 'endpoints/hello.yaml': hello })
    const { out, err } = await line.run('run', 'GET', '/api/hello/Ada', '--trace')
    expect(out).toBe('Hello Ada\nHello Ada\n')
    expect(err).toMatch(/start +1\.inner\.1 \[1\] {2}Streaming API Response/)
  })

  test('Ctrl-C cancels the run', async () => {
    using line = commandLine()
    line.write({
      'endpoints/slow.yaml': failing.replace(/- function: Throw[^]*/, '- { function: Sleep, duration: 600000 }\n'),
    })
    const running = line.start('run', 'GET', '/api/failing')
    await running.until(/first/)
    expect(await running.stop()).toMatchObject({ code: 1, out: 'first\n', err: expect.stringContaining('cancelled:') })
  })

  test('an endpoint that is not there gets a suggestion', async () => {
    using line = commandLine()
    line.write({ 'endpoints/failing.yaml': failing })
    const { code, err } = await line.run('run', 'GET', '/api/faling')
    expect(code).toBe(1)
    expect(err).toContain('Did you mean `GET /api/failing`?')
  })
})

describe('import', () => {
  test('says what went in and what did not, with reasons in a file', async () => {
    using line = commandLine()
    line.write({
      'ws/endpoints/a.yaml': failing,
      'ws/tables/people.yaml': people,
      'p.csv': 'name,born\nAda,1815\nGrace,long ago\nBarbara,\n',
    })
    const { code, out } = await line.run('import', 'people', 'p.csv', 'ws')
    expect(code).toBe(0)
    expect(out).toContain('2 records imported into people')
    expect(out).toMatch(/1 record did not fit; p\.csv\.rejected\.ndjson says why\.\n {2}line 3: .*born.*\n$/)
    expect(JSON.parse(readFileSync(join(line.cwd, 'p.csv.rejected.ndjson'), 'utf8'))).toMatchObject({
      line: 3,
      reason: expect.stringContaining('born'),
    })
  })

  test('shows the first five records that did not fit, and how many of them each reason has', async () => {
    using line = commandLine()
    const rows = Array.from({ length: 9 }, (_, n) => ({ name: `n${n}`, born: n < 7 ? 'long ago' : n }))
    const strange = { name: 'x', '\u001B[2J': 1 }
    const lines = [...rows.slice(0, 4), strange, ...rows.slice(4)].map((row) => `${JSON.stringify(row)}\n`)
    line.write({ 'tables/people.yaml': people, 'p.ndjson': lines.join('') })
    const { code, out } = await line.run('import', 'people', 'p.ndjson')
    expect(code).toBe(0)
    const told = out.slice(out.indexOf('rejected:')).trimEnd().split('\n')
    expect(told[0]).toContain('8 records did not fit')
    expect(told.slice(1).map((one) => one.replace(/(?<=: |× ).*(born|·\[2J).*/, '$1'))).toEqual(
      ['line 1: born', 'line 2: born', 'line 3: born', 'line 4: born', 'line 5: ·[2J']
        .concat('…', '7 × born', '1 × ·[2J')
        .map((text) => `  ${text}`),
    )
    expect(out).not.toContain('\u001B[2J')
  })

  test('exits with 1 when nothing went in', async () => {
    using line = commandLine()
    line.write({ 'tables/people.yaml': people, 'endpoints/a.yaml': failing, 'p.ndjson': '{"name":null}\n' })
    const { code, out, err } = await line.run('import', 'people', 'p.ndjson')
    expect(code).toBe(1)
    expect(out).not.toContain('done:')
    expect(err).toContain('No record went in.')
  })

  test('--create declares the table, and takes the declaration back when nothing goes in', async () => {
    using line = commandLine()
    line.write({
      'endpoints/a.yaml': failing,
      'p.json': '[{"name":"Ada","born":1815}]',
      'broken.json': '[{"name":"Ada"},',
    })
    expect(await line.run('import', 'peple', 'p.json')).toMatchObject({
      code: 1,
      err: expect.stringContaining('--create'),
    })
    expect(await line.run('import', 'people', 'broken.json', '--create')).toMatchObject({ code: 1 })
    expect(readdirSync(line.cwd)).not.toContain('people.yaml')
    const made = await line.run('import', 'people', 'p.json', '--create')
    expect(made).toMatchObject({ code: 0, out: expect.stringContaining('1 record imported') })
    expect(readFileSync(join(line.cwd, 'tables/people.yaml'), 'utf8')).toContain('born: { type: integer }')
    expect(await line.run('import', 'people', 'p.json', '--replace')).toMatchObject({ code: 0 })
  })
})

describe('import from a pipe', () => {
  /** Runs an import of what is written into a named pipe. */
  async function piped(
    line: ReturnType<typeof commandLine>,
    text: string,
    ...args: readonly string[]
  ): ReturnType<ReturnType<typeof commandLine>['run']> {
    const pipe = join(line.cwd, 'pipe')
    execFileSync('sh', ['-c', 'mkfifo "$0"', pipe])
    const [result] = await Promise.all([line.run('import', 'people', 'pipe', ...args), writeFile(pipe, text)])
    return result
  }

  test('reads it once: nothing of it is missing, and the last record still decides the types', async () => {
    using line = commandLine()
    line.write({ 'endpoints/a.yaml': failing })
    const lines = Array.from({ length: 120_000 }, (_, id) => `{"id":${id},"code":${id}}`)
    const text = `${lines.join('\n')}\n{"id":120000,"code":"x"}\n`
    const { out } = await piped(line, text, '--create', '--format', 'ndjson')
    expect(out).toContain('120,001 records imported')
    expect(readFileSync(join(line.cwd, 'tables/people.yaml'), 'utf8')).toContain('code: { type: text }')
  })

  test('has no place for rejected records, unless it is named', async () => {
    using line = commandLine()
    line.write({ 'endpoints/a.yaml': failing, 'tables/people.yaml': people, 'more.csv': 'name,born\nGrace,1906\n' })
    const text = 'name,born\nAda,1815\nGrace,long ago\n'
    const refused = await piped(line, text, '--format', 'csv')
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('--rejected') })
    expect(refused.out).not.toContain('done:')
    rmSync(join(line.cwd, 'pipe'))
    rmSync(join(line.cwd, 'pipe'), { force: true })
    const strange = await piped(line, 'nam,born\nAda,1815\n', '--format', 'csv')
    expect(strange).toMatchObject({ code: 1, err: expect.stringContaining('Did you mean `name`') })
    rmSync(join(line.cwd, 'pipe'))
    const { out } = await piped(line, text, '--format', 'csv', '--rejected', 'bad.ndjson')
    expect(out).toMatch(/1 record imported[^]*bad\.ndjson says why/)
    expect(readFileSync(join(line.cwd, 'bad.ndjson'), 'utf8')).toContain('"line":3')
  })
})

describe('token', () => {
  test('prints a token alone, with the claims that were asked for', async () => {
    using line = commandLine()
    await line.run('init', '.')
    const { code, out, err } = await line.run(
      'token',
      '--sub',
      'ada',
      '--role',
      'admin',
      '--role',
      'editor',
      '--scope',
      'read',
      '--claim',
      'tenant=7',
    )
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/)
    const payload: unknown = JSON.parse(Buffer.from(out.split('.')[1] ?? '', 'base64url').toString())
    expect(payload).toMatchObject({ sub: 'ada', roles: ['admin', 'editor'], scope: 'read', tenant: 7 })
  })

  test('refuses what would not do what it says, with the cure', async () => {
    using line = commandLine()
    await line.run('init', '.')
    const refused = async (...args: readonly string[]): Promise<string> => {
      const { code, out, err } = await line.run('token', ...args)
      expect({ code, out }).toEqual({ code: 1, out: '' })
      return err
    }
    expect(await refused('--role', 'writer,admin')).toContain('--role writer --role admin')
    expect(await refused('--claim', 'sub=eve')).toContain('--sub')
    expect(await refused('--claim', 'exp=1')).toContain('--expires')
    expect(await refused('--role', 'a', '--claim', 'roles=["b"]')).toContain('--role')
    expect((await line.run('token', '--claim', 'roles=["b"]')).code).toBe(0)
  })

  test('without a secret it tells how to set one', async () => {
    using line = commandLine()
    line.write({ 'endpoints/a.yaml': failing })
    const { code, out, err } = await line.run('token')
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toContain('auth.jwt.secret')
  })
})

test('schema prints JSON Schema of each kind of file', async () => {
  using line = commandLine()
  for (const kind of ['endpoint', 'function', 'table', 'channel', 'settings']) {
    expect(JSON.parse((await line.run('schema', kind)).out)).toHaveProperty('properties')
  }
  expect(await line.run('schema', 'poem')).toMatchObject({ code: 1, out: '' })
})
