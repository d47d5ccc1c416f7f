import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { commandLine } from '@streamstack/test-support/command-line'

const endpoint =
  'endpoint_settings: { method: GET, path: /a }\nfunction_stack: [{ function: Streaming API Response, content: a }]\n'

test('the document is printed with every endpoint, with the routes of the server unless they are left out', async () => {
  using line = commandLine()
  line.write({ 'api/endpoints/a.yaml': endpoint })
  const all = JSON.parse((await line.run('openapi', 'api')).out) as { paths: object }
  expect(Object.keys(all.paths)).toEqual(expect.arrayContaining(['/a', '/healthz']))
  const { code, out } = await line.run('openapi', 'api', '--endpoints-only')
  expect(code).toBe(0)
  expect(Object.keys((JSON.parse(out) as { paths: object }).paths)).toEqual(['/a'])
})

test('with --output the document goes to the file', async () => {
  using line = commandLine()
  line.write({ 'endpoints/a.yaml': endpoint })
  expect(await line.run('openapi', '-o', 'openapi.json')).toMatchObject({ code: 0, out: '' })
  expect(readFileSync(join(line.cwd, 'openapi.json'), 'utf8')).toContain('"openapi": "3.1.1"')
})

test('a broken endpoint fails the command, and nothing is printed', async () => {
  using line = commandLine()
  line.write({ 'endpoints/a.yaml': endpoint, 'endpoints/b.yaml': 'function_stack: [{ function: Nonsense }]\n' })
  const { code, out, err } = await line.run('openapi')
  expect([code, out]).toEqual([1, ''])
  expect(err).toContain('endpoints/b.yaml')
})
