import { expect, test } from 'vitest'
import { commandLine } from '@streamstack/test-support/command-line'

const endpoint = (settings: string): string =>
  `endpoint_settings: { ${settings} }\nfunction_stack: [{ function: Streaming API Response, content: a }]\n`

test('endpoints and channels are listed with who may call and the file; broken ones are counted', async () => {
  using line = commandLine()
  line.write({
    'api/endpoints/b.yaml': endpoint('method: GET, path: /b, description: The letter b'),
    'api/endpoints/deep/a.yaml': endpoint('method: POST, path: /a/:id, roles: [admin, editor], scopes: [write]'),
    'api/endpoints/mine.yaml': endpoint('method: GET, path: /a/mine, authentication: true'),
    'api/endpoints/broken.yaml': 'function_stack: [{ function: Nonsense }]\n',
    'api/channels/rooms.yaml': 'channel: rooms/{room}\npublish: token\nsubscribe: true\n',
  })
  const { code, out, err } = await line.run('routes', 'api')
  const rows = out
    .trimEnd()
    .split('\n')
    .map((row) => row.split(/ {2,}/))
  expect(rows).toEqual([
    ['METHOD', 'PATH', 'ACCESS', 'FILE'],
    ['POST', '/a/:id', 'admin | editor and write', 'api/endpoints/deep/a.yaml'],
    ['GET', '/a/mine', 'token', 'api/endpoints/mine.yaml'],
    ['GET', '/b', 'anyone', 'api/endpoints/b.yaml', 'The letter b'],
    ['channel', 'rooms/{room}', 'publish: token, subscribe: anyone', 'api/channels/rooms.yaml'],
  ])
  expect([code, err]).toEqual([1, expect.stringContaining('1 of 4 endpoint files have an error')])
})

test('the routes of the server are listed with --all, and everything as JSON', async () => {
  using line = commandLine()
  line.write({ 'endpoints/a.yaml': endpoint('method: GET, path: /a') })
  const { code, out } = await line.run('routes', '--all', '--json')
  const listed = JSON.parse(out) as { method: string; path: string; access: string; file: string | null }[]
  expect(code).toBe(0)
  expect(listed[0]).toEqual({
    method: 'GET',
    path: '/a',
    access: 'anyone',
    file: 'endpoints/a.yaml',
    description: null,
  })
  expect(listed).toContainEqual(expect.objectContaining({ method: 'GET', path: '/healthz', file: null }))
  expect((await line.run('routes')).out).not.toContain('/healthz')
})
