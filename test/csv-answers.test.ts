import { expect, test } from 'vitest'
import { faultProxy } from '@streamstack/test-support/fault-proxy'
import { endpoint, send, testServer } from '@streamstack/test-support/test-server'

const rows = [
  send([
    { id: 1, name: '=x' },
    { id: 2, name: 'b,c' },
  ]),
  send({ id: 3, name: null }),
]
const CSV = 'id,name\n1,=x\n2,"b,c"\n3,\n'

test.each([
  ['Accept', '/a', { accept: 'text/csv' }],
  ['Accept beside others', '/a', { accept: 'application/json;q=0.5, text/csv' }],
  ['?format=', '/a?format=csv', {}],
  ['a declared Content-Type', '/declared', {}],
  ['response_type: standard', '/standard', { accept: 'text/csv' }],
])('rows are asked for by %s', async (_, path, headers) => {
  await using server = await testServer({
    'endpoints/a.json': endpoint('/a', rows),
    'endpoints/declared.json': endpoint('/declared', rows, { settings: { headers: { 'Content-Type': 'text/csv' } } }),
    'endpoints/standard.json': endpoint('/standard', rows, { settings: { response_type: 'standard' } }),
  })
  const answer = await server.call(path, { headers })
  expect(answer.headers['content-type']).toMatch(/^text\/csv/)
  expect([answer.status, answer.text]).toEqual([200, CSV])
})

test('the same run is read again as rows, with formulas escaped', async () => {
  await using server = await testServer({ 'endpoints/a.json': endpoint('/a', rows) })
  const first = await server.call('/a?format=csv&escape_formulas=true')
  const escaped = CSV.replace('=x', "'=x")
  expect(first.text).toBe(escaped)
  const url = String(first.headers['stream-url'])
  expect((await server.call(`${url}?format=csv&escape_formulas=true`)).text).toBe(escaped)
  expect((await server.call(`${url}?format=csv`)).text).toBe(CSV)
})

test('a read that begins at an offset is a document of its own, with its header and the rows after the offset', async () => {
  const more = [...rows, send({ id: 4, name: 'd', extra: true })]
  await using server = await testServer({ 'endpoints/a.json': endpoint('/a', more) })
  const first = await server.call('/a?format=csv')
  const url = String(first.headers['stream-url'])
  const rest = await server.call(`${url}?format=csv`, { headers: { 'last-event-id': '1' } })
  expect(rest.text).toBe('id,name\n3,\n4,d\n')
  expect((await server.call(`${url}?format=csv&offset=2`)).text).toBe('id,name,extra\n4,d,true\n')
  expect((await server.call(`${url}?format=csv&offset=3`)).text).toBe('')
})

test('a broken connection never passes for a complete document, and the run is read again whole', async () => {
  const slow = Array.from({ length: 40 }, (_, index) => send({ id: index, name: 'x'.repeat(1_000) }, undefined))
  await using server = await testServer({
    'endpoints/a.json': endpoint('/a', slow, { settings: { on_disconnect: 'continue' } }),
  })
  await using proxy = await faultProxy(server.url)
  proxy.arm({ direction: 'response', afterBytes: 20_000, kind: 'reset' })
  const answer = await fetch(`${proxy.url}/a?format=csv`, { headers: { 'Idempotency-Key': 'k' } })
  await expect(answer.text()).rejects.toThrow()
  const whole = await server.call(`${answer.headers.get('stream-url')}?format=csv`)
  expect(whole).toMatchObject({ status: 200, ending: 'clean' })
  expect(whole.text.split('\n')).toHaveLength(42)
})

test('a run that fails after its first row never looks complete', async () => {
  await using server = await testServer({
    'endpoints/a.json': endpoint('/a', [...rows, { function: 'Throw Error', message: 'no more' }]),
    'endpoints/early.json': endpoint('/early', [{ function: 'Throw Error', message: 'none', status: 409 }]),
  })
  expect(await server.call('/a?format=csv')).toMatchObject({ text: CSV, ending: 'broken' })
  const early = await server.call('/early?format=csv')
  expect([early.status, early.headers['content-type']]).toEqual([
    expect.any(Number),
    'application/problem+json; charset=utf-8',
  ])
})
