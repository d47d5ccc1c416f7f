import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { START_SETTING_KEYS, type Settings, changedStartSettings, formatIssue, readWorkspace } from './index.ts'
import { knownKeys } from './settings-schema.ts'

const made: string[] = []

afterEach(async () => {
  for (const dir of made.splice(0)) await rm(dir, { recursive: true, force: true })
})

async function folder(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'workspace-'))
  made.push(dir)
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(dir, name)), { recursive: true })
    await writeFile(join(dir, name), content)
  }
  return dir
}

const endpoint = 'function_stack: []'

describe('files', () => {
  test('definitions of all folders are read, sorted, hidden and other files left out', async () => {
    const dir = await folder({
      'streamstack.yaml': 'name: shop',
      'endpoints/b.yaml': endpoint,
      'endpoints/a/c.json': '{}',
      'endpoints/.draft.yaml': 'a: b: c',
      'endpoints/notes.md': '# notes',
      'endpoints/node_modules/x.yaml': 'a: b: c',
      'functions/f.yml': endpoint,
      'tables/t.yaml': 'columns: {}',
    })
    const read = await readWorkspace(dir, {})
    expect(read.issues).toEqual([])
    expect(read.settings?.name).toBe('shop')
    expect(read.endpointFiles.map((file) => file.file)).toEqual(['endpoints/a/c.json', 'endpoints/b.yaml'])
    expect(read.endpointFiles[1]).toMatchObject({ text: endpoint, tree: { value: { function_stack: [] } } })
    expect(read.functionFiles.map((file) => file.file)).toEqual(['functions/f.yml'])
    expect(read.tableFiles.map((file) => file.file)).toEqual(['tables/t.yaml'])
  })

  test('a broken file is an issue at its place; the others are read', async () => {
    const dir = await folder({ 'endpoints/a.json': '{\n  "a": 1\n  "b": 2\n}', 'endpoints/b.yaml': endpoint })
    const read = await readWorkspace(dir, {})
    expect(read.issues.map(formatIssue)).toEqual(['endpoints/a.json:3:3 A comma is missing before "b".'])
    expect(read.endpointFiles.map((file) => file.tree === null)).toEqual([true, false])
  })

  test('a missing workspace and a missing endpoints folder are said', async () => {
    const dir = await folder({})
    const missing = await readWorkspace(join(dir, 'nowhere'), {})
    expect(missing.settings).toBeNull()
    expect(missing.issues.map(formatIssue)).toEqual([
      '.:1:1 The workspace folder does not exist; `streamstack init <dir>` makes one.',
    ])
    const empty = await readWorkspace(dir, {})
    expect(empty.issues.map(formatIssue)).toEqual([
      'endpoints:1:1 The workspace has no folder endpoints/; make it and put one file for each endpoint there.',
    ])
  })

  test('a folder of definitions whose name is almost that of another is said', async () => {
    const dir = await folder({
      'endpoints/ok.yaml': endpoint,
      'endpoint/lost.yaml': endpoint,
      'Tables/lost.json': '{}',
      'tales/story.txt': 'no definition',
      'data/rows.json': '[]',
      'tests/ok.yaml': 'a: 1',
    })
    expect((await readWorkspace(dir, {})).issues.map(formatIssue).toSorted()).toEqual([
      'Tables:1:1 warning: Nothing reads the folder Tables/. Did you mean `tables/`?',
      'endpoint:1:1 warning: Nothing reads the folder endpoint/. Did you mean `endpoints/`?',
    ])
  })

  test('links that lead in circles or nowhere, files of another encoding and huge ones are issues', async () => {
    const dir = await folder({
      'endpoints/ok.yaml': endpoint,
      'endpoints/latin1.yaml': Uint8Array.from([0x61, 0x3a, 0x20, 0xe9]),
      'endpoints/huge.json': 'x'.repeat(5 * 1024 * 1024 + 1),
    })
    await symlink(join(dir, 'endpoints'), join(dir, 'endpoints/again'))
    await symlink(join(dir, 'nowhere.yaml'), join(dir, 'endpoints/lost.yaml'))
    const read = await readWorkspace(dir, {})
    expect(read.issues.map(formatIssue).sort()).toEqual([
      'endpoints/again:1:1 warning: The link leads back to a folder above it; remove it.',
      'endpoints/huge.json:1:1 The file is larger than 5 MB; keep data in a table and only the definition here.',
      'endpoints/latin1.yaml:1:1 The file is not UTF-8 text; save it in UTF-8.',
      'endpoints/lost.yaml:1:1 The file cannot be read (ENOENT). The link leads nowhere; mend or remove it.',
    ])
    // Unreadable files are listed all the same, so that what they declared before can stay.
    expect(read.endpointFiles.map(({ file, tree }) => [file, tree !== null])).toEqual([
      ['endpoints/huge.json', false],
      ['endpoints/latin1.yaml', false],
      ['endpoints/lost.yaml', false],
      ['endpoints/ok.yaml', true],
    ])
    for (const issue of read.issues) expect(issue.message).not.toContain(dir)
  })

  // Root reads every file, whatever its permissions.
  test.skipIf(process.getuid?.() === 0)('a file without permission is an issue', async () => {
    const dir = await folder({ 'endpoints/a.yaml': endpoint })
    await chmod(join(dir, 'endpoints/a.yaml'), 0)
    expect((await readWorkspace(dir, {})).issues.map(formatIssue)).toEqual([
      'endpoints/a.yaml:1:1 The file cannot be read (EACCES). Check its permissions.',
    ])
  })

  test('a byte order mark is no part of the text, in whichever file', async () => {
    const mark = '\uFEFF'
    const dir = await folder({
      'streamstack.yaml': `${mark}env: [FIRST, SECOND]\nname: shop\n`,
      '.env': `${mark}FIRST=one\r\nSECOND=two\r\n`,
      'endpoints/a.yaml': `${mark}${endpoint}`,
      'endpoints/b.json': `${mark}{"function_stack":[]}`,
      'tables/t.yaml': `${mark}columns: {}`,
    })
    const { issues, env, settings, endpointFiles, tableFiles } = await readWorkspace(dir, {})
    expect(issues).toEqual([])
    expect(env).toEqual({ FIRST: 'one', SECOND: 'two' })
    expect(settings?.name).toBe('shop')
    for (const { text, tree } of [...endpointFiles, ...tableFiles]) {
      expect(tree?.entries).toHaveLength(1)
      expect(text).not.toContain(mark)
    }
  })

  test('a .env file as Windows may write it, in UTF-16, is an error with the cure', async () => {
    const dir = await folder({ 'endpoints/a.yaml': endpoint, '.env': Buffer.from('\uFEFFA=1', 'utf16le') })
    expect((await readWorkspace(dir, {})).issues.map(formatIssue)).toEqual([
      '.env:1:1 The file is not UTF-8 text; save it in UTF-8.',
    ])
  })

  test('several settings files are refused', async () => {
    const dir = await folder({ 'streamstack.yaml': '', 'streamstack.json': '{}', 'endpoints/a.yaml': endpoint })
    expect((await readWorkspace(dir, {})).issues.map(formatIssue)).toEqual([
      'streamstack.json:1:1 The settings stand in streamstack.yaml already; remove one of the two files.',
    ])
  })
})

