import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { KeyUseLog, makeApiKey, readKeyUses } from '../access/index.ts'
import { commandLine } from '@streamstack/test-support/command-line'

const endpoint =
  'endpoint_settings: { method: GET, path: /a, authentication: true }\nfunction_stack: [{ function: Streaming API Response, content: one }]\n'

const hash = (digit: string): string => `sha256:${digit.repeat(64)}`

const settings = `# The keys of our programs.
name: mine
auth:
  keys:
    # For the workflows.
    n8n:
      hash: ${hash('a')} # made in November
      roles: [writer]

    cron: { hash: ${hash('b')}, scopes: [streams:read], expires: 2020-01-31 }
server:
  port: 8080
`

test('keys are listed with their rights, and when each was used last', async () => {
  using line = commandLine()
  const made = makeApiKey()
  line.write({
    'endpoints/a.yaml': endpoint,
    'streamstack.yaml': settings.replace(hash('a'), made.hash),
  })
  const before = await line.run('key', 'list')
  expect(before).toMatchObject({ code: 0, err: '' })
  expect(before.out.split('\n').map((row) => row.trimEnd().split(/ {2,}/))).toEqual([
    ['name', 'roles', 'scopes', 'expires', 'last used'],
    ['n8n', 'writer', 'never', 'never'],
    ['cron', 'streams:read', 'expired 2020-01-31 00:00 UTC', 'never'],
    [''],
  ])
  const running = line.start('serve', '--port', '0')
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(await running.until(/Ctrl-C/))?.[0] ?? ''
  const call = async (key: string): Promise<number> =>
    (await fetch(`${url}/a`, { headers: { Authorization: `Bearer ${key}` } })).status
  expect([await call(made.key), await call(makeApiKey().key)]).toEqual([200, 401])
  await running.stop()
  const listed = JSON.parse((await line.run('key', 'list', '--json')).out) as Record<string, unknown>[]
  expect(listed).toMatchObject([
    { name: 'n8n', last_used: expect.stringMatching(/^\d{4}-\d\d-\d\dT/), expired: false },
    { name: 'cron', last_used: null, expired: true },
  ])
  const file = join(line.cwd, '.streamstack/key-uses.json')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  const noted = readFileSync(file, 'utf8')
  expect(noted).not.toContain(made.hash.slice(7))
  expect(noted).not.toContain(made.key)
})

test('a key that is used all the time is written once a minute', async () => {
  using line = commandLine()
  let nowMs = Date.parse('2026-11-30T12:00:00Z')
  const errors: unknown[] = []
  const log = new KeyUseLog({ folder: line.cwd, onError: (error) => errors.push(error), nowMs: () => nowMs })
  const times = (): string[] =>
    [...readKeyUses(line.cwd).values()].map((ms) => new Date(ms).toISOString().slice(11, 19))
  for (let second = 0; second < 200; second += 1) {
    nowMs += 1_000
    log.note('a'.repeat(64))
    if (second === 100) log.note('b'.repeat(64))
  }
  await log.close()
  expect(times()).toEqual(['12:03:01', '12:01:41'])
  log.keepOnly(['b'.repeat(64)])
  nowMs += 60_000
  log.note('b'.repeat(64))
  await log.close()
  expect(times()).toEqual(['12:04:20'])
  expect(errors).toEqual([])
})

test('a folder that cannot be written costs no call, and is told once', async () => {
  let nowMs = 0
  const errors: unknown[] = []
  const log = new KeyUseLog({ folder: '/nowhere/at/all', onError: (error) => errors.push(error), nowMs: () => nowMs })
  for (let count = 0; count < 3; count += 1) {
    nowMs += 60_000
    log.note('a'.repeat(64))
    await log.close()
  }
  expect(errors).toHaveLength(1)
})

test.each<[string, string, string, string]>([
  [
    'a block',
    settings,
    'n8n',
    settings.replace(/ {4}n8n:\n.*\n.*\n/, '').replace('    # For the workflows.\n\n', '    # For the workflows.\n'),
  ],
  ['one in braces', settings, 'cron', settings.replace(/ {4}cron: .*\n/, '')],
  ['the only one', `name: mine\nauth:\n  keys:\n    a: { hash: ${hash('a')} }\n`, 'a', 'name: mine\n'],
])('%s is revoked, and the rest of the file stays', async (_what, text, name, expected) => {
  using line = commandLine()
  line.write({ 'endpoints/a.yaml': endpoint.replace(', authentication: true', ''), 'streamstack.yaml': text })
  expect(await line.run('key', 'revoke', name)).toMatchObject({ code: 0, err: '' })
  const after = readFileSync(join(line.cwd, 'streamstack.yaml'), 'utf8')
  const withoutBlanks = (one: string): string => one.replaceAll(/\n\s*\n/g, '\n')
  expect(withoutBlanks(after)).toBe(withoutBlanks(expected))
  expect((await line.run('check')).code).toBe(0)
})

test.each([
  [
    'a list in braces',
    `auth: { keys: { a: { hash: '${hash('a')}' }, b: { hash: '${hash('b')}' } }, jwt: { secret: ${'s'.repeat(40)} } }\n`,
  ],
  ['another comment', `auth:\n  keys:\n    b: { hash: ${hash('b')} }\n    a:\n      hash: ${hash('a')}`],
])('a key of %s is revoked', async (_what, text) => {
  using line = commandLine()
  line.write({ 'endpoints/a.yaml': endpoint, 'streamstack.yaml': text })
  expect(await line.run('key', 'revoke', 'a')).toMatchObject({ code: 0, err: '' })
  const listed = JSON.parse((await line.run('key', 'list', '--json')).out) as { name: string }[]
  expect(listed.map(({ name }) => name)).toEqual(['b'])
})

test('a key that does not exist is told with those that do', async () => {
  using line = commandLine()
  line.write({ 'endpoints/a.yaml': endpoint, 'streamstack.yaml': settings })
  const { code, err } = await line.run('key', 'revoke', 'n9n')
  expect(code).toBe(1)
  expect(err).toContain("There is no API key 'n9n'. There are: n8n, cron.")
  expect(readFileSync(join(line.cwd, 'streamstack.yaml'), 'utf8')).toBe(settings)
})

test('a key in JSON settings is revoked', async () => {
  using line = commandLine()
  const keys = { a: { hash: hash('a') }, b: { hash: hash('b') } }
  line.write({ 'endpoints/a.yaml': endpoint, 'streamstack.json': JSON.stringify({ auth: { keys } }) })
  expect((await line.run('key', 'revoke', 'b')).code).toBe(0)
  expect(JSON.parse(readFileSync(join(line.cwd, 'streamstack.json'), 'utf8'))).toEqual({
    auth: { keys: { a: keys.a } },
  })
})
