import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { problem } from '@streamstack/test-support/http-client'
import { endpoint, send, testServer } from '@streamstack/test-support/test-server'

/** The rows of the generated reference: method and path. */
const rows = [
  ...readFileSync(join(import.meta.dirname, '../docs/reference/http.md'), 'utf8').matchAll(
    /^\| \[([A-Z]+)\]\(\S+\) \| `(\S+)` \|/gm,
  ),
].map(([, method = '', path = '']) => ({ method, path: path.replaceAll(/\{\w+(?:\.\.\.)?\}/g, 'x') }))

const paths = [...new Set(rows.map(({ path }) => path))]

describe('every route of the reference', () => {
  test('is there', () => expect(paths.length).toBeGreaterThan(20))

  test.each(paths)('%s answers OPTIONS with its methods, and other methods with 405 and the same', async (path) => {
    await using server = await testServer({ 'endpoints/a.json': endpoint('/a', [send('x')]) })
    const methods = rows.filter((row) => row.path === path).map(({ method }) => method)
    const options = await server.call(path, { method: 'OPTIONS' })
    expect(options.status).toBe(204)
    const allowed = String(options.headers['allow']).split(', ')
    expect(allowed).toEqual(expect.arrayContaining([...methods, 'OPTIONS']))
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'].filter((one) => !allowed.includes(one))) {
      const answer = await server.call(path, { method })
      expect([method, answer.status, answer.headers['allow']]).toEqual([method, 405, allowed.join(', ')])
      expect(problem(answer)).toMatchObject({ code: 'method_not_allowed' })
    }
  })
})

describe('a declared endpoint', () => {
  test('answers OPTIONS with its methods', async () => {
    await using server = await testServer({
      'endpoints/a.json': endpoint('/a', [send('x')], { settings: { method: 'POST' } }),
    })
    const options = await server.call('/a', { method: 'OPTIONS' })
    expect([options.status, options.headers['allow']]).toEqual([204, 'POST, OPTIONS'])
    const other = await server.call('/a')
    expect([other.status, other.headers['allow']]).toEqual([405, 'POST, OPTIONS'])
    expect((await server.call('/b', { method: 'OPTIONS' })).status).toBe(404)
  })

  test('never stands in for a route of the server', async () => {
    await using server = await testServer({ 'endpoints/a.json': endpoint('/:name', [send('mine')]) })
    expect((await server.call('/healthz')).text).toBe('{"status":"ok"}')
    expect((await server.call('/other')).text).toContain('mine')
  })

  test('may have the root, which is the list otherwise', async () => {
    await using server = await testServer({ 'endpoints/a.json': endpoint('/', [send('mine')]) })
    expect((await server.call('/')).text).toContain('mine')
    await using other = await testServer({ 'endpoints/a.json': endpoint('/a', [send('x')]) })
    expect((await other.call('/')).text).toContain('"endpoints"')
  })
})

test('HEAD has the headers of GET and no body', async () => {
  await using server = await testServer({ 'endpoints/a.json': endpoint('/a', [send('x')]) })
  for (const path of ['/', '/healthz', '/readyz']) {
    const [get, head] = await Promise.all([server.call(path), server.call(path, { method: 'HEAD' })])
    expect([head.status, head.text]).toEqual([200, ''])
    expect(head.headers['content-length']).toBe(get.headers['content-length'])
  }
  const missing = await server.call('/missing', { method: 'HEAD' })
  expect([missing.status, missing.text]).toEqual([404, ''])
})

test('a query is all that follows the first question mark', async () => {
  await using server = await testServer({ 'endpoints/a.json': endpoint('/a', [send('x')]) })
  const answer = await server.call('/v1/probe?id=0123?4567&chunks=1')
  expect(problem(answer)).toMatchObject({ code: 'input_invalid', errors: [{ path: 'id' }] })
})

test('a path that is no UTF-8 is refused', async () => {
  await using server = await testServer({ 'endpoints/a.json': endpoint('/a/:name', [send('x')]) })
  expect((await server.call('/a/%ff')).status).toBe(400)
})