async function read(settings: string, dotenv = '', environment: Record<string, string> = {}) {
  const dir = await folder({ 'streamstack.yaml': settings, 'endpoints/a.yaml': endpoint, '.env': dotenv })
  return readWorkspace(dir, environment)
}

describe('settings', () => {
  test('everything has a default, and the result is frozen', async () => {
    const { settings, issues, dir } = await read('# nothing set')
    expect(issues).toEqual([])
    // Other settings have theirs, too; these are the ones that documentation and other stations rely on.
    expect(settings).toMatchObject({
      name: null,
      server: {
        host: '127.0.0.1',
        port: 8080,
        hosts: null,
        publicUrl: null,
        trustedProxies: [],
        forwarded: 'x-forwarded',
        errors: null,
        halfClose: false,
        maxConnections: 20_000,
        bodyLimitBytes: 1_048_576,
        stopGraceMs: 10_000,
        tls: null,
        cors: { origins: [], credentials: false, maxAgeSeconds: 600 },
        websocket: {
          maxConnections: 10_000,
          maxStreams: 100,
          messageRate: 200,
          queueBytesMax: 65_536,
          slowTimeoutMs: 60_000,
          authTimeoutMs: 10_000,
        },
      },
      envNames: [],
      variables: {},
      auth: { jwt: [], isDeveloperSecret: false },
      outbound: { allow: [], rewrite: {}, connectTimeoutMs: 10_000, hostConnectionsMax: 500 },
      ai: { prices: {} },
      conversations: { retentionMs: null, messagesMax: 2_000, perOwnerMax: 2_000 },
      openai: { models: {} },
      limits: {
        maxDurationMs: 600_000,
        maxChunks: 10_000_000,
        maxBytes: 4_294_967_296,
        maxIterations: 10_000_000,
        maxStackDepth: 64,
      },
      streams: {
        windowBytes: 4_194_304,
        retainedBytes: 67_108_864,
        retentionMs: 300_000,
        durableRetentionMs: 86_400_000,
        heartbeatMs: 15_000,
        access: 'closed',
        log: 'sqlite',
        memoryBytes: 268_435_456,
        maxAgeMs: null,
        maxBytes: null,
        longPollTimeoutMs: 30_000,
      },
      channels: { maxOpen: 100_000, memoryBytes: 268_435_456, presenceGraceMs: 5_000, tokenInUrl: false },
      dataFolder: join(dir, '.streamstack'),
      log: { level: 'info' },
    })
    expect(Object.isFrozen(settings)).toBe(true)
    expect(Object.isFrozen(settings?.server.cors.origins)).toBe(true)
  })

  test('what is written is read with its units, paths relative to the workspace', async () => {
    const { settings, issues, dir } = await read(
      `
server:
  port: "{{env.PORT}}"
  body_limit: 5mb
  tls: { cert: certs/a.pem, key: /etc/a.key }
  cors: { origins: "*", max_age: 1h }
env: [PORT, JWT_SECRET]
variables:
  target_table: flights
  nested: { list: [1, null, "p{{env.PORT}}"] }
auth: { jwt: { secret: "{{ env.JWT_SECRET }}", audience: web, clock_tolerance: 30s } }
outbound: { allow: ["127.0.0.1:9000"], timeout: 5s }
limits:
streams: { heartbeat: 1s }
data: ../data
`,
      'PORT=1234\nJWT_SECRET="from file"\n',
      { JWT_SECRET: 'from the process, 32 bytes or more', OTHER: 'x' },
    )
    expect(issues).toEqual([])
    expect(settings).toMatchObject({
      server: {
        port: 1234,
        bodyLimitBytes: 5_242_880,
        tls: { certFile: join(dir, 'certs/a.pem'), keyFile: '/etc/a.key' },
        cors: { origins: ['*'], maxAgeSeconds: 3600 },
      },
      variables: { target_table: 'flights', nested: { list: [1, null, 'p1234'] } },
      auth: {
        jwt: [
          {
            secret: 'from the process, 32 bytes or more',
            audience: ['web'],
            clockToleranceSeconds: 30,
            jwksUrl: null,
            requireExp: null,
            maxAgeSeconds: null,
          },
        ],
      },
      outbound: { allow: ['127.0.0.1:9000'], firstByteTimeoutMs: 5000, idleTimeoutMs: 5000 },
      streams: { heartbeatMs: 1000 },
      dataFolder: join(dir, '../data'),
    })
  })

  test('only declared names are read from the environment; one without a value is a warning', async () => {
    const { env, issues } = await read('env: [A, B, constructor]', 'A=1', { C: '3' })
    expect(env).toEqual({ A: '1' })
    expect(issues.map(formatIssue)).toEqual([
      'streamstack.yaml:1:10 warning: The environment variable B has no value; set it in .env or in the environment.',
      'streamstack.yaml:1:13 warning: The environment variable constructor has no value; set it in .env or in the environment.',
    ])
  })

  test('the text of an environment variable is never read as an expression', async () => {
    const { settings } = await read('env: [A, B]\nvariables: { a: "{{env.A}}" }', '', { A: '{{env.B}}', B: 'secret' })
    expect(settings?.variables).toEqual({ a: '{{env.B}}' })
  })

  test.each([
    ['server:\n  prot: 1', '2:3 There is no setting `server.prot`. Did you mean `port`?'],
    [
      'zzz: 1',
      `1:1 There is no setting \`zzz\`. Known are ${(knownKeys[''] ?? []).filter((key) => key !== '$schema').join(', ')}.`,
    ],
    ['server:\n  port: 70000', '2:9 `server.port` must be a whole number from 0 to 65535; it is 70000.'],
    ['server:\n  port: many', '2:9 `server.port` must be a whole number from 0 to 65535; it is "many".'],
    ['server: 5', '1:9 `server` must be an object of keys and values; it is 5.'],
    ['server: { tls: { cert: a } }', '1:11 `server.tls.key` is missing; it must be text.'],
    [
      'server: { cors: { max_age: 600 } }',
      '1:28 `server.cors.max_age` must be a duration with its unit, such as 30s or 10m; it is 600.',
    ],
    [
      'limits: { max_duration: soon }',
      '1:25 `limits.max_duration` must be a duration such as 500ms, 30s or 5m; it is "soon".',
    ],
    [
      'streams: { retained_bytes: 1kb }',
      '1:28 `streams.retained_bytes` must not be less than `streams.window_bytes`; it is "1kb".',
    ],
    ['auth: { jwt: { issuer: a } }', '1:9 `auth.jwt` needs `secret`, `private_key`, `public_key` or `jwks_url`.'],
    [
      'auth: { jwt: [{ secret: 0123456789abcdef0123456789abcdef, issuer: a }, { jwks_url: https://x.example/, issuer: b, isuer: b }] }',
      '1:115 There is no setting `auth.jwt[1].isuer`. Did you mean `issuer`?',
    ],
    [
      'auth: { jwt: [{ jwks_url: https://x.example/, issuer: a }, { jwks_url: https://y.example/ }] }',
      '1:60 `auth.jwt[1].issuer` is missing; it must be set: with several entries, each names the issuers of its tokens.',
    ],
    ['auth: { jwt: yes }', '1:14 `auth.jwt` must be an object of keys and values, or a list of them; it is "yes".'],
    ['auth: { jwt: { secret: 12345 } }', '1:24 `auth.jwt.secret` must be text.'],
    [
      'auth: { jwt: { jwks_url: "ftp://x" } }',
      '1:26 `auth.jwt.jwks_url` is not a web address. Use one like https://login.example.com/.well-known/jwks.json; it is "ftp://x".',
    ],
    ['env: JWT', '1:6 `env` must be a list of names; it is "JWT".'],
    ['env: [a-b]', '1:7 `env[0]` must be the name of an environment variable; it is "a-b".'],
    ['variables: { a-b: 1 }', '1:19 `variables.a-b` is no variable name; use letters, digits and _, no leading digit.'],
    ['variables: { a: "{{env.X}}" }', '1:17 {{env.X}} is not declared; add X to the list `env`.'],
    ['variables: { a: "{{now}}" }', '1:17 Settings can hold {{env.NAME}} only, not {{now}}.'],
    [
      'log: { level: loud }',
      '1:15 `log.level` must be one of silent, fatal, error, warn, info, debug, trace; it is "loud".',
    ],
    ['- a', '1:1 The settings file must be an object of keys and values.'],
    ['a: b: c', '1:4 A colon or a deeper indent makes a second `key: value` here; put text with a colon in quotes.'],
  ])('%s', async (settings, message) => {
    const { settings: checked, issues } = await read(settings)
    expect(checked).toBeNull()
    expect(issues.filter((issue) => issue.severity === 'error').map(formatIssue)).toEqual([
      `streamstack.yaml:${message}`,
    ])
  })

  test('a missing secret stops the start, and no message repeats a value from the environment', async () => {
    const missing = await read('env: [S]\nauth: { jwt: { secret: "{{env.S}}" } }')
    expect(missing.settings).toBeNull()
    expect(missing.issues.map(formatIssue)).toContain(
      'streamstack.yaml:2:24 {{env.S}} has no value; set S in .env or in the environment.',
    )
    expect(missing.issues).toHaveLength(2)
    const wrong = await read('env: [S]\nserver: { port: "{{env.S}}" }', 'S=hunter2')
    expect(wrong.settings).toBeNull()
    expect(JSON.stringify(wrong.issues)).not.toContain('hunter2')
  })
})

