import { expect, test } from 'vitest'
import { problem } from '@streamstack/test-support/http-client'
import { endpoint, testServer } from '@streamstack/test-support/test-server'

test('values that fit no column of a filter are a fault of the caller', async () => {
  const get = (more: object): object => ({ function: 'Get Records', table: 'events', as: 'found', ...more })
  const inputs = { value: { type: 'any', required: true } }
  const send = { function: 'Streaming API Response', content: '{{found.length}}' }
  await using server = await testServer({
    'tables/events.json': { columns: { n: 'integer', at: 'timestamp' }, seed: [{ n: 1, at: '2026-01-02T00:00:00Z' }] },
    'endpoints/n.json': endpoint('/n', [get({ where: 'n >= {{value}}' }), send], { method: 'POST', inputs }),
    'endpoints/at.json': endpoint('/at', [get({ where: 'at >= {{value}}' }), send], { method: 'POST', inputs }),
  })
  const call = (path: string, value: unknown) =>
    server.call(path, {
      method: 'POST',
      body: JSON.stringify({ value }),
      headers: { 'content-type': 'application/json' },
    })
  const faults: readonly [string, unknown][] = [
    ['/n', 'many'],
    ['/n', '1; DROP TABLE events'],
    ['/at', 'yesterday'],
    ['/at', '2026-02-31'],
  ]
  for (const [path, value] of faults) {
    const answer = await call(path, value)
    expect([path, value, answer.status]).toEqual([path, value, 400])
    expect(answer.text).not.toContain('2026-01-02')
    expect(problem(answer)['code']).toBe('query_invalid')
  }
  for (const [path, value] of [
    ['/n', 1],
    ['/at', '2026-01-01'],
  ] as const) {
    expect([path, (await call(path, value)).text]).toEqual([path, '1\n'])
  }
})

test('texts that an operator cannot search for are a fault of the caller', async () => {
  const inputs = { value: { type: 'any', required: true } }
  const operators = ['like', 'ilike', 'contains', 'starts_with', 'ends_with']
  const search = (operator: string, value: string) =>
    endpoint(
      `/${operator}`,
      [
        { function: 'Get Records', table: 'notes', where: `body ${operator} {{${value}}}`, as: 'found' },
        { function: 'Streaming API Response', content: '{{found.length}}' },
      ],
      { method: 'POST', inputs },
    )
  await using server = await testServer({
    'tables/notes.json': { columns: { body: 'text' }, seed: [{ body: 'a secret note' }] },
    ...Object.fromEntries(operators.map((name) => [`endpoints/${name}.json`, search(name, 'value')])),
  })
  for (const operator of operators) {
    for (const value of ['%'.repeat(1_001), 7, ['a'], { a: 1 }, true]) {
      const { status, text } = await server.call(`/${operator}`, { body: { value } })
      expect([operator, value, status]).toEqual([operator, value, 400])
      expect(text).toContain('input_unusable')
      expect(text).not.toContain('secret')
    }
    expect((await server.call(`/${operator}`, { body: { value: 'a secret note' } })).text).toBe('1\n')
  }
})