test('a secret that stands in the settings is a warning, which does not repeat it; one of the environment is none', async () => {
  const written = await folder({
    'streamstack.yaml': 'auth: { jwt: [{ issuer: a, secret: 0123456789abcdef0123456789abcdef }] }',
    'endpoints/a.yaml': endpoint,
  })
  const { issues } = await readWorkspace(written, {})
  expect(issues).toMatchObject([{ severity: 'warning', position: { file: 'streamstack.yaml', line: 1 } }])
  expect(issues[0]?.message).toContain('`auth.jwt[0].secret` stands in this file')
  expect(issues[0]?.message).not.toContain('0123456789')
  const read = await folder({
    'streamstack.yaml': 'env: [JWT]\nauth: { jwt: { secret: "{{env.JWT}}" } }',
    'endpoints/a.yaml': endpoint,
  })
  expect((await readWorkspace(read, { JWT: '0123456789abcdef0123456789abcdef' })).issues).toEqual([])
})

describe('settings that only a start reads', () => {
  const tls = (fields: object): object => ({ server: { tls: { cert: 'a.pem', key: 'a.key', ...fields } } })
  const settingsOf = async (settings: object): Promise<Settings> => {
    const dir = await folder({ 'streamstack.json': JSON.stringify(settings), 'endpoints/a.yaml': endpoint })
    const read = await readWorkspace(dir, {})
    if (read.settings === null) throw new Error(read.issues.map(formatIssue).join('\n'))
    return read.settings
  }
  const cases: Readonly<Record<string, readonly [before: object, after: object]>> = {
    'server.host': [{}, { server: { host: '::1' } }],
    'server.port': [{ server: { port: 1 } }, { server: { port: 2 } }],
    'server.half_close': [{}, { server: { half_close: true } }],
    'server.max_connections': [{}, { server: { max_connections: 9 } }],
    'server.tls.cert': [tls({}), tls({ cert: 'b.pem' })],
    'server.tls.key': [tls({}), tls({ key: 'b.key' })],
    'server.tls.redirect_port': [tls({}), tls({ redirect_port: 81 })],
    'streams.heartbeat': [{}, { streams: { heartbeat: '9s' } }],
    'streams.log': [{}, { streams: { log: 'memory' } }],
    'streams.memory_bytes': [{}, { streams: { memory_bytes: '9mb' } }],
    'streams.max_age': [{ streams: { max_age: '1h' } }, {}],
    'streams.max_bytes': [{}, { streams: { max_bytes: '9mb' } }],
    'audit.folder': [{}, { audit: { folder: 'other' } }],
    data: [{}, { data: 'other' }],
  }

  test.each(Object.entries(cases))('%s is named when it changes, and nothing else is', async (key, [before, after]) => {
    expect(changedStartSettings(await settingsOf(before), await settingsOf(after))).toEqual([key])
  })

  test('are all tried here; others, and other spellings of a value, are not named', async () => {
    expect(Object.keys(cases).sort()).toEqual([...START_SETTING_KEYS].sort())
    const [before, after] = [
      { streams: { heartbeat: '15s', memory_bytes: '256mb' }, limits: { max_chunks: 1 } },
      { streams: { heartbeat: 15_000, memory_bytes: 256 * 1_048_576 }, limits: { max_chunks: 2 }, name: 'b' },
    ]
    expect(changedStartSettings(await settingsOf(before), await settingsOf(after))).toEqual([])
  })
})

test.each([
  ['audit: { inputs: { order: hash } }', true],
  ['audit: { enabled: true, inputs: { order: hash } }', false],
  ['audit: { enabled: false, inputs: { order: hash } }', false],
  ['audit: {}', false],
])('settings of an audit that nothing turns on are a warning: %s', async (settings, warns) => {
  const { issues } = await readWorkspace(
    await folder({ 'streamstack.yaml': settings, 'endpoints/a.yaml': endpoint }),
    {},
  )
  const told = 'streamstack.yaml:1:1 warning: `audit` is off, and its settings have no effect. Add `enabled: true`, or'
  expect(issues.map(formatIssue)).toEqual(warns ? [expect.stringContaining(told)] : [])
})
